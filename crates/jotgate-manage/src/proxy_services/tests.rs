use super::*;
use crate::testing::{Site, at, invalid, root, site};

async fn update(site: &Site, draft: ProxyService) -> Result<Arc<ProxyService>, ManageError> {
    let id = draft.metadata.id;
    let update = site
        .management
        .update_proxy_service(root(), id, draft, at(9));
    update.await
}

#[tokio::test]
async fn linking_and_unlinking_takes_effect_at_once() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let served = || site.management.snapshot().by_prefix("jwt").is_some();
    let mut draft = site.proxy();
    draft.settings.virtual_proxies.extend([id, id]);
    let linked = update(&site, draft).await.unwrap();
    assert_eq!(linked.settings.virtual_proxies.len(), 2, "each once");
    assert_eq!(linked.metadata.modified_date, at(9));
    assert!(served());
    let mut draft = (*linked).clone();
    draft.settings.virtual_proxies.pop();
    update(&site, draft).await.unwrap();
    assert!(!served());
}

#[tokio::test]
async fn a_link_to_nothing_is_refused() {
    let site = site().await;
    let mut draft = site.proxy();
    draft.settings.virtual_proxies.push(Uuid::from_u128(7));
    let errors = invalid(update(&site, draft).await);
    assert_eq!(errors.0[0].field, "settings.virtualProxies");
    site.assert_unchanged_since(1).await;
}

#[tokio::test]
async fn a_proxy_that_was_changed_in_the_meantime_is_a_conflict() {
    let site = site().await;
    let draft = site.proxy();
    update(&site, draft.clone()).await.unwrap();
    let late = update(&site, draft).await;
    assert!(
        matches!(late, Err(ManageError::Conflict { .. })),
        "{late:?}"
    );
    let mut unknown = site.proxy();
    unknown.metadata.id = Uuid::from_u128(7);
    let late = update(&site, unknown).await;
    assert!(
        matches!(late, Err(ManageError::NotFound { .. })),
        "{late:?}"
    );
}
