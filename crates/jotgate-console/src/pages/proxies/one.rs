//! One proxy: the virtual proxies that are linked to it, and its tags.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::ManageError;
use jotgate_model::entity::ProxyService;
use jotgate_model::{Timestamp, Uuid};

use super::HERE;
use crate::custom_properties::{self, Property};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let proxy = find(&visit, &id)?;
    Ok(show_with(&visit, &proxy, String::new(), StatusCode::OK))
}

pub(super) async fn save(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let stored = find(&visit, &id)?;
    let id = stored.metadata.id;
    let mut draft = ProxyService::clone(&stored);
    let ids = |name: &str| fields.all(name).filter_map(|id| id.parse().ok()).collect();
    draft.settings.virtual_proxies = ids("virtualProxies");
    draft.tags = ids("tags");
    draft.custom_properties = custom_properties::read(&fields, draft.custom_properties);
    let version = fields.text("version").parse::<Timestamp>();
    draft.metadata.modified_date = version.unwrap_or(Timestamp::NEVER);
    let management = visit.management();
    let saved = management.update_proxy_service(visit.actor(), id, draft.clone(), visit.now());
    Ok(match saved.await {
        Ok(_) => visit.done(&format!("{HERE}/{id}"), Done::Saved),
        Err(error @ ManageError::Invalid(_)) => {
            show_with(&visit, &draft, error.to_string(), StatusCode::BAD_REQUEST)
        }
        Err(error) => visit.problem(&error),
    })
}

fn find(visit: &Visit, id: &str) -> Result<Arc<ProxyService>, Stop> {
    let snapshot = visit.snapshot();
    let id = id.parse::<Uuid>().ok();
    let found = id.and_then(|id| snapshot.documents.proxy_services.get(&id).cloned());
    found.ok_or_else(|| {
        let sentence = "The list shows those that exist.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such proxy", sentence).into()
    })
}

fn show_with(visit: &Visit, proxy: &ProxyService, problem: String, status: StatusCode) -> Response {
    let snapshot = visit.snapshot();
    let documents = &snapshot.documents;
    let linked = &proxy.settings.virtual_proxies;
    let all = documents.virtual_proxies.values().map(|vp| Choice {
        id: vp.metadata.id,
        words: vp.description.clone(),
        detail: format!("/{}", vp.prefix),
        chosen: linked.contains(&vp.metadata.id),
    });
    let mut virtual_proxies: Vec<_> = all.collect();
    virtual_proxies.sort_by_cached_key(|choice| choice.words.to_lowercase());
    let all = documents.tags.values().map(|tag| Choice {
        id: tag.metadata.id,
        words: tag.name.clone(),
        detail: String::new(),
        chosen: proxy.tags.contains(&tag.metadata.id),
    });
    let mut tags: Vec<_> = all.collect();
    tags.sort_by_cached_key(|choice| choice.words.to_lowercase());
    let node = documents.nodes.get(&proxy.server_node_configuration);
    let name = node.map_or_else(String::new, |node| node.name.clone());
    let one = One {
        frame: visit.frame(&format!("Proxy {name}"), HERE),
        id: proxy.metadata.id,
        version: proxy.metadata.modified_date.to_string(),
        node: node.map(|node| (node.metadata.id, node.name.clone())),
        is_this: proxy.metadata.id == snapshot.proxy_id,
        linked: linked.len(),
        virtual_proxies,
        tags,
        properties: custom_properties::shown(documents, "ProxyService", &proxy.custom_properties),
        problem,
    };
    page(status, &one)
}

#[derive(Template)]
#[template(path = "proxies/one.html")]
struct One {
    frame: Frame,
    id: Uuid,
    version: String,
    node: Option<(Uuid, String)>,
    is_this: bool,
    linked: usize,
    virtual_proxies: Vec<Choice>,
    tags: Vec<Choice>,
    properties: Vec<Property>,
    problem: String,
}

/// Something that can be chosen.
struct Choice {
    id: Uuid,
    words: String,
    detail: String,
    chosen: bool,
}
