//! The list.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::GatewayState;
use jotgate_model::Uuid;

use super::HERE;
use crate::frame::{Frame, page};
use crate::paging::Pages;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Response {
    let statuses = visit.management().gateways(visit.now()).await;
    let newest = statuses.iter().filter_map(|status| status.revision).max();
    let statuses = statuses.into_iter().map(|status| (status.id, status));
    let mut statuses: HashMap<_, _> = statuses.collect();
    let snapshot = visit.snapshot();
    let documents = &snapshot.documents;
    let all = documents.proxy_services.values().map(|proxy| {
        let status = statuses.remove(&proxy.metadata.id);
        let (version, revision, state) = match status {
            Some(status) => (status.version, status.revision, status.state),
            None => (None, None, GatewayState::Unknown),
        };
        let node = documents.nodes.get(&proxy.server_node_configuration);
        Proxy {
            id: proxy.metadata.id,
            name: node.map_or_else(String::new, |node| node.name.clone()),
            host_name: node.map_or_else(String::new, |node| node.host_name.clone()),
            is_this: proxy.metadata.id == snapshot.proxy_id,
            serves: proxy.settings.virtual_proxies.len(),
            state,
            version: version.unwrap_or_default(),
            revision,
            is_behind: revision < newest,
        }
    });
    let mut proxies: Vec<_> = all.collect();
    proxies.sort_by_cached_key(|proxy| proxy.name.to_lowercase());
    let (count, asked) = (proxies.len(), visit.parameter("page"));
    let pages = Pages::new(count, &asked, visit.address(HERE));
    let list = List {
        frame: visit.frame("Proxies", HERE),
        proxies: pages.cut(proxies),
        pages,
    };
    page(StatusCode::OK, &list)
}

#[derive(Template)]
#[template(path = "proxies/list.html")]
struct List {
    frame: Frame,
    pages: Pages,
    proxies: Vec<Proxy>,
}

/// A proxy in the list.
struct Proxy {
    id: Uuid,
    name: String,
    host_name: String,
    is_this: bool,
    serves: usize,
    state: GatewayState,
    version: String,
    revision: Option<u64>,
    /// Whether another one serves a newer configuration.
    is_behind: bool,
}
