//! What is done with several virtual proxies of the overview at once: one save, or none.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Document, Kind, ManageError};
use jotgate_model::entity::VirtualProxyConfig;
use uuid::Uuid;

use super::HERE;
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::pages;
use crate::visit::Visit;

/// Does what the form wants with those that are selected, and goes back to the list.
pub(super) async fn change(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let chosen = chosen(&visit, &fields)?;
    let done = match fields.text("do") {
        "link" => link(&visit, &fields, &chosen, true).await,
        "unlink" => link(&visit, &fields, &chosen, false).await,
        "tag" => tag(&visit, &fields, &chosen, true).await,
        "untag" => tag(&visit, &fields, &chosen, false).await,
        "delete" => return Ok(page(StatusCode::OK, &removal(&visit, &fields, &chosen))),
        "delete-all" => {
            let ids = chosen.iter().map(|vp| vp.metadata.id).collect();
            let management = visit.management();
            let deleted =
                management.delete_documents(visit.actor(), Kind::VirtualProxy, ids, visit.now());
            deleted.await.map(|()| Done::Deleted)
        }
        _ => return Err(nothing(&visit, "Choose what is to be done with them.")),
    };
    match done {
        Ok(done) => Ok(visit.done(&back(&fields), done)),
        Err(error) => Err(visit.problem(&error).into()),
    }
}

fn chosen(visit: &Visit, fields: &Fields) -> Result<Vec<Arc<VirtualProxyConfig>>, Stop> {
    let snapshot = visit.snapshot();
    let ids = fields.all("id").filter_map(|id| id.parse::<Uuid>().ok());
    let found = ids.filter_map(|id| snapshot.documents.virtual_proxies.get(&id).cloned());
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|vp| vp.metadata.id);
    found.dedup_by_key(|vp| vp.metadata.id);
    if found.is_empty() {
        return Err(nothing(
            visit,
            "Tick those that it is for, and do it again.",
        ));
    }
    Ok(found)
}

fn nothing(visit: &Visit, sentence: &str) -> Stop {
    pages::trouble(visit, StatusCode::BAD_REQUEST, "Nothing was done", sentence).into()
}

/// More is no address that the page has made, and longer than clients read in a header.
const MAX_QUERY: usize = 8 * 1024;

/// The list as it was; whatever the form says of it, it stays this list.
fn back(fields: &Fields) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let asked = form_urlencoded::parse(fields.text("query").as_bytes());
    query.extend_pairs(asked.filter(|(name, _)| name != "done"));
    match query.finish() {
        query if query.is_empty() || query.len() > MAX_QUERY => HERE.to_owned(),
        query => format!("{HERE}?{query}"),
    }
}

async fn link(
    visit: &Visit,
    fields: &Fields,
    chosen: &[Arc<VirtualProxyConfig>],
    is_on: bool,
) -> Result<Done, ManageError> {
    let snapshot = visit.snapshot();
    let named = fields.text("proxy").parse().unwrap_or_default();
    let proxy = snapshot.documents.proxy_services.get(&named);
    let mut draft = proxy
        .ok_or(ManageError::NotFound {
            kind: Kind::ProxyService,
            id: named,
        })
        .map(|proxy| Arc::unwrap_or_clone(proxy.clone()))?;
    let linked = &mut draft.settings.virtual_proxies;
    linked.retain(|id| chosen.iter().all(|vp| vp.metadata.id != *id));
    if is_on {
        linked.extend(chosen.iter().map(|vp| vp.metadata.id));
    }
    let drafts = vec![Document::ProxyService(Arc::new(draft))];
    let management = visit.management();
    management
        .update_documents(visit.actor(), drafts, visit.now())
        .await?;
    Ok(if is_on { Done::Linked } else { Done::Unlinked })
}

async fn tag(
    visit: &Visit,
    fields: &Fields,
    chosen: &[Arc<VirtualProxyConfig>],
    is_on: bool,
) -> Result<Done, ManageError> {
    let snapshot = visit.snapshot();
    let named: Uuid = fields.text("tag").parse().unwrap_or_default();
    if !snapshot.documents.tags.contains_key(&named) {
        return Err(ManageError::NotFound {
            kind: Kind::Tag,
            id: named,
        });
    }
    let drafts = chosen.iter().map(|vp| {
        let mut draft = VirtualProxyConfig::clone(vp);
        draft.tags.retain(|tag| *tag != named);
        if is_on {
            draft.tags.push(named);
        }
        Document::VirtualProxy(Arc::new(draft))
    });
    let (management, drafts) = (visit.management(), drafts.collect());
    management
        .update_documents(visit.actor(), drafts, visit.now())
        .await?;
    Ok(Done::Saved)
}

/// What would come of deleting them.
#[derive(Template)]
#[template(path = "virtual_proxies/selected_removal.html")]
struct Removal {
    frame: Frame,
    rows: Vec<Row>,
    sessions: usize,
    has_default: bool,
    query: String,
}

struct Row {
    id: Uuid,
    description: String,
    prefix: String,
    sessions: usize,
}

fn removal(visit: &Visit, fields: &Fields, chosen: &[Arc<VirtualProxyConfig>]) -> Removal {
    // Each session is looked at once, however many virtual proxies there are.
    let counts = visit.management().session_counts(visit.now()).into_iter();
    let counts: HashMap<Uuid, usize> = counts.map(|(vp, count)| (vp.id, count)).collect();
    let rows = chosen.iter().map(|vp| Row {
        id: vp.metadata.id,
        description: vp.description.clone(),
        prefix: vp.prefix.clone(),
        sessions: counts.get(&vp.metadata.id).copied().unwrap_or(0),
    });
    let rows: Vec<_> = rows.collect();
    Removal {
        frame: visit.frame("Delete virtual proxies", HERE),
        sessions: rows.iter().map(|row| row.sessions).sum(),
        rows,
        has_default: chosen.iter().any(|vp| vp.default_virtual_proxy),
        query: fields.text("query").to_owned(),
    }
}

#[cfg(test)]
mod tests;
