use std::sync::Arc;

use jotgate_model::entity::{AnonymousAccess, AttributeMapItem, AuthenticationMethod};

use super::*;
use crate::testing::{at, draft, forbidden, root, security, site};

fn change(document: &VirtualProxyConfig, change: impl Fn(&mut VirtualProxyConfig)) -> Documents {
    let mut documents = Documents::default();
    let mut stored = document.clone();
    change(&mut stored);
    documents
        .virtual_proxies
        .insert(stored.metadata.id, Arc::new(stored));
    documents
}

fn check(
    actor: &Actor,
    document: &VirtualProxyConfig,
    stored: &Documents,
) -> Result<(), ManageError> {
    let change = Change::Put(Document::VirtualProxy(Arc::new(document.clone())));
    check_change(actor, &change, stored)
}

fn administered() -> VirtualProxyConfig {
    VirtualProxyConfig {
        allow_administration: true,
        jwt_attribute_map: vec![AttributeMapItem::default()],
        ..draft("admin")
    }
}

#[test]
fn who_signs_in_where_roles_count_is_for_root_alone() {
    type Change = fn(&mut VirtualProxyConfig);
    let changes: [Change; 12] = [
        |vp| vp.jwt_public_key_certificate.clear(),
        |vp| vp.jwt_jwks_uri.push('x'),
        |vp| vp.jwt_issuer.push('x'),
        |vp| vp.jwt_attribute_user_id.push('x'),
        |vp| vp.jwt_attribute_user_directory.push('x'),
        |vp| vp.jwt_attribute_map[0].sense_attribute.push('x'),
        |vp| vp.jwt_algorithms.push("ES256".to_owned()),
        |vp| vp.authentication_method = AuthenticationMethod::HeaderDynamicUserDirectory,
        |vp| vp.anonymous_access_mode = AnonymousAccess::AlwaysAnonymous,
        |vp| {
            vp.cors_allowed_origins
                .push("https://evil.example".to_owned())
        },
        |vp| {
            vp.websocket_cross_origin_white_list
                .push("evil.example".to_owned())
        },
        // Switched on or off: both sides of the change count.
        |vp| vp.allow_administration = false,
    ];
    for (i, edit) in changes.into_iter().enumerate() {
        let document = administered();
        let stored = change(&document, edit);
        forbidden(check(security(), &document, &stored));
        assert!(check(root(), &document, &stored).is_ok(), "{i}");
        // The other way round.
        let mut document = administered();
        edit(&mut document);
        let stored = change(&administered(), |_| {});
        forbidden(check(security(), &document, &stored));
        assert!(check(root(), &document, &stored).is_ok(), "{i}");
    }
}

#[test]
fn creating_one_is_for_root_alone() {
    forbidden(check(security(), &administered(), &Documents::default()));
    assert!(check(root(), &administered(), &Documents::default()).is_ok());
}

#[test]
fn what_can_do_no_harm_takes_no_root() {
    let document = administered();
    let stored = change(&document, |vp| {
        vp.description.push('x');
        vp.requests_per_second = 5;
        vp.metadata.modified_date = at(1);
        vp.jwt_attribute_map[0].metadata.modified_date = at(1);
    });
    assert!(check(security(), &document, &stored).is_ok());
    let ordinary = draft("jwt");
    assert!(check(security(), &ordinary, &Documents::default()).is_ok());
}

#[tokio::test]
async fn it_holds_for_every_way_to_save() {
    let site = site().await;
    let mut default = (*site.default_virtual_proxy()).clone();
    default.cors_allowed_origins = vec!["https://portal.example.com".to_owned()];
    let id = default.metadata.id;
    let management = &site.management;
    let update = management.update_virtual_proxy(security(), id, default.clone(), at(1));
    assert_eq!(
        forbidden(update.await),
        "The virtual proxy \"Central Proxy (Default)\" allows administration: changing it takes \
         the role RootAdmin."
    );
    let document = Document::VirtualProxy(Arc::new(default.clone()));
    let apply = management.apply(security(), vec![Change::Put(document)], "", at(1));
    forbidden(apply.await);
    site.assert_unchanged_since(1).await;
    let update = management.update_virtual_proxy(root(), id, default, at(1));
    update.await.unwrap();
}

#[test]
fn a_bound_directory_guards_its_virtual_proxy() {
    let bound = VirtualProxyConfig {
        bound_user_directories: vec!["CORP".to_owned()],
        ..draft("corp")
    };
    // To bind, to free, to change the key of whoever may assert it, and to delete.
    for (stored, document) in [
        (draft("corp"), bound.clone()),
        (bound.clone(), draft("corp")),
    ] {
        let mut document = document;
        document.metadata.id = stored.metadata.id;
        let stored = change(&stored, |_| {});
        forbidden(check(security(), &document, &stored));
        assert!(check(root(), &document, &stored).is_ok());
    }
    let stored = change(&bound, |vp| vp.jwt_public_key_certificate.clear());
    forbidden(check(security(), &bound, &stored));
    let delete = Change::Delete {
        kind: Kind::VirtualProxy,
        id: bound.metadata.id,
    };
    forbidden(check_change(security(), &delete, &stored));
    assert!(check_change(root(), &delete, &stored).is_ok());
}

#[tokio::test]
async fn an_auditor_changes_nothing() {
    let site = site().await;
    let vp = site.create("jwt").await;
    let revision = site.management.snapshot().revision;
    let management = &site.management;
    let auditor = crate::testing::auditor();
    let id = vp.metadata.id;
    forbidden(
        management
            .create_virtual_proxy(auditor, draft("x"), at(2))
            .await,
    );
    forbidden(
        management
            .update_virtual_proxy(auditor, id, (*vp).clone(), at(2))
            .await,
    );
    forbidden(management.delete_virtual_proxy(auditor, id, at(2)).await);
    site.assert_unchanged_since(revision).await;
    let parsed = management.snapshot().virtual_proxy(id).unwrap().clone();
    forbidden(management.end_session(auditor, &parsed, "x", at(2)).await);
    let user = jotgate_model::User::new("a", "b");
    forbidden(
        management
            .end_sessions_of_user(auditor, &parsed, &user, at(9))
            .await,
    );
}
