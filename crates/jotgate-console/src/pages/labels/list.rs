//! Both lists on one page.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::Document;
use jotgate_model::{Documents, Uuid};

use super::{HERE, labels_of};
use crate::frame::{Frame, page};
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Response {
    show_with(&visit, StatusCode::OK, String::new(), String::new())
}

/// The page, with a new tag that could not be made.
pub(super) fn show_with(
    visit: &Visit,
    status: StatusCode,
    typed: String,
    problem: String,
) -> Response {
    let snapshot = visit.snapshot();
    let documents = &snapshot.documents;
    let counts = counts(documents);
    let count = |id| counts.get(&id).copied().unwrap_or(0);
    let tags = documents.tags.values().map(|tag| Tag {
        id: tag.metadata.id,
        name: tag.name.clone(),
        used: count(tag.metadata.id),
    });
    let mut tags: Vec<_> = tags.collect();
    tags.sort_by_cached_key(|tag| tag.name.to_lowercase());
    let properties = documents.custom_properties.values().map(|one| Property {
        id: one.metadata.id,
        name: one.name.clone(),
        values: one.choice_values.join(", "),
        used: count(one.metadata.id),
    });
    let mut properties: Vec<_> = properties.collect();
    properties.sort_by_cached_key(|property| property.name.to_lowercase());
    let list = List {
        frame: visit.frame("Tags and custom properties", HERE),
        tags,
        properties,
        typed,
        problem,
    };
    page(status, &list)
}

/// How many documents have each label.
fn counts(documents: &Documents) -> HashMap<Uuid, usize> {
    let mut counts = HashMap::new();
    for document in Document::all(documents) {
        let (tags, mut properties) = labels_of(&document);
        properties.sort_unstable();
        properties.dedup();
        for label in tags.into_iter().chain(properties) {
            *counts.entry(label).or_default() += 1;
        }
    }
    counts
}

#[derive(Template)]
#[template(path = "labels/list.html")]
struct List {
    frame: Frame,
    tags: Vec<Tag>,
    properties: Vec<Property>,
    /// The name of the tag that could not be made, and why.
    typed: String,
    problem: String,
}

struct Tag {
    id: Uuid,
    name: String,
    used: usize,
}

struct Property {
    id: Uuid,
    name: String,
    values: String,
    used: usize,
}
