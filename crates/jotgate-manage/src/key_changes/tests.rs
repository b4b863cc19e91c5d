use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::*;
use crate::testing::{
    PUBLIC_KEY_1024, PUBLIC_KEY_2048, Site, at, auditor, forbidden, invalid, root, site,
};
use crate::{NewApiKey, SessionChoice};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const P256: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJS4Cm7T9GglpF3u0Y4IALg/0TT0H
hRdanqNT+6S0/tA5AQILSWHKqNVr9CxITyDlkIS2yvOQ3wuuQc0XNbFOhg==
-----END PUBLIC KEY-----
";

async fn key(site: &Site, virtual_proxies: &[Uuid], actions: &[KeyAction]) -> Asker {
    let new = NewApiKey {
        name: "rotation".to_owned(),
        actions: actions.to_vec(),
        virtual_proxies: virtual_proxies.to_vec(),
        days: 30,
    };
    let management = &site.management;
    let (text, _) = management.create_api_key(root(), new, at(1)).await.unwrap();
    let found = management.api_key_caller(text.expose(), ADDRESS, at(2));
    Asker::Key(found.await.unwrap())
}

fn fingerprint(pem: &str) -> String {
    KeySet::from_pem(pem).unwrap().keys()[0]
        .fingerprint()
        .to_owned()
}

fn add(pem: &str) -> KeyChange {
    KeyChange {
        add: pem.to_owned(),
        ..KeyChange::default()
    }
}

fn remove(pem: &str) -> KeyChange {
    KeyChange {
        remove: vec![fingerprint(pem)],
        ..KeyChange::default()
    }
}

#[tokio::test]
async fn old_and_new_stand_together_and_nothing_else_changes() {
    let site = site().await;
    let before = site.create("portal").await;
    let portal = before.metadata.id;
    let asker = key(&site, &[portal], &[KeyAction::RotateKeys]).await;
    let change = async |change: KeyChange| {
        site.management
            .change_keys(&asker, "portal", &change, at(3))
            .await
    };
    let both = change(add(P256)).await.unwrap();
    assert_eq!(both.keys.keys().len(), 2);
    let revision = site.management.snapshot().revision;
    change(add(&format!("{P256}{PUBLIC_KEY_2048}")))
        .await
        .unwrap();
    assert_eq!(
        site.management.snapshot().revision,
        revision,
        "they are there already"
    );
    change(remove(PUBLIC_KEY_2048)).await.unwrap();
    let after = site.management.snapshot().documents.virtual_proxies[&portal].clone();
    assert_eq!(after.jwt_public_key_certificate.trim(), P256.trim());
    assert_eq!(after.metadata.modified_by_user_name, "API key rotation");
    let mut same = (*after).clone();
    same.jwt_public_key_certificate = before.jwt_public_key_certificate.clone();
    same.metadata = before.metadata.clone();
    assert_eq!(same, *before, "nothing else has changed");
    let errors = invalid(change(add(PUBLIC_KEY_1024)).await);
    assert_eq!(errors.0[0].field, "add");
    let errors = invalid(change(remove(PUBLIC_KEY_2048)).await);
    assert_eq!(errors.0[0].field, "remove");
    invalid(change(remove(P256)).await);
}

#[tokio::test]
async fn a_key_does_what_it_names_where_it_names_it() {
    let site = site().await;
    let portal = site.create("portal").await.metadata.id;
    site.create("other").await;
    let asker = key(&site, &[portal], &[KeyAction::RotateKeys]).await;
    let management = &site.management;
    for elsewhere in ["other", "nowhere", ""] {
        let sentence = forbidden(management.keys_of(&asker, elsewhere));
        assert!(
            sentence.ends_with("does not name this virtual proxy."),
            "{sentence}"
        );
        let change = add(P256);
        let changed = management.change_keys(&asker, elsewhere, &change, at(3));
        let sentence = forbidden(changed.await);
        assert!(
            sentence.ends_with("does not name this virtual proxy."),
            "{sentence}"
        );
    }
    forbidden(management.readable_virtual_proxies(&asker));
    forbidden(management.readable_virtual_proxy(&asker, "portal"));
    let choice = SessionChoice::default();
    forbidden(management.readable_sessions(&asker, &choice, at(3)));
    let all = SessionChoice {
        virtual_proxy: Some("portal".to_owned()),
        user: None,
    };
    forbidden(management.end_chosen_sessions(&asker, &all, at(9)).await);
    forbidden(management.end_readable_session(&asker, "x", at(3)).await);
    let with_sessions = KeyChange {
        end_sessions: true,
        ..add(P256)
    };
    let changed = management.change_keys(&asker, "portal", &with_sessions, at(3));
    forbidden(changed.await);
    forbidden(asker.administrator());
    let auditor = Asker::Administrator(auditor().clone());
    forbidden(
        management
            .change_keys(&auditor, "portal", &add(P256), at(3))
            .await,
    );
}

#[tokio::test]
async fn nobody_learns_of_virtual_proxies_that_a_key_does_not_name() {
    let site = site().await;
    let portal = site.create("portal").await.metadata.id;
    site.create("other").await;
    let asker = key(&site, &[portal], &[KeyAction::ReadConfiguration]).await;
    let management = &site.management;
    let listed = management.readable_virtual_proxies(&asker).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(&*listed[0].prefix, "portal");
    assert!(
        management
            .readable_virtual_proxy(&asker, &portal.to_string())
            .is_ok()
    );
    let other = forbidden(management.readable_virtual_proxy(&asker, "other"));
    assert_eq!(
        other,
        forbidden(management.readable_virtual_proxy(&asker, "nowhere"))
    );
    let root = Asker::Administrator(root().clone());
    assert_eq!(management.readable_virtual_proxies(&root).unwrap().len(), 3);
    assert!(matches!(
        management.readable_virtual_proxy(&root, "nowhere"),
        Err(ManageError::NoVirtualProxy(_))
    ));
}

/// Decision 2: whoever could set the key of such a virtual proxy could make administrators.
#[tokio::test]
async fn no_key_rotates_where_roles_count() {
    let site = site().await;
    let mut vp = (*site.create("admin").await).clone();
    let id = vp.metadata.id;
    vp.allow_administration = true;
    let saved = site.management.update_virtual_proxy(root(), id, vp, at(2));
    saved.await.unwrap();
    let asker = key(&site, &[id], &KeyAction::ALL).await;
    forbidden(
        site.management
            .change_keys(&asker, "admin", &add(P256), at(3))
            .await,
    );
}
