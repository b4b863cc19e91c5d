use super::*;
use crate::testing::{PUBLIC_KEY_1024, Site, at, forbidden, invalid, root, security, site};

fn wanted(virtual_proxies: &[Uuid], actions: &[KeyAction]) -> NewApiKey {
    NewApiKey {
        name: "rotation".to_owned(),
        actions: actions.to_vec(),
        virtual_proxies: virtual_proxies.to_vec(),
        days: 30,
    }
}

async fn caller(site: &Site, new: NewApiKey) -> KeyCaller {
    let (text, _) = site
        .management
        .create_api_key(root(), new, at(1))
        .await
        .unwrap();
    let found = site
        .management
        .api_key_caller(text.expose(), "10.0.0.7", at(2))
        .await;
    found.unwrap()
}

#[tokio::test]
async fn a_key_does_what_it_names_where_it_names_it() {
    let site = site().await;
    let portal = site.create("portal").await.metadata.id;
    let other = site.create("other").await.metadata.id;
    let key = caller(&site, wanted(&[portal], &[KeyAction::RotateKeys])).await;
    let actor = key.allowed(KeyAction::RotateKeys, portal).unwrap();
    assert_eq!(
        (&*actor.name, &*actor.source),
        ("API key rotation", "10.0.0.7")
    );
    forbidden(key.allowed(KeyAction::RotateKeys, other));
    forbidden(key.allowed(KeyAction::ReadSessions, portal));

    let before = site.management.snapshot().documents.virtual_proxies[&portal].clone();
    let pem = before.jwt_public_key_certificate.clone();
    let both = format!("{pem}\n{pem}");
    site.management
        .rotate_keys(&actor, portal, both.clone(), at(3))
        .await
        .unwrap();
    let after = site.management.snapshot().documents.virtual_proxies[&portal].clone();
    assert_eq!(after.jwt_public_key_certificate, both);
    assert_eq!(after.metadata.modified_by_user_name, "API key rotation");
    let mut same = (*after).clone();
    same.jwt_public_key_certificate = pem;
    same.metadata = before.metadata.clone();
    assert_eq!(same, *before, "nothing else has changed");
    let weak = site
        .management
        .rotate_keys(&actor, portal, PUBLIC_KEY_1024.to_owned(), at(4));
    invalid(weak.await);
}

/// Decision 2: whoever could set the key of such a virtual proxy could make administrators.
#[tokio::test]
async fn no_key_rotates_where_roles_count() {
    let site = site().await;
    let mut vp = (*site.create("admin").await).clone();
    let id = vp.metadata.id;
    vp.allow_administration = true;
    let saved = site.management.update_virtual_proxy(root(), id, vp, at(2));
    let pem = saved.await.unwrap().jwt_public_key_certificate.clone();
    let key = caller(&site, wanted(&[id], &KeyAction::ALL)).await;
    let actor = key.allowed(KeyAction::RotateKeys, id).unwrap();
    let both = format!("{pem}\n{pem}");
    forbidden(site.management.rotate_keys(&actor, id, both, at(3)).await);
}

#[tokio::test]
async fn a_key_that_is_over_deleted_or_made_up_is_nobody_s() {
    let site = site().await;
    let id = site.create("portal").await.metadata.id;
    let new = wanted(&[id], &[KeyAction::RotateKeys]);
    let (text, key) = site
        .management
        .create_api_key(root(), new, at(1))
        .await
        .unwrap();
    let find = |text: &str, seconds| {
        let text = text.to_owned();
        let management = site.management.clone();
        async move {
            management
                .api_key_caller(&text, "::1", at(seconds))
                .await
                .is_some()
        }
    };
    let month = 30 * 24 * 60 * 60;
    assert!(find(text.expose(), month).await);
    assert!(!find(text.expose(), month + 1).await, "over");
    assert!(!find(&format!("{}x", text.expose()), 2).await);
    assert!(!find("jotgate_", 2).await && !find("", 2).await);
    let used = site.management.api_keys().await.unwrap();
    assert_eq!(used[0].last_used, Some(at(month)));
    assert!(
        site.management
            .delete_api_key(root(), key.id)
            .await
            .unwrap()
    );
    assert!(!find(text.expose(), 2).await, "deleted");
    assert!(
        !site
            .management
            .delete_api_key(root(), key.id)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn what_a_new_key_names_must_make_sense() {
    let site = site().await;
    let id = site.create("portal").await.metadata.id;
    let good = wanted(&[id], &[KeyAction::RotateKeys]);
    forbidden(
        site.management
            .create_api_key(security(), good.clone(), at(1))
            .await,
    );
    for bad in [
        NewApiKey {
            name: " ".to_owned(),
            ..good.clone()
        },
        NewApiKey {
            actions: Vec::new(),
            ..good.clone()
        },
        NewApiKey {
            virtual_proxies: Vec::new(),
            ..good.clone()
        },
        NewApiKey {
            virtual_proxies: vec![Uuid::nil()],
            ..good.clone()
        },
        NewApiKey {
            days: 0,
            ..good.clone()
        },
        NewApiKey {
            days: 3651,
            ..good.clone()
        },
    ] {
        invalid(site.management.create_api_key(root(), bad, at(1)).await);
    }
    assert!(site.management.api_keys().await.unwrap().is_empty());
}
