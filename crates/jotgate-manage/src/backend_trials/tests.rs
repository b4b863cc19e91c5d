use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jotgate_model::BackendOutcome;
use jotgate_model::entity::ServiceConfig;
use serde_json::json;

use super::*;
use crate::testing::{Site, at, auditor, forbidden, invalid, quiet_side, root, security, site};
use crate::{Draft, DraftContent, Edit, LiveSide};

/// A request path whose backends are all reachable; counts how many were tried.
fn reachable(site: &Site) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    site.management.use_live(LiveSide {
        try_backend: Box::new(move |node, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                // The first ones answer last.
                let pause = if node.name.starts_with("A slow") {
                    20
                } else {
                    0
                };
                tokio::time::sleep(Duration::from_millis(pause)).await;
                BackendCheck {
                    outcome: BackendOutcome::Reachable,
                    detail: node.tls.client_key.to_string(),
                    elapsed: Duration::ZERO,
                }
            })
        }),
        ..quiet_side()
    });
    count
}

fn service(path: &str) -> ServiceConfig {
    ServiceConfig {
        path: path.to_owned(),
        uri: "https://10.0.0.5".to_owned(),
        ..Default::default()
    }
}

fn node(name: &str, services: Vec<ServiceConfig>) -> ServerNodeConfiguration {
    ServerNodeConfiguration {
        name: name.to_owned(),
        host_name: "portal".to_owned(),
        services,
        ..Default::default()
    }
}

fn edit(id: Option<Uuid>, properties: serde_json::Value) -> Edit {
    Edit::Put {
        kind: Kind::Node,
        id,
        properties: properties.as_object().unwrap().clone(),
    }
}

async fn addresses_of(site: &Site, edits: Vec<Edit>) -> Vec<String> {
    let draft = Draft {
        base: None,
        content: DraftContent::Edits(edits),
    };
    let preview = site
        .management
        .preview_draft(root(), &draft, false, usize::MAX, at(9))
        .await;
    let tried = preview.unwrap().backends.tried;
    tried.into_iter().map(|trial| trial.address).collect()
}

#[tokio::test]
async fn a_node_is_tried_without_being_saved() {
    let site = site().await;
    reachable(&site);
    let draft = node("new", vec![service("/"), service("/hub")]);
    let trials = site.management.try_node(security(), draft).await.unwrap();
    let told: Vec<_> = trials
        .tried
        .iter()
        .map(|trial| (&*trial.service, &*trial.address))
        .collect();
    let address = "https://10.0.0.5:443";
    assert_eq!(told, [("/hub", address), ("/", address)]);
    assert_eq!(trials.not_tried, 0);
    site.assert_unchanged_since(1).await;
}

#[tokio::test]
async fn who_may_not_save_a_node_may_not_let_the_gateway_connect() {
    let site = site().await;
    let count = reachable(&site);
    let draft = || node("new", vec![service("/")]);
    forbidden(site.management.try_node(auditor(), draft()).await);
    let wrong = node("", vec![service("nowhere")]);
    let errors = invalid(site.management.try_node(root(), wrong).await);
    let fields: Vec<_> = errors.0.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["name", "services[0].path"]);
    let tried = Draft {
        base: None,
        content: DraftContent::Edits(vec![edit(
            None,
            json!({"name": "new", "hostName": "portal"}),
        )]),
    };
    let preview = site
        .management
        .preview_draft(auditor(), &tried, false, usize::MAX, at(9));
    forbidden(preview.await);
    assert_eq!(count.load(Ordering::Relaxed), 0, "nobody was connected to");
}

#[tokio::test]
async fn a_draft_tries_what_it_changes_and_nothing_else() {
    let site = site().await;
    reachable(&site);
    let central = site.central().metadata.id;
    let keeps = edit(Some(central), json!({"maxConnections": 7}));
    assert!(addresses_of(&site, vec![keeps]).await.is_empty());
    let moves = edit(
        Some(central),
        json!({"services": [{"path": "/", "uri": "http://10.0.0.9"}]}),
    );
    let slow = json!({"name": "A slow one", "hostName": "slow", "services": [{"path": "/", "uri": "https://10.0.0.1"}]});
    assert_eq!(
        addresses_of(&site, vec![moves, edit(None, slow)]).await,
        ["https://10.0.0.1:443", "http://10.0.0.9:80"]
    );
}

#[tokio::test]
async fn the_first_fifty_are_tried_and_the_others_counted() {
    let site = site().await;
    let count = reachable(&site);
    let services = (0..60).map(|number| service(&format!("/{number}")));
    let draft = node("many", services.collect());
    let trials = site.management.try_node(root(), draft).await.unwrap();
    assert_eq!((trials.tried.len(), trials.not_tried), (50, 10));
    assert_eq!(count.load(Ordering::Relaxed), 50);
}
