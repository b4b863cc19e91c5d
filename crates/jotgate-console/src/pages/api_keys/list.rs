//! The list, the newest on top.

use std::cmp::Reverse;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::StoredApiKey;
use jotgate_model::{Timestamp, Uuid};

use super::HERE;
use crate::dates::minute;
use crate::frame::{Frame, Stop, page};
use crate::pages::places::{Place, places};
use crate::paging::Pages;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Result<Response, Stop> {
    let found = visit.management().api_keys().await;
    let mut found = found.map_err(|error| visit.problem(&error))?;
    found.sort_by_key(|key| Reverse(key.created));
    let pages = Pages::new(found.len(), &visit.parameter("page"), visit.address(HERE));
    let places = places(&visit.snapshot());
    let rows = pages.cut(found).into_iter();
    let list = List {
        frame: visit.frame("API keys", HERE),
        rows: rows.map(|key| row(key, &places, visit.now())).collect(),
        pages,
    };
    Ok(page(StatusCode::OK, &list))
}

#[derive(Template)]
#[template(path = "api_keys/list.html")]
struct List {
    frame: Frame,
    pages: Pages,
    rows: Vec<Row>,
}

/// A key, without what opens anything.
struct Row {
    id: Uuid,
    name: String,
    actions: Vec<String>,
    /// The prefixes of its virtual proxies; those that are gone are left out.
    prefixes: Vec<String>,
    expires: String,
    is_over: bool,
    created: String,
    created_by: String,
    last_used: String,
}

fn row(key: StoredApiKey, places: &[Place], now: Timestamp) -> Row {
    let named = |place: &&Place| key.virtual_proxies.contains(&place.id);
    let prefixes = places
        .iter()
        .filter(named)
        .map(|place| place.prefix.clone());
    let from = key.last_used_from.unwrap_or_default();
    Row {
        id: key.id,
        prefixes: prefixes.collect(),
        name: key.name,
        actions: key.actions,
        expires: minute(key.expires),
        is_over: key.expires <= now,
        created: minute(key.created),
        created_by: key.created_by,
        last_used: key
            .last_used
            .map_or_else(String::new, |at| format!("{} from {from}", minute(at))),
    }
}
