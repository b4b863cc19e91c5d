use super::*;
use crate::testing::{at, forbidden, invalid, root, site};

#[tokio::test]
async fn deletions_in_a_set_of_changes_follow_the_same_rules() {
    let site = site().await;
    let vp = site.default_virtual_proxy().metadata.id;
    let actor = root();
    let changes = |kind, id| vec![Change::Delete { kind, id }];
    for (kind, id) in [
        (Kind::VirtualProxy, vp),
        (Kind::ProxyService, site.proxy().metadata.id),
    ] {
        let apply = site.management.apply(actor, changes(kind, id), "", at(1));
        forbidden(apply.await);
    }
    let node = site.central().metadata.id;
    let apply = site
        .management
        .apply(actor, changes(Kind::Node, node), "", at(1));
    invalid(apply.await);
    // A link that would lead nowhere.
    let linked = site.create("jwt").await.metadata.id;
    let mut proxy = site.proxy();
    proxy.settings.virtual_proxies.push(linked);
    let id = proxy.metadata.id;
    let link = site
        .management
        .update_proxy_service(actor, id, proxy, at(2));
    link.await.unwrap();
    let apply = site
        .management
        .apply(actor, changes(Kind::VirtualProxy, linked), "", at(3));
    assert_eq!(invalid(apply.await).0[0].field, "settings.virtualProxies");
    site.assert_unchanged_since(3).await;
}
