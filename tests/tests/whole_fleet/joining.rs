//! A node joins with two addresses, a key, and nothing else.

use jotgate_scenarios::{Backend, Fleet, eventually};
use serde_json::Value;

use crate::native::Native;
use crate::{sign_in, with};

#[tokio::test]
async fn a_fourth_node_with_an_empty_data_directory_serves_what_the_others_serve() {
    let mut fleet = Fleet::of(3, Backend::echo().await).await;
    let cookie = sign_in(&fleet.nodes[0], "boz").await;
    let native = Native::of(&fleet.nodes[1]);
    let key = native.api_key(&["keys.rotate"], &[&fleet.vp.id]).await;
    let fourth = fleet.node().first_start().await;
    assert_eq!(with(&fourth, &cookie).await.status, 200);
    let of_fourth = sign_in(&fourth, "anna").await;
    assert_eq!(with(&fleet.nodes[2], &of_fourth).await.status, 200);
    let with_key = fourth.client().get("/jotgate/v1/virtualproxies/jwt/keys");
    assert_eq!(with_key.bearer(&key).send().await.status, 200);
    fleet.nodes.push(fourth);
    fleet.caught_up().await;
    for node in &fleet.nodes {
        let gateways = node.qrs().get("/proxyservice/count").await;
        assert_eq!(gateways["value"], 4);
        // The fifth is the backend's.
        let nodes = node.qrs().get("/servernodeconfiguration/count").await;
        assert_eq!(nodes["value"], 5);
    }
    assert_known(&fleet).await;
}

/// Every node shows of every other one that it runs, what its version is and what it serves.
async fn assert_known(fleet: &Fleet) {
    for node in &fleet.nodes {
        let shown = async || {
            let all = Native::of(node).ask("GET", "/gateways", &Value::Null).await;
            let all = all["gateways"].as_array().expect("a list");
            let newest = all.iter().map(|gateway| gateway["revision"].as_u64()).max();
            let is_well = |gateway: &&Value| {
                gateway["state"] == "running"
                    && gateway["version"] == all[0]["version"]
                    && gateway["revision"].as_u64() == newest.flatten()
            };
            (all.iter().filter(is_well).count() == 4).then_some(())
        };
        eventually("what every gateway says of itself", shown).await;
        let running = "/servicestatus/full?filter=serviceState%20eq%20Running";
        let statuses = node.qrs().get(running).await;
        assert_eq!(statuses.as_array().map(Vec::len), Some(4));
    }
}
