//! One tag: made, renamed and deleted.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Document, Kind, ManageError};
use jotgate_model::entity::Tag;
use jotgate_model::{Timestamp, Uuid};

use super::{HERE, find, list, users};
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

pub(super) async fn create(Posted { visit, fields }: Posted) -> Response {
    let name = fields.text("name").trim().to_owned();
    let tag = Tag {
        name: name.clone(),
        ..Default::default()
    };
    let drafts = vec![Document::Tag(Arc::new(tag))];
    let created = visit
        .management()
        .create_documents(visit.actor(), drafts, visit.now());
    match created.await {
        Ok(_) => visit.done(HERE, Done::Created),
        Err(ManageError::Invalid(errors)) => {
            let problem = errors.to_string();
            list::show_with(&visit, StatusCode::BAD_REQUEST, name, problem)
        }
        Err(error) => visit.problem(&error),
    }
}

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let tag = find(&visit, Kind::Tag, &id)?;
    let name = tag.display_name();
    Ok(show_with(&visit, &tag, name, String::new(), StatusCode::OK))
}

pub(super) async fn rename(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let stored = find(&visit, Kind::Tag, &id)?;
    let Document::Tag(tag) = &stored else {
        return Ok(visit.done(HERE, Done::Saved));
    };
    let mut draft = Tag::clone(tag);
    fields.text("name").trim().clone_into(&mut draft.name);
    let version = fields.text("version").parse::<Timestamp>();
    draft.metadata.modified_date = version.unwrap_or(Timestamp::NEVER);
    let name = draft.name.clone();
    let drafts = vec![Document::Tag(Arc::new(draft))];
    let saved = visit
        .management()
        .update_documents(visit.actor(), drafts, visit.now());
    Ok(match saved.await {
        Ok(_) => visit.done(HERE, Done::Saved),
        Err(ManageError::Invalid(errors)) => {
            let problem = errors.to_string();
            show_with(&visit, &stored, name, problem, StatusCode::BAD_REQUEST)
        }
        // Renaming again puts this over what is stored now.
        Err(error @ ManageError::Conflict { .. }) => show_with(
            &visit,
            &stored,
            name,
            error.to_string(),
            StatusCode::CONFLICT,
        ),
        Err(error) => visit.problem(&error),
    })
}

pub(super) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let tag = find(&visit, Kind::Tag, &id)?;
    let management = visit.management();
    let deleted =
        management.delete_documents(visit.actor(), Kind::Tag, vec![tag.id()], visit.now());
    Ok(match deleted.await {
        Ok(()) => visit.done(HERE, Done::Deleted),
        Err(error) => visit.problem(&error),
    })
}

fn show_with(
    visit: &Visit,
    tag: &Document,
    typed: String,
    problem: String,
    status: StatusCode,
) -> Response {
    let one = One {
        frame: visit.frame(&format!("Tag {}", tag.display_name()), HERE),
        id: tag.id(),
        version: tag.metadata().modified_date.to_string(),
        typed,
        problem,
        users: users(&visit.snapshot().documents, tag.id()),
    };
    page(status, &one)
}

#[derive(Template)]
#[template(path = "labels/tag.html")]
struct One {
    frame: Frame,
    id: Uuid,
    version: String,
    typed: String,
    problem: String,
    users: Vec<(String, String)>,
}
