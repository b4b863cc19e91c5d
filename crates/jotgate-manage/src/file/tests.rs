use jotgate_model::entity::{AttributeMapItem, SecretText};
use jotgate_model::{Documents, FieldErrors, Timestamp};
use jotgate_repository::{Change, Document};
use serde_json::{Map, Value, json};

use super::*;
use crate::testing::{Site, at, draft, root, site};

async fn sample() -> Site {
    let site = site().await;
    let mut vp = draft("jwt");
    vp.jwt_attribute_map = vec![AttributeMapItem {
        jwt_attribute: "email".to_owned(),
        sense_attribute: "email".to_owned(),
        ..Default::default()
    }];
    vp.load_balancing_server_nodes = vec![site.central().metadata.id];
    let vp = site.management.create_virtual_proxy(root(), vp, at(1));
    let vp = vp.await.unwrap();
    let mut node = site.central();
    node.name = "Second".to_owned();
    node.is_central = false;
    node.metadata = Default::default();
    let node = site.management.create_node(root(), node, at(2));
    node.await.unwrap();
    let mut proxy = site.proxy();
    proxy.settings.virtual_proxies.insert(0, vp.metadata.id);
    let id = proxy.metadata.id;
    let linked = site
        .management
        .update_proxy_service(root(), id, proxy, at(3));
    linked.await.unwrap();
    site
}

fn documents(site: &Site) -> Documents {
    site.management.snapshot().documents.clone()
}

fn problems(result: Result<Vec<Change>, FieldErrors>) -> Vec<String> {
    let errors = result.unwrap_err().0;
    errors.iter().map(ToString::to_string).collect()
}

/// The first table of a section.
fn table<'a>(file: &'a mut Map<String, Value>, section: &str, at: usize) -> &'a mut Value {
    &mut file[section][at]
}

#[tokio::test]
async fn a_file_is_short_and_has_neither_ids_nor_dates_nor_secrets() {
    let site = sample().await;
    let file = export(&documents(&site));
    insta::assert_json_snapshot!(file);
}

#[tokio::test]
async fn what_was_exported_changes_nothing() {
    let site = sample().await;
    let mut with_secret = documents(&site);
    let vp = with_secret.virtual_proxies.values_mut().next().unwrap();
    std::sync::Arc::make_mut(vp).oidc_client_secret = SecretText::from("s3cret");
    let file = export(&with_secret);
    assert!(!Value::Object(file.clone()).to_string().contains("s3cret"));
    assert_eq!(plan(&file, &with_secret), Ok(Vec::new()));
}

#[tokio::test]
async fn a_file_makes_an_empty_site_the_same() {
    let one = sample().await;
    let file = export(&documents(&one));
    let two = site().await;
    let mut made = documents(&two);
    for change in plan(&file, &made.clone()).unwrap() {
        change.apply_to(&mut made);
    }
    assert_eq!(export(&made), file);
    assert_eq!(plan(&file, &made), Ok(Vec::new()));
    let central = |documents: &Documents| {
        let mut nodes = documents.nodes.values();
        nodes.find(|node| node.is_central).unwrap().metadata.id
    };
    assert_eq!(
        central(&made),
        central(&documents(&two)),
        "found by its name"
    );
}

#[tokio::test]
async fn what_the_file_does_not_have_is_deleted_but_for_proxies() {
    let site = sample().await;
    let mut file = export(&documents(&site));
    file["virtualProxy"].as_array_mut().unwrap().pop();
    file["node"].as_array_mut().unwrap().pop();
    file.remove("proxy");
    let before = documents(&site);
    let mut after = before.clone();
    for change in plan(&file, &before).unwrap() {
        change.apply_to(&mut after);
    }
    assert_eq!((after.virtual_proxies.len(), after.nodes.len()), (1, 1));
    assert_eq!(after.proxy_services.len(), 1);
    let proxy = after.proxy_services.values().next().unwrap();
    assert_eq!(proxy.settings.virtual_proxies.len(), 1, "the link is gone");
}

#[tokio::test]
async fn rows_that_did_not_change_keep_their_dates() {
    let site = sample().await;
    let mut file = export(&documents(&site));
    let rows = &mut table(&mut file, "virtualProxy", 1)["jwtAttributeMap"];
    let new = json!({"jwtAttribute": "Group", "senseAttribute": "Group", "isMandatory": true});
    rows.as_array_mut().unwrap().insert(0, new);
    let changes = plan(&file, &documents(&site)).unwrap();
    let [Change::Put(Document::VirtualProxy(vp))] = &changes[..] else {
        panic!("{changes:?}");
    };
    let dates: Vec<Timestamp> = vp
        .jwt_attribute_map
        .iter()
        .map(|row| row.metadata.created_date)
        .collect();
    assert_eq!(dates, [Timestamp::NEVER, at(1)]);
    assert!(vp.jwt_attribute_map[0].is_mandatory);
}

#[tokio::test]
async fn mistakes_are_named_with_their_place_and_no_secret() {
    let site = sample().await;
    let stored = documents(&site);
    let file = export(&stored);
    let wrong = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut file = file.clone();
        change(&mut file);
        problems(plan(&file, &stored))
    };
    let mut told = Vec::new();
    told.extend(wrong(&|f| drop(f.remove("format"))));
    told.extend(wrong(&|f| {
        drop(f.insert("virtualproxy".to_owned(), json!([])))
    }));
    told.extend(wrong(&|f| f["node"] = json!({})));
    told.extend(wrong(&|f| {
        table(f, "virtualProxy", 1)["jwtAudiance"] = json!("x")
    }));
    told.extend(wrong(&|f| table(f, "virtualProxy", 1)["id"] = json!("x")));
    told.extend(wrong(&|f| {
        table(f, "virtualProxy", 1)["jwtAlgorithms"] = json!("RS256")
    }));
    told.extend(wrong(&|f| {
        table(f, "virtualProxy", 1)["loadBalancingServerNodes"] = json!(["Third"])
    }));
    told.extend(wrong(&|f| {
        table(f, "virtualProxy", 1)["tags"] = json!(["none"])
    }));
    told.extend(wrong(&|f| {
        table(f, "node", 0)["services"][0]["url"] = json!("x")
    }));
    told.extend(wrong(&|f| {
        table(f, "node", 0)["clientKey"] = json!({"keep": true})
    }));
    told.extend(wrong(&|f| {
        table(f, "node", 0)["clientKey"] = json!({"fill": "secret"})
    }));
    told.extend(wrong(&|f| table(f, "node", 1)["name"] = json!("Central")));
    told.extend(wrong(&|f| {
        table(f, "proxy", 0)["settings"]["virtualProxies"] = json!(["no"])
    }));
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn documents_without_a_name_of_their_own_have_their_id() {
    let site = sample().await;
    let mut stored = documents(&site);
    for node in stored.nodes.values_mut() {
        std::sync::Arc::make_mut(node).name = "same".to_owned();
    }
    let file = export(&stored);
    let nodes = file["node"].as_array().unwrap();
    assert!(nodes.iter().all(|node| node["id"].is_string()), "{nodes:?}");
    assert_eq!(plan(&file, &stored), Ok(Vec::new()));
}
