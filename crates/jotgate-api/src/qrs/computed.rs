//! Entities that are no documents: they follow from the site and are only read.

use jotgate_model::{Snapshot, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::entity::EntityType;
use super::wire::Writer;

/// Every entity of a computed type, in full.
pub(super) fn all(
    entity: EntityType,
    snapshot: &Snapshot,
    writer: &mut Writer<'_>,
    now: Timestamp,
) -> Vec<Value> {
    match entity {
        EntityType::ServiceCluster => service_clusters(snapshot),
        EntityType::ServiceStatus => service_statuses(snapshot, writer, now),
        _ => Vec::new(),
    }
}

/// The one cluster that all machines belong to.
fn service_clusters(snapshot: &Snapshot) -> Vec<Value> {
    let nodes = snapshot.documents.nodes.values();
    let mut ids: Vec<Uuid> = nodes.map(|node| node.service_cluster).collect();
    ids.sort_unstable();
    ids.dedup();
    let cluster = |id| {
        let mut cluster = stamped(id, Timestamp::NEVER, "ServiceCluster");
        cluster["name"] = "ServiceCluster".into();
        cluster["settings"] = json!({"schemaPath": "ServiceCluster.Settings"});
        cluster
    };
    ids.into_iter().map(cluster).collect()
}

/// The gateways: the one that answers runs, of others nothing is known here.
fn service_statuses(snapshot: &Snapshot, writer: &mut Writer<'_>, now: Timestamp) -> Vec<Value> {
    const PROXY: u8 = 1;
    const RUNNING: u8 = 2;
    const UNKNOWN: u8 = 5;
    let status = |proxy: &jotgate_model::entity::ProxyService| {
        let mut status = stamped(proxy.metadata.id, now, "ServiceStatus");
        let node = proxy.server_node_configuration;
        let runs = proxy.metadata.id == snapshot.proxy_id;
        status["serverNodeConfiguration"] = writer.node(node);
        status["serviceType"] = PROXY.into();
        status["serviceState"] = if runs { RUNNING } else { UNKNOWN }.into();
        status["timestamp"] = now.to_string().into();
        status
    };
    let proxies = snapshot.documents.proxy_services.values();
    proxies.map(|proxy| &**proxy).map(status).collect()
}

fn stamped(id: Uuid, at: Timestamp, schema: &str) -> Value {
    json!({
        "id": id,
        "createdDate": at.to_string(),
        "modifiedDate": at.to_string(),
        "modifiedByUserName": r"INTERNAL\jotgate",
        "schemaPath": schema,
        "privileges": null,
    })
}
