use jotgate_model::entity::{AttributeMapItem, AuthenticationMethod};

use super::*;
use crate::testing::{PUBLIC_KEY_1024, Site, at, draft, forbidden, invalid, root, security, site};

async fn update(
    site: &Site,
    draft: &VirtualProxyConfig,
    seconds: i64,
) -> Result<Arc<VirtualProxyConfig>, ManageError> {
    let id = draft.metadata.id;
    let management = &site.management;
    let update = management.update_virtual_proxy(root(), id, draft.clone(), at(seconds));
    update.await
}

async fn link(site: &Site, ids: &[Uuid]) -> Result<(), ManageError> {
    let mut proxy = site.proxy();
    proxy.settings.virtual_proxies.extend(ids);
    let id = proxy.metadata.id;
    let linked = site
        .management
        .update_proxy_service(root(), id, proxy, at(5));
    linked.await.map(|_| ())
}

#[tokio::test]
async fn created_linked_changed_and_deleted() {
    let site = site().await;
    let created = site.create("jwt").await;
    let id = created.metadata.id;
    assert!(!id.is_nil());
    assert_eq!(created.metadata.created_date, at(1));
    assert_eq!(created.metadata.modified_date, at(1));
    assert_eq!(created.metadata.modified_by_user_name, r"LAB\root");
    let served = |site: &Site| site.management.snapshot().by_prefix("jwt").cloned();
    assert!(served(&site).is_none(), "not linked yet");

    link(&site, &[id]).await.unwrap();
    assert_eq!(served(&site).unwrap().id, id);

    let mut draft = (*created).clone();
    draft.session_inactivity_timeout = 7;
    draft.metadata.created_date = at(99);
    let changed = update(&site, &draft, 9).await.unwrap();
    assert_eq!(changed.metadata.created_date, at(1), "stays");
    assert_eq!(changed.metadata.modified_date, at(9));
    assert_eq!(served(&site).unwrap().session.inactivity, 7 * 60);

    site.management
        .delete_virtual_proxy(root(), id, at(10))
        .await
        .unwrap();
    assert!(served(&site).is_none());
    let stored = site.stored().await;
    assert!(!stored.documents.virtual_proxies.contains_key(&id));
    let proxy = &stored.documents.proxy_services[&site.proxy().metadata.id];
    assert_eq!(
        proxy.settings.virtual_proxies.len(),
        1,
        "unlinked in the same save"
    );
    assert_eq!(stored.revision, 5);
    let gone = site
        .management
        .delete_virtual_proxy(root(), id, at(11))
        .await;
    assert_eq!(
        gone,
        Err(ManageError::NotFound {
            kind: Kind::VirtualProxy,
            id
        })
    );
    assert_eq!(
        gone.unwrap_err().to_string(),
        format!("There is no virtual proxy with the id {id}.")
    );
}

#[tokio::test]
async fn an_id_that_the_creator_names_is_used_once() {
    let site = site().await;
    let mut draft = draft("jwt");
    draft.metadata.id = Uuid::from_u128(7);
    let create = || {
        site.management
            .create_virtual_proxy(root(), draft.clone(), at(1))
    };
    assert_eq!(create().await.unwrap().metadata.id, Uuid::from_u128(7));
    assert_eq!(invalid(create().await).0[0].field, "id");
    site.assert_unchanged_since(2).await;
}

#[tokio::test]
async fn only_a_stored_date_that_is_more_recent_is_a_conflict() {
    let site = site().await;
    let created = site.create("jwt").await;
    let mut draft = (*created).clone();
    // Equal, then newer than anything stored: accepted.
    let first = update(&site, &draft, 10).await.unwrap();
    draft.metadata.modified_date = at(1000);
    let second = update(&site, &draft, 20).await.unwrap();
    assert_eq!(second.metadata.modified_date, at(20));

    draft.metadata.modified_date = first.metadata.modified_date;
    let refused = update(&site, &draft, 30).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "The virtual proxy was changed at 2023-11-14T22:13:40.000Z by LAB\\root, after the version \
         of 2023-11-14T22:13:30.000Z that this change is based on; read it again and repeat the \
         change."
    );
    site.assert_unchanged_since(4).await;
}

#[tokio::test]
async fn a_change_without_a_date_is_refused() {
    let site = site().await;
    let mut draft = (*site.create("jwt").await).clone();
    draft.metadata.modified_date = Timestamp::NEVER;
    let errors = invalid(update(&site, &draft, 10).await);
    assert_eq!(errors.0[0].field, "modifiedDate");
}

