//! Creating and editing a node: one page, which comes back with everything that was typed until it can be saved. Its services can be
//! tried before.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{BackendOutcome, BackendTrials, ManageError};
use jotgate_model::entity::{ServerNodeConfiguration, ServiceConfig};
use jotgate_model::{FieldErrors, Timestamp, Uuid};

use super::typed::read;
use super::{HERE, find, used_by};
use crate::custom_properties::{self, Property};
use crate::dates::minute;
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

pub(super) async fn create(visit: Visit) -> Response {
    Form::new(None, ServerNodeConfiguration::default()).show(&visit, StatusCode::OK)
}

pub(super) async fn save_new(Posted { visit, fields }: Posted) -> Response {
    let mut form = Form::new(None, ServerNodeConfiguration::default());
    if !form.take(&visit, &fields).await {
        return form.show(&visit, StatusCode::OK);
    }
    let (management, draft) = (visit.management(), form.node.clone());
    match management
        .create_node(visit.actor(), draft, visit.now())
        .await
    {
        Ok(created) => visit.done(&format!("{HERE}/{}", created.metadata.id), Done::Created),
        Err(error) => form.refused(&visit, error),
    }
}

pub(super) async fn edit(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let node = find(&visit, &id)?;
    let form = Form::new(
        Some(node.metadata.id),
        ServerNodeConfiguration::clone(&node),
    );
    Ok(form.show(&visit, StatusCode::OK))
}

pub(super) async fn save(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let node = find(&visit, &id)?;
    let id = node.metadata.id;
    let mut form = Form::new(Some(id), ServerNodeConfiguration::clone(&node));
    if !form.take(&visit, &fields).await {
        return Ok(form.show(&visit, StatusCode::OK));
    }
    let (management, draft) = (visit.management(), form.node.clone());
    let saved = management.update_node(visit.actor(), id, draft, visit.now());
    Ok(match saved.await {
        Ok(_) => visit.done(&format!("{HERE}/{id}"), Done::Saved),
        Err(error) => form.refused(&visit, error),
    })
}

/// The page while it is filled in.
struct Form {
    /// Nothing for a new one.
    id: Option<Uuid>,
    title: String,
    has_key: bool,
    node: ServerNodeConfiguration,
    max_connections: String,
    errors: FieldErrors,
    conflict: String,
    trials: Option<BackendTrials>,
}

impl Form {
    fn new(id: Option<Uuid>, node: ServerNodeConfiguration) -> Self {
        Self {
            id,
            title: match id {
                Some(_) => node.name.clone(),
                None => "Create new node".to_owned(),
            },
            has_key: !node.client_key.is_empty(),
            max_connections: node.max_connections.to_string(),
            node,
            errors: FieldErrors::default(),
            conflict: String::new(),
            trials: None,
        }
    }

    /// Takes over what was typed, and tries the services when that is what was asked for. Says whether it is to be saved.
    async fn take(&mut self, visit: &Visit, typed: &Fields) -> bool {
        let node = std::mem::take(&mut self.node);
        self.node = read(typed, node, &mut self.errors);
        typed
            .text("maxConnections")
            .clone_into(&mut self.max_connections);
        if self.id.is_some() {
            let version = typed.text("version").parse::<Timestamp>();
            self.node.metadata.modified_date = version.unwrap_or(Timestamp::NEVER);
        }
        if typed.text("do") == "check" && self.errors.is_empty() {
            let tried = visit
                .management()
                .try_node(visit.actor(), self.node.clone());
            match tried.await {
                Ok(trials) => self.trials = Some(trials),
                Err(ManageError::Invalid(errors)) => self.errors = errors,
                Err(error) => self.errors.push("", error.to_string()),
            }
        }
        typed.text("do") == "save" && self.errors.is_empty()
    }

    /// The page again after a save that did not happen.
    fn refused(mut self, visit: &Visit, error: ManageError) -> Response {
        match error {
            ManageError::Invalid(errors) => {
                self.errors = errors;
                self.show(visit, StatusCode::BAD_REQUEST)
            }
            ManageError::Conflict {
                stored, stored_by, ..
            } => {
                // Applying again puts this over what is stored now.
                self.node.metadata.modified_date = stored;
                self.conflict = format!("{stored_by} changed this node at {} UTC", minute(stored));
                self.show(visit, StatusCode::CONFLICT)
            }
            other => visit.problem(&other),
        }
    }

