use http::StatusCode;
use jotgate_manage::{Document, Privilege};
use jotgate_model::entity::{Tag, VirtualProxyConfig};
use uuid::Uuid;

use crate::testing::{Shown, Site, now, site};

const PATH: &str = "/qmc/virtual-proxies/selected";

async fn create(site: &Site, prefix: &str) -> Uuid {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

/// Does it with two of them, named twice, and one that does not exist.
async fn act(site: &Site, ids: [Uuid; 2], fields: &[(&str, &str)]) -> Shown {
    let ids = [ids[0], ids[1], ids[0], Uuid::from_u128(9)].map(|id| id.to_string());
    let ids = ids.iter().map(|id| ("id", &**id));
    let fields: Vec<_> = ids.chain(fields.iter().copied()).collect();
    site.post(PATH, &fields).await
}

fn linked(site: &Site, id: Uuid) -> bool {
    let snapshot = site.management.snapshot();
    let proxy = &snapshot.documents.proxy_services[&snapshot.proxy_id];
    proxy.settings.virtual_proxies.contains(&id)
}

#[tokio::test]
async fn several_are_linked_and_unlinked_in_one_save_each() {
    let site = site().await;
    let ids = [create(&site, "one").await, create(&site, "two").await];
    let proxy = site.management.snapshot().proxy_id.to_string();
    let before = site.management.snapshot().revision;
    for (action, expected, done) in [("link", true, "linked"), ("unlink", false, "unlinked")] {
        let fields = [
            ("do", action),
            ("proxy", &proxy),
            ("query", "filter=a%26b&done=x"),
        ];
        let answer = act(&site, ids, &fields).await;
        let next = format!("/qmc/virtual-proxies?filter=a%26b&done={done}");
        assert_eq!(answer.header("location"), next, "{}", answer.text);
        assert_eq!(ids.map(|id| linked(&site, id)), [expected; 2]);
    }
    assert_eq!(site.management.snapshot().revision, before + 2);
    // What no address of the page is leads to the list, not to a header that no client reads.
    let long = "x".repeat(1_000_000);
    let fields = [("do", "link"), ("proxy", &*proxy), ("query", &*long)];
    let answer = act(&site, ids, &fields).await;
    assert_eq!(
        answer.header("location"),
        "/qmc/virtual-proxies?done=linked"
    );
    let unknown = act(&site, ids, &[("do", "link"), ("proxy", "nonsense")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn several_are_tagged_and_the_tag_is_taken_off() {
    let site = site().await;
    let ids = [create(&site, "one").await, create(&site, "two").await];
    let tag = Tag {
        name: "portal".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let tags = vec![Document::Tag(tag.into())];
    let made = site.management.create_documents(actor, tags, now());
    let tag = made.await.unwrap()[0].id();
    for (action, expected) in [("tag", vec![tag]), ("tag", vec![tag]), ("untag", vec![])] {
        let done = act(&site, ids, &[("do", action), ("tag", &tag.to_string())]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let snapshot = site.management.snapshot();
        for id in ids {
            let tags = &snapshot.documents.virtual_proxies[&id].tags;
            assert_eq!(*tags, expected, "{action}");
        }
    }
    let unknown = act(&site, ids, &[("do", "tag"), ("tag", "")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn several_are_deleted_after_the_consequences_were_shown() {
    let site = site().await;
    let ids = [create(&site, "one").await, create(&site, "two").await];
    let asked = act(&site, ids, &[("do", "delete")]).await;
    assert_eq!(asked.status, StatusCode::OK);
    for shown in ["Delete 2 virtual proxies", "/one/", "Portal two"] {
        assert!(asked.text.contains(shown), "{shown}: {}", asked.text);
    }
    let all = || site.management.snapshot().documents.virtual_proxies.len();
    assert_eq!(all(), 3);
    // The default one keeps all of them.
    let default = site.management.snapshot();
    let mut default = default.documents.virtual_proxies.values();
    let default = default.find(|vp| vp.default_virtual_proxy).unwrap();
    let with_default = [ids[0], default.metadata.id];
    let warned = act(&site, with_default, &[("do", "delete")]).await;
    assert!(warned.text.contains("cannot be deleted") && !warned.text.contains("delete-all"));
    let refused = act(&site, with_default, &[("do", "delete-all")]).await;
    assert_eq!((refused.status, all()), (StatusCode::FORBIDDEN, 3));

    let deleted = act(&site, ids, &[("do", "delete-all")]).await;
    assert_eq!(
        deleted.header("location"),
        "/qmc/virtual-proxies?done=deleted"
    );
    assert_eq!(all(), 1);
}

#[tokio::test]
async fn nothing_is_done_with_none_and_by_readers() {
    let mut site = site().await;
    let ids = [create(&site, "one").await, create(&site, "two").await];
    let none = site.post(PATH, &[("do", "delete-all")]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.text.contains("Tick those"));
    let nothing = act(&site, ids, &[("do", "dance")]).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let refused = act(&site, ids, &[("do", "delete-all")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = site.get("/qmc/virtual-proxies").await;
    assert!(!page.text.contains("name=\"id\""));
}