/// Two writers within one millisecond, or with a clock that was set back.
#[tokio::test]
async fn the_second_of_two_changes_of_one_version_is_a_conflict_whatever_the_clock_says() {
    for seconds in [1, -500] {
        let site = site().await;
        let draft = (*site.create("jwt").await).clone();
        let first = update(&site, &draft, seconds).await.unwrap();
        assert!(first.metadata.modified_date > draft.metadata.modified_date);
        let second = update(&site, &draft, seconds).await;
        assert!(
            matches!(second, Err(ManageError::Conflict { .. })),
            "{second:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let site = site().await;
    let mut draft = draft("jwt");
    draft.metadata.id = Uuid::from_u128(7);
    draft.metadata.modified_date = at(1);
    let refused = update(&site, &draft, 2).await;
    let id = Uuid::from_u128(7);
    assert_eq!(
        refused,
        Err(ManageError::NotFound {
            kind: Kind::VirtualProxy,
            id
        })
    );
}

#[tokio::test]
async fn a_second_prefix_or_cookie_name_is_refused_and_nothing_changes() {
    let site = site().await;
    site.create("jwt").await;
    let mut same_prefix = draft("jwt");
    same_prefix.description = "another".to_owned();
    same_prefix.session_cookie_header_name = "Other".to_owned();
    let mut same_cookie = draft("other");
    same_cookie.session_cookie_header_name = "x-qlik-session-JWT".to_owned();
    for (draft, sentence) in [
        (
            same_prefix,
            "prefix: the prefix \"jwt\" is used by two virtual proxies, \"The jwt\" and \"another\"; \
             choose another",
        ),
        (
            same_cookie,
            "is used by two virtual proxies, \"The jwt\" and \"The other\"; choose another",
        ),
    ] {
        let refused = site
            .management
            .create_virtual_proxy(root(), draft, at(2))
            .await;
        let refused = invalid(refused).to_string();
        assert!(refused.contains(sentence), "{refused}");
        site.assert_unchanged_since(2).await;
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_refused_at_their_field_and_never_stored() {
    let site = site().await;
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let encrypted = private.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let broken = draft("x").jwt_public_key_certificate.replace('A', "!");
    for (text, words) in [
        (private.as_str(), "private key"),
        (&encrypted, "private key"),
        (PUBLIC_KEY_1024, "1024"),
        (&broken, "base64"),
        ("my certificate", "-----BEGIN CERTIFICATE-----"),
    ] {
        // Whatever the method: it must not be stored.
        for method in [AuthenticationMethod::JWT, AuthenticationMethod::Ticket] {
            let mut draft = draft("jwt");
            draft.authentication_method = method;
            draft.jwt_public_key_certificate = text.to_owned();
            let created = site.management.create_virtual_proxy(root(), draft, at(1));
            let errors = invalid(created.await);
            assert_eq!(errors.0.len(), 1, "{errors}");
            assert_eq!(errors.0[0].field, "jwtPublicKeyCertificate");
            assert!(errors.0[0].problem.contains(words), "{errors}");
        }
    }
    site.assert_unchanged_since(1).await;
    let file = std::fs::read(&site.path).unwrap();
    assert!(!file.windows(11).any(|part| part == b"PRIVATE KEY"));
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let site = site().await;
    let mut draft = draft("Jwt");
    draft.jwt_public_key_certificate = PUBLIC_KEY_1024.to_owned();
    let refused = site
        .management
        .create_virtual_proxy(root(), draft, at(1))
        .await;
    let errors = invalid(refused);
    let fields: Vec<_> = errors.0.iter().map(|error| &*error.field).collect();
    assert_eq!(fields, ["jwtPublicKeyCertificate", "prefix"]);
}

#[tokio::test]
async fn the_default_virtual_proxy_stays_the_default_one() {
    let site = site().await;
    let default = site.default_virtual_proxy();
    let id = default.metadata.id;
    let refused = site
        .management
        .delete_virtual_proxy(root(), id, at(1))
        .await;
    assert_eq!(
        forbidden(refused),
        "The default virtual proxy cannot be deleted."
    );

    let mut cleared = (*default).clone();
    cleared.default_virtual_proxy = false;
    cleared.prefix = "central".to_owned();
    assert_eq!(
        invalid(update(&site, &cleared, 2).await).0[0].field,
        "defaultVirtualProxy"
    );

    let mut second = draft("");
    second.default_virtual_proxy = true;
    let refused = site
        .management
        .create_virtual_proxy(root(), second, at(2))
        .await;
    assert_eq!(invalid(refused).0[0].field, "defaultVirtualProxy");
    site.assert_unchanged_since(1).await;
}

#[tokio::test]
async fn the_default_virtual_proxy_signs_in_with_its_form() {
    let site = site().await;
    let default = site.default_virtual_proxy();
    for method in [
        AuthenticationMethod::HeaderDynamicUserDirectory,
        AuthenticationMethod::HeaderStaticUserDirectory,
        AuthenticationMethod::JWT,
        AuthenticationMethod::OIDC,
        AuthenticationMethod::SAML,
    ] {
        let mut draft = (*default).clone();
        draft.authentication_method = method;
        let errors = invalid(update(&site, &draft, 2).await);
        assert_eq!(errors.0[0].field, "authenticationMethod", "{method:?}");
    }
    let mut draft = (*default).clone();
    draft.description = "Front door".to_owned();
    update(&site, &draft, 2).await.unwrap();
}

#[tokio::test]
async fn rows_of_the_mapping_get_ids_and_keep_them() {
    let site = site().await;
    let row = |claim: &str| AttributeMapItem {
        jwt_attribute: claim.to_owned(),
        sense_attribute: claim.to_owned(),
        ..Default::default()
    };
    let mut draft = draft("jwt");
    draft.jwt_attribute_map = vec![row("mail"), row("group")];
    let created = site.management.create_virtual_proxy(root(), draft, at(1));
    let created = created.await.unwrap();
    let rows = &created.jwt_attribute_map;
    assert!(!rows[0].metadata.id.is_nil() && rows[0].metadata.id != rows[1].metadata.id);
    assert_eq!(rows[0].metadata.created_date, at(1));

    let mut draft = (*created).clone();
    draft.jwt_attribute_map[1].is_mandatory = true;
    let changed = update(&site, &draft, 9).await.unwrap();
    assert_eq!(changed.jwt_attribute_map[0], rows[0]);
    assert_eq!(
        changed.jwt_attribute_map[1].metadata.id,
        rows[1].metadata.id
    );
    assert_eq!(changed.jwt_attribute_map[1].metadata.created_date, at(1));
    assert_eq!(changed.jwt_attribute_map[1].metadata.modified_date, at(9));
}

#[tokio::test]
async fn a_client_secret_that_is_not_sent_again_is_kept_until_its_client_goes() {
    let site = site().await;
    let mut first = draft("oidc");
    first.oidc_client_id = "client".to_owned();
    first.oidc_client_secret = "secret".into();
    let created = site.management.create_virtual_proxy(root(), first, at(1));
    let mut draft = (*created.await.unwrap()).clone();
    draft.oidc_client_secret.clear();
    let kept = update(&site, &draft, 2).await.unwrap();
    assert_eq!(*kept.oidc_client_secret, "secret");
    let mut draft = (*kept).clone();
    draft.oidc_client_secret.clear();
    draft.oidc_client_id.clear();
    let gone = update(&site, &draft, 3).await.unwrap();
    assert_eq!(*gone.oidc_client_secret, "");
}

#[tokio::test]
async fn what_is_not_served_can_be_stored_but_not_linked() {
    let site = site().await;
    let mut saml = draft("saml");
    saml.authentication_method = AuthenticationMethod::SAML;
    let stored = site
        .management
        .create_virtual_proxy(root(), saml, at(1))
        .await;
    let refused = invalid(link(&site, &[stored.unwrap().metadata.id]).await);
    assert_eq!(refused.0[0].field, "settings.virtualProxies");
    assert!(
        refused.to_string().contains("SAML is not supported"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_security_administrator_creates_and_deletes_ordinary_virtual_proxies() {
    let site = site().await;
    let created = site
        .management
        .create_virtual_proxy(security(), draft("jwt"), at(1));
    let created = created.await.unwrap();
    assert_eq!(created.metadata.modified_by_user_name, r"LAB\security");
    let id = created.metadata.id;
    let deleted = site.management.delete_virtual_proxy(security(), id, at(2));
    deleted.await.unwrap();
}
