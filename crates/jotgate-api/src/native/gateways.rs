//! How the gateways of the site are.

use axum::extract::State;
use jotgate_manage::{GatewayState, GatewayStatus};
use jotgate_model::Snapshot;
use schemars::JsonSchema;
use serde::Serialize;

use super::Native;
use super::endpoint::Endpoint;
use super::input::Caller;
use super::output::Answer;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "How the gateways of the site are, and what they serve";
    let list = Endpoint::get("/gateways", summary, list);
    vec![list.answer::<GatewaysAnswer>()]
}

/// The gateways, by the name of their nodes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GatewaysAnswer {
    gateways: Vec<GatewayAnswer>,
}

/// A gateway, and how it is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GatewayAnswer {
    /// The id of its proxy service.
    id: String,
    /// The id of its node.
    node: String,
    node_name: String,
    host_name: String,
    /// Whether it is the one that answers.
    answers: bool,
    /// running; troubled, with a problem; silent, when it said nothing for half a minute; or unknown.
    state: &'static str,
    problem: Option<String>,
    /// The version of its program.
    version: Option<String>,
    /// The number of the configuration that it serves.
    revision: Option<u64>,
    /// When it was heard of last.
    heard: Option<String>,
}

async fn list(State(native): State<Native>, Caller(_): Caller) -> Answer<GatewaysAnswer> {
    let found = native.management.gateways((native.clock)()).await;
    let snapshot = native.management.snapshot();
    let gateways = found.into_iter().map(|status| answer(&snapshot, status));
    let mut gateways: Vec<_> = gateways.collect();
    gateways.sort_by_cached_key(|gateway| (gateway.node_name.to_lowercase(), gateway.id.clone()));
    Answer(GatewaysAnswer { gateways })
}

fn answer(snapshot: &Snapshot, status: GatewayStatus) -> GatewayAnswer {
    let documents = &snapshot.documents;
    let gateway = documents.proxy_services.get(&status.id);
    let node = gateway.map(|gateway| gateway.server_node_configuration);
    let of_node = node.and_then(|node| documents.nodes.get(&node));
    let (state, problem) = match status.state {
        GatewayState::Running => ("running", None),
        GatewayState::Troubled(problem) => ("troubled", Some(problem)),
        GatewayState::Silent => ("silent", None),
        GatewayState::Unknown => ("unknown", None),
    };
    GatewayAnswer {
        id: status.id.to_string(),
        node: node.unwrap_or_default().to_string(),
        node_name: of_node.map_or_else(String::new, |node| node.name.clone()),
        host_name: of_node.map_or_else(String::new, |node| node.host_name.clone()),
        answers: status.id == snapshot.proxy_id,
        state,
        problem,
        version: status.version,
        revision: status.revision,
        heard: status.heard.map(|at| at.to_string()),
    }
}
