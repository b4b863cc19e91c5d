use std::sync::Arc;
use std::time::Duration;

use jotgate_keys::KeyRing;
use jotgate_model::{PresentedToken, Timestamp};
use jotgate_observe::{AccessRecord, Feed, Phase, PhaseTimes};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::json;
use tokio::runtime::Handle;

use super::*;
use crate::testing::{PUBLIC_KEY_2048, Site, at, quiet_side, root, site};
use crate::{Draft, DraftContent, Edit, Kind};

/// A site with keys and a feed.
async fn live() -> (Site, Feed, Arc<KeyRing>) {
    let site = site().await;
    let ring = Arc::new(KeyRing::new(Handle::current(), |_| {}));
    site.management.use_keys(ring.clone(), at(1)).await.unwrap();
    let side = quiet_side();
    let feed = side.feed.clone();
    site.management.use_live(side);
    (site, feed, ring)
}

/// A certificate that is valid until that day of 2023: the tests happen on 14 November.
fn certificate(name: &str, (month, day): (u8, u8)) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2023, month, day);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

fn fingerprint(pem: &str) -> String {
    let keys = KeySet::from_pem(pem).unwrap();
    keys.keys()[0].fingerprint().to_owned()
}

fn note(feed: &Feed, vp: Uuid, fingerprint: Option<&str>, kid: &str) {
    let token = Arc::new(PresentedToken {
        header: Some(json!({"alg": "RS256", "kid": kid}).to_string().into()),
        key_fingerprint: fingerprint.map(Arc::from),
        ..Default::default()
    });
    let refusal = (fingerprint.is_none()).then_some((jotgate_model::Reason::KeyNotFound, None));
    feed.note(&AccessRecord {
        time: Timestamp::from_millis(1_700_000_000_000),
        reference: "r",
        client: "192.0.2.7",
        method: "GET",
        path: "/a/hub/",
        virtual_proxy: Some("a"),
        virtual_proxy_id: Some(vp),
        user: None,
        session: None,
        node: None,
        phase: Phase::Respond,
        phases: PhaseTimes::NONE,
        status: 200,
        refusal,
        total: Duration::from_micros(1),
        waiting: None,
        user_agent: "test",
        token: Some(&token),
    });
}

async fn tried(site: &Site, vp: Uuid, properties: serde_json::Value) -> KeyTrials {
    let edit = Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(vp),
        properties: properties.as_object().unwrap().clone(),
    };
    let draft = Draft {
        base: None,
        content: DraftContent::Edits(vec![edit]),
    };
    let preview = site
        .management
        .preview_draft(root(), &draft, false, usize::MAX, at(0))
        .await;
    preview.unwrap().keys
}

#[tokio::test]
async fn the_keys_of_a_draft_say_what_is_wrong_with_them_and_who_has_them_too() {
    let (site, _, ring) = live().await;
    let (a, _) = (site.create("a").await, site.create("b").await);
    ring.prepare(&site.management.snapshot());
    let [over, soon, good] = [
        certificate("over.example", (11, 1)),
        certificate("soon.example", (12, 1)),
        certificate("good.example", (12, 30)),
    ];
    let pem = format!("{PUBLIC_KEY_2048}{good}{soon}{over}");
    let trials = tried(
        &site,
        a.metadata.id,
        json!({"jwtPublicKeyCertificate": pem}),
    )
    .await;
    let told = trials.keys.iter().map(|key| {
        let subject = key.certificate.as_ref().map(|info| &*info.subject);
        (key.validity.id(), subject, key.is_new)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("expired", Some("CN=over.example"), true),
            ("expires_soon", Some("CN=soon.example"), true),
            ("valid", Some("CN=good.example"), true),
            ("valid", None, false),
        ]
    );
    let public = &trials.keys[3];
    assert_eq!((public.family, public.bits), ("RSA", 2048));
    assert_eq!(public.fingerprint, fingerprint(PUBLIC_KEY_2048));
    assert_eq!(public.used_by, ["b"]);
    assert!(trials.keys[0].used_by.is_empty());
    assert!(trials.sources.is_empty() && trials.tokens.is_empty());
}

#[tokio::test]
async fn tokens_whose_key_goes_are_counted() {
    let (site, feed, _) = live().await;
    let a = site.create("a").await.metadata.id;
    let new = certificate("new.example", (12, 30));
    for _ in 0..2 {
        note(&feed, a, Some(&fingerprint(PUBLIC_KEY_2048)), "old");
    }
    note(&feed, a, Some(&fingerprint(&new)), "new");
    note(&feed, a, None, "refused");
    note(
        &feed,
        Uuid::nil(),
        Some(&fingerprint(PUBLIC_KEY_2048)),
        "elsewhere",
    );
    let swapped = json!({"jwtPublicKeyCertificate": new});
    let trials = tried(&site, a, swapped).await;
    assert_eq!(
        trials.tokens,
        [TokensSeen {
            virtual_proxy: a,
            prefix: "a".to_owned(),
            accepted: 3,
            lost: 2,
            unknown: 0,
            missing: vec![MissingKey {
                fingerprint: fingerprint(PUBLIC_KEY_2048),
                kid: Some("old".to_owned()),
                requests: 2,
            }],
        }]
    );
    let both = json!({"jwtPublicKeyCertificate": format!("{PUBLIC_KEY_2048}{new}")});
    assert_eq!(tried(&site, a, both).await.tokens[0].lost, 0);
}

/// A key set that cannot be fetched may or may not have the key: nobody is told that it has not.
#[tokio::test]
async fn what_a_dead_key_set_holds_is_unknown() {
    let (site, feed, _) = live().await;
    let a = site.create("a").await.metadata.id;
    note(&feed, a, Some(&fingerprint(PUBLIC_KEY_2048)), "old");
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/keys", nobody.local_addr().unwrap());
    drop(nobody);
    let moved = json!({"jwtPublicKeyCertificate": "", "jwtJwksUri": address});
    let trials = tried(&site, a, moved).await;
    let source = &trials.sources[0];
    assert_eq!(source.origin, KeyOrigin::Jwks(address.as_str().into()));
    assert_eq!(source.virtual_proxies, ["a"]);
    let failure = source.found.as_ref().unwrap_err();
    assert_eq!(failure.outcome, "unreachable");
    let tokens = &trials.tokens[0];
    assert_eq!((tokens.accepted, tokens.lost, tokens.unknown), (1, 0, 1));
    assert_eq!(site.management.snapshot().revision, 2);
}

/// Also where both issuers of one virtual proxy name it: one fetch, and one user.
#[tokio::test]
async fn a_key_set_is_fetched_once_however_often_it_is_named() {
    let (site, ..) = live().await;
    let (a, b) = (site.create("a").await, site.create("b").await);
    let before = site.management.snapshot();
    let address = "http://127.0.0.1:9/keys";
    let put = |id, properties: serde_json::Value| Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().unwrap().clone(),
    };
    let issuer = json!([{"issuer": "https://idp.example", "jwksUri": address}]);
    let draft = Draft {
        base: None,
        content: DraftContent::Edits(vec![
            put(
                a.metadata.id,
                json!({"jwtJwksUri": address, "jwtIssuers": issuer}),
            ),
            put(b.metadata.id, json!({"jwtJwksUri": address})),
        ]),
    };
    let (_, after) = site.management.tried(root(), &draft, at(1)).await.unwrap();
    let wanted = named_anew(&before, &after);
    assert_eq!(wanted.len(), 1);
    let users = wanted.values().next().unwrap();
    assert_eq!(users.len(), 2);
    assert!(named_anew(&after, &after).is_empty());
}
