use jotgate_session::Sessions;

use super::*;
use crate::testing::{at, draft, new_site, root, site};
use crate::{ManageError, Management};

#[tokio::test]
async fn an_empty_database_gets_a_site_that_serves() {
    let site = site().await;
    let snapshot = site.management.snapshot();
    let documents = &snapshot.documents;
    assert_eq!(
        (
            documents.nodes.len(),
            documents.proxy_services.len(),
            documents.virtual_proxies.len()
        ),
        (1, 1, 1)
    );
    let node = site.central();
    assert_eq!(
        (&*node.name, &*node.host_name),
        ("Central", "gateway.example.com")
    );
    assert!(node.is_central && !node.service_cluster.is_nil());

    let vp = site.default_virtual_proxy();
    assert_eq!(vp.description, "Central Proxy (Default)");
    assert_eq!(vp.session_cookie_header_name, "X-Qlik-Session");
    assert!(vp.prefix.is_empty() && vp.allow_administration);
    assert_eq!(vp.load_balancing_server_nodes, [node.metadata.id]);
    assert_eq!(vp.metadata.created_date, at(0));
    assert_eq!(vp.metadata.modified_by_user_name, r"INTERNAL\jotgate");
    let served = snapshot.default_virtual_proxy().unwrap();
    assert_eq!(served.id, vp.metadata.id);
}

#[tokio::test]
async fn without_a_backend_the_default_virtual_proxy_has_no_node() {
    let site = NewSite {
        node_services: Vec::new(),
        ..new_site()
    };
    let set = default_site(&site);
    let mut documents = Documents::default();
    for change in &set.changes {
        change.apply_to(&mut documents);
    }
    let vp = documents.virtual_proxies.values().next().unwrap();
    assert!(vp.load_balancing_server_nodes.is_empty());
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_made() {
    let site = site().await;
    site.create("jwt").await;
    let before = site.management.snapshot();
    let repository = Repository::open_sqlite(&site.path).await.unwrap();
    let other_name = NewSite {
        host_name: "other".to_owned(),
        ..new_site()
    };
    let started = Management::start(repository, Sessions::in_memory(), |_| {}, other_name).await;
    let after = started.unwrap().snapshot();
    assert_eq!(after.revision, before.revision);
    assert_eq!(after.proxy_id, before.proxy_id);
    assert_eq!(
        after.documents.virtual_proxies,
        before.documents.virtual_proxies
    );
    assert_eq!(after.documents.nodes, before.documents.nodes);
}

/// As after a crash between the first save and the setting.
#[tokio::test]
async fn a_forgotten_gateway_is_found_again() {
    let site = site().await;
    let proxy_id = site.management.snapshot().proxy_id;
    for forgotten in ["", "00000000-0000-0000-0000-000000000001"] {
        site.repository
            .set_setting(LOCAL_PROXY, forgotten)
            .await
            .unwrap();
        let (_, found) = load_or_create(&site.repository, &new_site()).await.unwrap();
        assert_eq!(found, proxy_id);
        let remembered = site.repository.setting(LOCAL_PROXY).await.unwrap();
        assert_eq!(remembered.unwrap(), proxy_id.to_string());
    }
}

#[tokio::test]
async fn two_first_starts_at_once_make_one_site() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let one = Repository::open_sqlite(&path).await.unwrap();
    let two = Repository::open_sqlite(&path).await.unwrap();
    let (new_one, new_two) = (new_site(), new_site());
    let (one, two) = tokio::join!(
        load_or_create(&one, &new_one),
        load_or_create(&two, &new_two)
    );
    let ((one, one_id), (two, two_id)) = (one.unwrap(), two.unwrap());
    assert_eq!((one.revision, one_id), (two.revision, two_id));
}

#[tokio::test]
async fn a_host_that_cannot_be_served_is_named_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    let mut site = new_site();
    site.node_services[0].uri = "ftp://x".to_owned();
    let refused = Management::start(repository.clone(), Sessions::in_memory(), |_| {}, site).await;
    let Err(ManageError::Invalid(errors)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(errors.0[0].field, "services[0].uri");
    assert_eq!(repository.revision().await, Ok(0));
    let started = Management::start(repository, Sessions::in_memory(), |_| {}, new_site()).await;
    let created = started.unwrap();
    let created = created
        .create_virtual_proxy(root(), draft("jwt"), at(1))
        .await;
    created.unwrap();
}

#[tokio::test]
async fn nodes_that_join_at_once_are_gateways_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let node = async |id: u128| {
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let site = NewSite {
            proxy: Some(Uuid::from_u128(id)),
            ..new_site()
        };
        load_or_create(&repository, &site).await.unwrap()
    };
    let ((_, first), (_, second)) = tokio::join!(node(1), node(2));
    assert_eq!((first, second), (Uuid::from_u128(1), Uuid::from_u128(2)));
    // Once more, and another one.
    node(2).await;
    let (stored, third) = node(3).await;
    let documents = stored.documents;
    assert_eq!(documents.proxy_services.len(), 3);
    assert_eq!((stored.revision, documents.nodes.len()), (3, 3));
    let names = documents.nodes.values().map(|node| &node.name);
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(
        documents
            .nodes
            .values()
            .filter(|node| node.is_central)
            .count(),
        1
    );
    // Each serves what the first one serves.
    let snapshot = Snapshot::build(3, documents, third, None).unwrap();
    assert!(snapshot.default_virtual_proxy().is_some());
}
