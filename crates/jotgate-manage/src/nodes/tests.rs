use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::testing::{Site, at, draft, invalid, root, site};

fn node(name: &str) -> ServerNodeConfiguration {
    ServerNodeConfiguration {
        name: name.to_owned(),
        host_name: "10.0.0.5".to_owned(),
        ..Default::default()
    }
}

/// A certificate and its private key.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, key.serialize_pem())
}

async fn create(
    site: &Site,
    draft: ServerNodeConfiguration,
) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
    site.management.create_node(root(), draft, at(1)).await
}

async fn update(
    site: &Site,
    draft: ServerNodeConfiguration,
) -> Result<Arc<ServerNodeConfiguration>, ManageError> {
    let id = draft.metadata.id;
    site.management.update_node(root(), id, draft, at(9)).await
}

#[tokio::test]
async fn created_changed_and_deleted() {
    let site = site().await;
    let created = create(&site, node("second")).await.unwrap();
    let id = created.metadata.id;
    assert_eq!(created.service_cluster, site.central().service_cluster);
    assert_eq!(created.metadata.created_date, at(1));
    let mut draft = (*created).clone();
    draft.host_name = "10.0.0.6".to_owned();
    update(&site, draft.clone()).await.unwrap();
    let served = site.management.snapshot().node(id).cloned().unwrap();
    assert_eq!(served.services[0].authority.host(), "10.0.0.6");
    let late = update(&site, draft).await;
    assert!(
        matches!(late, Err(ManageError::Conflict { .. })),
        "{late:?}"
    );
    site.management
        .delete_node(root(), id, at(10))
        .await
        .unwrap();
    assert!(site.management.snapshot().node(id).is_none());
    let gone = site.management.delete_node(root(), id, at(11)).await;
    assert_eq!(
        gone,
        Err(ManageError::NotFound {
            kind: Kind::Node,
            id
        })
    );
}

#[tokio::test]
async fn a_node_that_something_refers_to_stays_and_the_user_is_named() {
    let site = site().await;
    let used = create(&site, node("second")).await.unwrap().metadata.id;
    let mut user = draft("jwt");
    user.load_balancing_server_nodes = vec![used];
    let created = site.management.create_virtual_proxy(root(), user, at(2));
    created.await.unwrap();
    let refused = site.management.delete_node(root(), used, at(3)).await;
    assert_eq!(
        invalid(refused).to_string(),
        "id: the node \"second\" cannot be deleted while the virtual proxy \"The jwt\" forwards to it"
    );
    let mut default = (*site.default_virtual_proxy()).clone();
    default.load_balancing_server_nodes.clear();
    let id = default.metadata.id;
    let freed = site
        .management
        .update_virtual_proxy(root(), id, default, at(4));
    freed.await.unwrap();
    let central = site.central().metadata.id;
    let refused = site.management.delete_node(root(), central, at(5)).await;
    let sentence = invalid(refused).to_string();
    assert!(sentence.contains("the proxy service"), "{sentence}");
}

#[tokio::test]
async fn there_is_one_central_node() {
    let site = site().await;
    let mut second = node("second");
    second.is_central = true;
    assert_eq!(invalid(create(&site, second).await).0[0].field, "isCentral");
    let mut central = site.central();
    central.is_central = false;
    assert_eq!(
        invalid(update(&site, central).await).0[0].field,
        "isCentral"
    );
    let mut purpose = node("third");
    purpose.node_purpose = 3;
    assert_eq!(
        invalid(create(&site, purpose).await).0[0].field,
        "nodePurpose"
    );
}

#[tokio::test]
async fn a_key_that_is_not_sent_again_is_kept_while_its_certificate_stays() {
    let site = site().await;
    let (certificate, key) = pair();
    let mut draft = node("second");
    draft.ca_certificate.clone_from(&certificate);
    draft.client_certificate = certificate;
    draft.client_key = key.as_str().into();
    let mut draft = (*create(&site, draft).await.unwrap()).clone();
    draft.client_key.clear();
    let kept = update(&site, draft).await.unwrap();
    assert_eq!(*kept.client_key, key);
    // The kept key does not belong to another certificate.
    let mut draft = (*kept).clone();
    draft.client_key.clear();
    draft.client_certificate = pair().0;
    let errors = invalid(update(&site, draft).await);
    assert_eq!(
        errors.to_string(),
        "clientKey: does not belong to clientCertificate"
    );
    let mut draft = (*kept).clone();
    draft.client_key.clear();
    draft.client_certificate.clear();
    let gone = update(&site, draft).await.unwrap();
    assert_eq!(*gone.client_key, "");
}

#[tokio::test]
async fn it_is_known_since_when_a_node_is_drained() {
    let site = site().await;
    let created = create(&site, node("second")).await.unwrap();
    assert_eq!(created.draining_since, Timestamp::NEVER);
    let mut draft = (*created).clone();
    draft.draining = true;
    // What a client says about it does not count.
    draft.draining_since = at(3);
    let drained = update(&site, draft).await.unwrap();
    assert_eq!(drained.draining_since, at(9));
    let mut draft = (*drained).clone();
    draft.draining_since = Timestamp::NEVER;
    draft.name = "renamed".to_owned();
    let id = draft.metadata.id;
    let again = site.management.update_node(root(), id, draft, at(20));
    let again = again.await.unwrap();
    assert_eq!(again.draining_since, at(9));
    let mut draft = (*again).clone();
    draft.draining = false;
    let back = site.management.update_node(root(), id, draft, at(30));
    assert_eq!(back.await.unwrap().draining_since, Timestamp::NEVER);
}
