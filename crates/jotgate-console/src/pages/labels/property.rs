//! One custom property: made, changed and deleted.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Document, Kind, ManageError};
use jotgate_model::entity::CustomPropertyDefinition;
use jotgate_model::{FieldErrors, Timestamp, Uuid};

use super::{HERE, find, users};
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

/// What can have one, as the document says it and in words.
const OBJECTS: [(&str, &str); 3] = [
    ("VirtualProxyConfig", "Virtual proxies"),
    ("ServerNodeConfiguration", "Nodes"),
    ("ProxyService", "Proxies"),
];

pub(super) async fn create(visit: Visit) -> Response {
    let draft = CustomPropertyDefinition {
        object_types: vec!["VirtualProxyConfig".to_owned()],
        ..Default::default()
    };
    show(&visit, draft, FieldErrors::default(), StatusCode::OK)
}

pub(super) async fn save_new(Posted { visit, fields }: Posted) -> Response {
    let draft = read(&fields, CustomPropertyDefinition::default());
    let drafts = vec![Document::CustomProperty(Arc::new(draft.clone()))];
    let created = visit
        .management()
        .create_documents(visit.actor(), drafts, visit.now());
    match created.await {
        Ok(_) => visit.done(HERE, Done::Created),
        Err(error) => refused(&visit, draft, error),
    }
}

pub(super) async fn edit(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let stored = stored(&visit, &id)?;
    Ok(show(&visit, stored, FieldErrors::default(), StatusCode::OK))
}

pub(super) async fn save(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let mut draft = read(&fields, stored(&visit, &id)?);
    let version = fields.text("version").parse::<Timestamp>();
    draft.metadata.modified_date = version.unwrap_or(Timestamp::NEVER);
    let drafts = vec![Document::CustomProperty(Arc::new(draft.clone()))];
    let saved = visit
        .management()
        .update_documents(visit.actor(), drafts, visit.now());
    Ok(match saved.await {
        Ok(_) => visit.done(HERE, Done::Saved),
        Err(error) => refused(&visit, draft, error),
    })
}

pub(super) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Stop> {
    let id = stored(&visit, &id)?.metadata.id;
    let management = visit.management();
    let deleted =
        management.delete_documents(visit.actor(), Kind::CustomProperty, vec![id], visit.now());
    Ok(match deleted.await {
        Ok(()) => visit.done(HERE, Done::Deleted),
        Err(error) => visit.problem(&error),
    })
}

fn stored(visit: &Visit, id: &str) -> Result<CustomPropertyDefinition, Stop> {
    match find(visit, Kind::CustomProperty, id)? {
        Document::CustomProperty(found) => Ok(CustomPropertyDefinition::clone(&found)),
        _ => Ok(CustomPropertyDefinition::default()),
    }
}

/// The document with what was typed over it. Types of objects that only the real system has stay.
fn read(typed: &Fields, mut draft: CustomPropertyDefinition) -> CustomPropertyDefinition {
    typed.text("name").trim().clone_into(&mut draft.name);
    typed
        .text("description")
        .trim()
        .clone_into(&mut draft.description);
    let values = typed.text("choiceValues").lines().map(str::trim);
    draft.choice_values = values
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect();
    draft
        .object_types
        .retain(|object| OBJECTS.iter().all(|(its, _)| its != object));
    let chosen = OBJECTS
        .iter()
        .filter(|(its, _)| typed.all("objectTypes").any(|v| v == *its));
    draft
        .object_types
        .extend(chosen.map(|(its, _)| (*its).to_owned()));
    draft
}

fn refused(visit: &Visit, draft: CustomPropertyDefinition, error: ManageError) -> Response {
    match error {
        ManageError::Invalid(errors) => show(visit, draft, errors, StatusCode::BAD_REQUEST),
        other => visit.problem(&other),
    }
}

fn show(
    visit: &Visit,
    draft: CustomPropertyDefinition,
    errors: FieldErrors,
    status: StatusCode,
) -> Response {
    let id = Some(draft.metadata.id).filter(|id| !id.is_nil());
    let title = match id {
        Some(_) => format!("Custom property {}", draft.name),
        None => "Create new custom property".to_owned(),
    };
    let edit = Edit {
        frame: visit.frame(&title, HERE),
        id,
        values: draft.choice_values.join("\n"),
        version: draft.metadata.modified_date.to_string(),
        users: id.map_or_else(Vec::new, |id| users(&visit.snapshot().documents, id)),
        draft,
        errors,
    };
    page(status, &edit)
}

#[derive(Template)]
#[template(path = "labels/property.html")]
struct Edit {
    frame: Frame,
    id: Option<Uuid>,
    draft: CustomPropertyDefinition,
    values: String,
    version: String,
    errors: FieldErrors,
    users: Vec<(String, String)>,
}

impl Edit {
    fn wrong_with(&self, field: &str) -> Vec<String> {
        let own = self.errors.0.iter().filter(|error| error.field == field);
        own.map(|error| format!("It {}", error.problem)).collect()
    }

    /// What is wrong and has no field on the page.
    fn other_problems(&self) -> Vec<String> {
        let shown = ["name", "description", "choiceValues", "objectTypes"];
        let others = self.errors.0.iter();
        let others = others.filter(|error| !shown.contains(&&*error.field));
        others.map(ToString::to_string).collect()
    }

    fn objects(&self) -> [(&'static str, &'static str, bool); 3] {
        OBJECTS.map(|(object, words)| {
            let chosen = self.draft.object_types.iter().any(|its| its == object);
            (object, words, chosen)
        })
    }
}