    fn show(self, visit: &Visit, status: StatusCode) -> Response {
        let status = match status {
            StatusCode::OK if !self.errors.is_empty() => StatusCode::BAD_REQUEST,
            other => other,
        };
        let snapshot = visit.snapshot();
        let documents = &snapshot.documents;
        let mut tags: Vec<_> = documents.tags.values().cloned().collect();
        tags.sort_by_cached_key(|tag| tag.name.to_lowercase());
        let tags = tags.into_iter().map(|tag| Choice {
            chosen: self.node.tags.contains(&tag.metadata.id),
            id: tag.metadata.id,
            name: tag.name.clone(),
        });
        let edit = Edit {
            frame: visit.frame(&self.title, HERE),
            used_by: self.id.map_or_else(Vec::new, |id| used_by(documents, id)),
            states: states(visit, self.id),
            tags: tags.collect(),
            properties: custom_properties::shown(
                documents,
                "ServerNodeConfiguration",
                &self.node.custom_properties,
            ),
            version: self.node.metadata.modified_date.to_string(),
            form: self,
        };
        page(status, &edit)
    }
}

/// A tag.
struct Choice {
    id: Uuid,
    name: String,
    chosen: bool,
}

/// How a service is at this moment.
struct State {
    service: String,
    state: &'static str,
    class: &'static str,
    since: String,
    error: String,
}

fn states(visit: &Visit, node: Option<Uuid>) -> Vec<State> {
    let all = visit.management().backends().unwrap_or_default();
    let own = all.into_iter().filter(|status| Some(status.node) == node);
    let shown = own.map(|status| State {
        service: status.service,
        state: status.state,
        class: match status.state {
            "up" => "good",
            "returning" => "warn",
            _ => "bad",
        },
        since: minute(status.since),
        error: status.last_error.unwrap_or_default(),
    });
    shown.collect()
}

#[derive(Template)]
#[template(path = "nodes/edit.html")]
struct Edit {
    frame: Frame,
    form: Form,
    used_by: Vec<(Uuid, String)>,
    states: Vec<State>,
    tags: Vec<Choice>,
    properties: Vec<Property>,
    version: String,
}

impl Edit {
    /// What is wrong with a field.
    fn wrong_with(&self, name: &str) -> Vec<String> {
        let own = self.form.errors.0.iter().filter(|error| {
            let path = error.field.split(['[', '.']).next();
            path == Some(name)
        });
        let said = own.map(|error| match error.field.split(['[', ']']).nth(1) {
            Some(row) => {
                let row = row.parse::<usize>().unwrap_or(0).saturating_add(1);
                let part = error.field.rsplit('.').next().unwrap_or_default();
                format!("Row {row}: {part} {}", error.problem)
            }
            None => format!("It {}", error.problem),
        });
        said.collect()
    }

    /// What is wrong and has no field on the page.
    fn other_problems(&self) -> Vec<String> {
        let known = |field: &str| {
            let name = field.split(['[', '.']).next().unwrap_or_default();
            SHOWN.contains(&name)
        };
        let others = self.form.errors.0.iter().filter(|e| !known(&e.field));
        others
            .map(|error| match error.field.is_empty() {
                true => error.problem.clone(),
                false => error.to_string(),
            })
            .collect()
    }

    /// The rows, and an empty one behind them.
    fn services(&self) -> Vec<ServiceConfig> {
        let rows = self.form.node.services.iter().cloned();
        rows.chain([ServiceConfig::default()]).collect()
    }
}

/// Every field that the page has.
const SHOWN: &[&str] = &[
    "name",
    "hostName",
    "services",
    "maxConnections",
    "caCertificate",
    "clientCertificate",
    "clientKey",
    "tags",
];

const fn is_good(outcome: BackendOutcome) -> bool {
    matches!(outcome, BackendOutcome::Reachable)
}
