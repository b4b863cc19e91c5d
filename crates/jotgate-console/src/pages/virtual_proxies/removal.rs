//! Deleting a virtual proxy: first what would come of it, then the deed.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Edit, Kind};
use jotgate_model::entity::VirtualProxyConfig;
use uuid::Uuid;

use super::{HERE, find};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::pages::changes::Proposal;
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    Ok(page(StatusCode::OK, &removal(&visit, &vp)))
}

pub(super) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    let management = visit.management();
    let deleted = management.delete_virtual_proxy(visit.actor(), vp.metadata.id, visit.now());
    Ok(match deleted.await {
        Ok(()) => visit.done(HERE, Done::Deleted),
        Err(error) => visit.problem(&error),
    })
}

#[derive(Template)]
#[template(path = "virtual_proxies/removal.html")]
struct Removal {
    frame: Frame,
    id: Uuid,
    prefix: String,
    is_default: bool,
    sessions: usize,
    users: usize,
    links: usize,
    /// The same as a change that can be looked at first: names and values of a form.
    change: Vec<(&'static str, String)>,
}

fn removal(visit: &Visit, vp: &VirtualProxyConfig) -> Removal {
    let snapshot = visit.snapshot();
    let id = vp.metadata.id;
    let served = snapshot.virtual_proxy(id);
    let sessions = served.map(|vp| visit.management().sessions_at(vp, visit.now()));
    let sessions = sessions.unwrap_or_default();
    let mut users: Vec<_> = sessions.iter().map(|s| s.user().to_string()).collect();
    users.sort_unstable();
    users.dedup();
    let proxies = snapshot.documents.proxy_services.values();
    let links = proxies.filter(|proxy| proxy.settings.virtual_proxies.contains(&id));
    Removal {
        frame: visit.frame(&format!("Delete {}", vp.description), HERE),
        id,
        prefix: vp.prefix.clone(),
        is_default: vp.default_virtual_proxy,
        sessions: sessions.len(),
        users: users.len(),
        links: links.count(),
        change: Proposal::edits(vec![Edit::Delete {
            kind: Kind::VirtualProxy,
            id,
        }])
        .hidden(),
    }
}
