//! Associated items, Proxies: to which proxy services a virtual proxy is linked.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Document, Edit, Kind};
use jotgate_model::Documents;
use jotgate_model::entity::{ProxyService, VirtualProxyConfig};
use uuid::Uuid;

use super::{HERE, find, path_of};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages::changes::{self, Proposal};
use crate::visit::{Visit, status_of};

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    Ok(show_with(&visit, &vp, StatusCode::OK, String::new()))
}

/// Links or unlinks the proxy that the form names.
pub(super) async fn change(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    let snapshot = visit.snapshot();
    let named = fields.text("proxy").parse::<Uuid>().ok();
    let proxy = named.and_then(|id| snapshot.documents.proxy_services.get(&id));
    let Some(proxy) = proxy else {
        let problem = "That proxy does not exist any more.".to_owned();
        return Ok(show_with(&visit, &vp, StatusCode::BAD_REQUEST, problem));
    };
    let wanted = fields.text("do");
    let link = matches!(wanted, "link" | "preview-link");
    let draft = changed(proxy, vp.metadata.id, link);
    if wanted.starts_with("preview") {
        return changes::preview(&visit, Proposal::edits(vec![edit(&draft)])).await;
    }
    let draft = vec![Document::ProxyService(Arc::new(draft))];
    let saved = visit
        .management()
        .update_documents(visit.actor(), draft, visit.now());
    Ok(match saved.await {
        Ok(_) => {
            let done = if link { Done::Linked } else { Done::Unlinked };
            visit.done(&path_of(vp.metadata.id, "/proxies"), done)
        }
        Err(error) => show_with(&visit, &vp, status_of(&error), error.to_string()),
    })
}

fn changed(proxy: &ProxyService, id: Uuid, link: bool) -> ProxyService {
    let mut draft = proxy.clone();
    let linked = &mut draft.settings.virtual_proxies;
    linked.retain(|other| *other != id);
    if link {
        linked.push(id);
    }
    draft
}

/// The same as a change that can be looked at first.
fn edit(draft: &ProxyService) -> Edit {
    let settings = serde_json::to_value(&draft.settings).unwrap_or_default();
    Edit::Put {
        kind: Kind::ProxyService,
        id: Some(draft.metadata.id),
        properties: std::iter::once(("settings".to_owned(), settings)).collect(),
    }
}

fn show_with(
    visit: &Visit,
    vp: &VirtualProxyConfig,
    status: StatusCode,
    problem: String,
) -> Response {
    let snapshot = visit.snapshot();
    let links = Links {
        frame: visit.frame(&vp.description, HERE),
        id: vp.metadata.id,
        proxies: proxies(&snapshot.documents, vp.metadata.id, snapshot.proxy_id),
        problem,
    };
    page(status, &links)
}

#[derive(Template)]
#[template(path = "virtual_proxies/links.html")]
struct Links {
    frame: Frame,
    id: Uuid,
    proxies: Vec<Proxy>,
    problem: String,
}

struct Proxy {
    id: Uuid,
    name: String,
    host_name: String,
    is_this: bool,
    is_linked: bool,
    serves: usize,
}

fn proxies(documents: &Documents, vp: Uuid, own: Uuid) -> Vec<Proxy> {
    let all = documents.proxy_services.values();
    let mut all: Vec<_> = all
        .map(|proxy| {
            let node = documents.nodes.get(&proxy.server_node_configuration);
            Proxy {
                id: proxy.metadata.id,
                name: node.map_or_else(String::new, |node| node.name.clone()),
                host_name: node.map_or_else(String::new, |node| node.host_name.clone()),
                is_this: proxy.metadata.id == own,
                is_linked: proxy.settings.virtual_proxies.contains(&vp),
                serves: proxy.settings.virtual_proxies.len(),
            }
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
