//! Entities that are no documents: they follow from the site and are only read.

use jotgate_manage::{GatewayState, GatewayStatus};
use jotgate_model::{Snapshot, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Qrs;
use super::entity::EntityType;
use super::wire::Writer;

/// Every entity of a computed type, in full. The gateways are needed for their statuses: see
/// [`gateways`].
pub(super) fn all(
    entity: EntityType,
    snapshot: &Snapshot,
    writer: &mut Writer<'_>,
    gateways: &[GatewayStatus],
) -> Vec<Value> {
    match entity {
        EntityType::ServiceCluster => service_clusters(snapshot),
        EntityType::ServiceStatus => service_statuses(snapshot, writer, gateways),
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

/// How the gateways are, where that is asked for.
pub(super) async fn gateways(qrs: &Qrs, entity: EntityType) -> Vec<GatewayStatus> {
    match entity {
        EntityType::ServiceStatus => qrs.management.gateways((qrs.clock)()).await,
        _ => Vec::new(),
    }
}

/// The gateways, as each of them says of itself.
fn service_statuses(
    snapshot: &Snapshot,
    writer: &mut Writer<'_>,
    gateways: &[GatewayStatus],
) -> Vec<Value> {
    const PROXY: u8 = 1;
    let status = |gateway: &GatewayStatus| {
        let proxy = snapshot.documents.proxy_services.get(&gateway.id)?;
        let heard = gateway.heard.unwrap_or(Timestamp::NEVER);
        let mut status = stamped(gateway.id, heard, "ServiceStatus");
        status["serverNodeConfiguration"] = writer.node(proxy.server_node_configuration);
        status["serviceType"] = PROXY.into();
        status["serviceState"] = state(&gateway.state).into();
        status["timestamp"] = heard.to_string().into();
        Some(status)
    };
    gateways.iter().filter_map(status).collect()
}

/// The number of the real system's state that comes nearest.
const fn state(state: &GatewayState) -> u8 {
    match state {
        GatewayState::Running | GatewayState::Troubled(_) => 2,
        GatewayState::Silent => 3,
        GatewayState::Unknown => 5,
    }
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
