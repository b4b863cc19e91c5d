//! Tags and custom properties: what administrators sort things by. Nothing of it is looked at when a request is served.

mod list;
mod property;
mod tag;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use jotgate_manage::{Document, Kind};
use jotgate_model::{Documents, Uuid};

use crate::frame::Stop;
use crate::visit::Visit;
use crate::{Console, pages};

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/tags";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show).post(tag::create))
        .route("/tags/{id}", get(tag::show).post(tag::rename))
        .route("/tags/{id}/delete", post(tag::delete))
        .route(
            "/custom-properties/new",
            get(property::create).post(property::save_new),
        )
        .route(
            "/custom-properties/{id}",
            get(property::edit).post(property::save),
        )
        .route("/custom-properties/{id}/delete", post(property::delete))
}

/// The document that an address names, or the page that says that there is none.
fn find(visit: &Visit, kind: Kind, id: &str) -> Result<Document, Stop> {
    let snapshot = visit.snapshot();
    let id = id.parse::<Uuid>().ok();
    let found = id.and_then(|id| Document::find(&snapshot.documents, kind, id));
    found.ok_or_else(|| {
        let sentence = "Somebody may have deleted it. The list shows what exists.";
        let status = StatusCode::NOT_FOUND;
        pages::trouble(visit, status, "There is no such label", sentence).into()
    })
}

/// What has a label: kind and name.
fn users(documents: &Documents, label: Uuid) -> Vec<(String, String)> {
    let having = Document::all(documents).filter(|document| {
        let (tags, properties) = labels_of(document);
        tags.contains(&label) || properties.contains(&label)
    });
    let named = having.map(|document| (document.kind().to_string(), document.display_name()));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// The tags and the custom properties that a document has, by id.
fn labels_of(document: &Document) -> (Vec<Uuid>, Vec<Uuid>) {
    let (tags, properties) = match document {
        Document::CustomProperty(_) | Document::Tag(_) => return (Vec::new(), Vec::new()),
        Document::Node(document) => (&document.tags, &document.custom_properties),
        Document::ProxyService(document) => (&document.tags, &document.custom_properties),
        Document::VirtualProxy(document) => (&document.tags, &document.custom_properties),
    };
    let definitions = properties.iter().map(|value| value.definition).collect();
    (tags.clone(), definitions)
}

#[cfg(test)]
mod tests;
