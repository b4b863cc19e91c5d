//! A save at one node holds at all.

use jotgate_scenarios::{Backend, Fleet};

use crate::{becomes, sign_in, token, with, with_token};

#[tokio::test]
async fn what_any_node_saves_holds_at_all() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    for (number, saving) in fleet.nodes.iter().enumerate() {
        let user = format!("user{number}");
        let vp = saving.qrs().find("jwt").await;
        vp.set("accessRule", r#"id = "nobody""#).await;
        for node in &fleet.nodes {
            let refused = async || with_token(node, &token(&user)).await;
            becomes("the rule at every node", 403, refused).await;
        }
        vp.set("accessRule", "").await;
        for node in &fleet.nodes {
            let let_in = async || with_token(node, &token(&user)).await;
            becomes("the end of the rule", 200, let_in).await;
        }
    }
    fleet.caught_up().await;
    fleet.assert_whole_trail().await;
}

#[tokio::test]
async fn saves_at_all_nodes_at_once_are_one_line_of_revisions() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    // Each node that joins makes a revision as well.
    fleet.caught_up().await;
    let before = fleet.nodes[0]
        .metric("jotgate_configuration_revision")
        .await;
    let saves = fleet.nodes.iter().enumerate().map(async |(number, node)| {
        for round in 0..5 {
            let tag = serde_json::json!({ "name": format!("{number}-{round}") });
            node.qrs().create("/tag", &tag).await;
        }
    });
    futures_util::future::join_all(saves).await;
    fleet.caught_up().await;
    for node in &fleet.nodes {
        let tags = node.qrs().get("/tag/count").await;
        assert_eq!(tags["value"], 15);
        let after = node.metric("jotgate_configuration_revision").await;
        assert!((after - before - 15.0).abs() < f64::EPSILON, "{after}");
    }
    fleet.assert_whole_trail().await;
}

#[tokio::test]
async fn virtual_proxies_are_linked_to_each_gateway_by_itself() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    let cookie = sign_in(&fleet.nodes[0], "boz").await;
    let other = fleet.nodes[1].qrs();
    let mut gateway = other.proxy_service().await;
    let linked = gateway["settings"]["virtualProxies"].take();
    let linked = linked.as_array().expect("a list").iter();
    let without = linked.filter(|vp| vp["id"] != fleet.vp.id.as_str());
    gateway["settings"]["virtualProxies"] = without.cloned().collect();
    let path = format!("/proxyservice/{}", gateway["id"].as_str().expect("an id"));
    // Saved at the third node: it is the second one's gateway.
    let saving = fleet.nodes[2].qrs();
    saving.update(&path, &gateway).await;
    let there = async || with(&fleet.nodes[1], &cookie).await;
    becomes("the end of the link", 400, there).await;
    fleet.caught_up().await;
    for node in [&fleet.nodes[0], &fleet.nodes[2]] {
        assert_eq!(with(node, &cookie).await.status, 200);
    }
    other.link(&[&fleet.vp.id]).await;
    assert_eq!(with(&fleet.nodes[1], &cookie).await.status, 200);
}
