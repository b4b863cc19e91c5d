use super::*;
use std::net::{IpAddr, Ipv4Addr};

use crate::testing::{at, forbidden, invalid, root, security, site};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn wanted(virtual_proxies: &[Uuid], actions: &[KeyAction]) -> NewApiKey {
    NewApiKey {
        name: "rotation".to_owned(),
        actions: actions.to_vec(),
        virtual_proxies: virtual_proxies.to_vec(),
        days: 30,
    }
}

#[tokio::test]
async fn a_key_that_is_over_deleted_or_made_up_is_nobody_s() {
    let site = site().await;
    let id = site.create("portal").await.metadata.id;
    let new = wanted(&[id, id], &[KeyAction::RotateKeys]);
    let (text, key) = site
        .management
        .create_api_key(root(), new, at(1))
        .await
        .unwrap();
    assert_eq!(key.virtual_proxies, [id], "each is named once");
    let find = |text: &str, seconds| {
        let text = text.to_owned();
        let management = site.management.clone();
        async move {
            management
                .api_key_caller(&text, ADDRESS, at(seconds))
                .await
                .is_ok()
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
            .delete_api_key(root(), key.id, at(9))
            .await
            .unwrap()
    );
    assert!(!find(text.expose(), 2).await, "deleted");
    assert!(
        !site
            .management
            .delete_api_key(root(), key.id, at(9))
            .await
            .unwrap()
    );
}

/// Whoever guesses has to wait; whoever has a key does not, from the same address either.
#[tokio::test]
async fn guesses_are_counted_and_lock_out_no_good_key() {
    let site = site().await;
    let id = site.create("portal").await.metadata.id;
    let new = wanted(&[id], &[KeyAction::RotateKeys]);
    let made = site.management.create_api_key(root(), new, at(1)).await;
    let (text, _) = made.unwrap();
    let judge = async |text: &str| site.management.api_key_caller(text, ADDRESS, at(2)).await;
    let mut refusals = Vec::new();
    for _ in 0..12 {
        refusals.push(judge("jotgate_guess").await.unwrap_err());
    }
    assert_eq!(refusals[0], KeyRefused::Unknown);
    assert_eq!(refusals[11], KeyRefused::Wait(1));
    assert!(judge(text.expose()).await.is_ok());
    let other = IpAddr::from([192, 0, 2, 1]);
    let other = site
        .management
        .api_key_caller("jotgate_x", other, at(2))
        .await;
    assert_eq!(other.unwrap_err(), KeyRefused::Unknown);
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
