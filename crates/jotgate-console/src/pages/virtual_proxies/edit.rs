//! Editing, creating and cloning: one page, which comes back with everything that was typed until it can
//! be saved.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jotgate_manage::{KeySet, ManageError};
use jotgate_model::entity::{AuthenticationMethod, Metadata, VirtualProxyConfig};
use jotgate_model::{FieldErrors, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::Cell;
use super::shown::{Control, ShownSection, homeless, sections};
use super::typed::{RowAction, read};
use super::{HERE, find, path_of};
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

/// The page of a new one; `from` names the one that it is a clone of.
pub(super) async fn create(visit: Visit) -> Result<Response, Stop> {
    let from = visit.parameter("from");
    let draft = new_draft(&visit, &from)?;
    let form = Form::new(&draft, None, &from)?;
    Ok(form.show(&visit, StatusCode::OK))
}

pub(super) async fn save_new(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let from = fields.text("from").to_owned();
    let draft = new_draft(&visit, &from)?;
    let mut form = Form::new(&draft, None, &from)?;
    let Some(draft) = form.take(&fields) else {
        return Ok(form.show(&visit, StatusCode::OK));
    };
    let management = visit.management();
    match management
        .create_virtual_proxy(visit.actor(), draft, visit.now())
        .await
    {
        Ok(created) => Ok(visit.done(&path_of(created.metadata.id, "/proxies"), Done::Created)),
        Err(error) => Ok(form.refused(&visit, error, None)),
    }
}

pub(super) async fn edit(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    let form = Form::new(&vp, Some(vp.metadata.id), "")?;
    Ok(form.show(&visit, StatusCode::OK))
}

pub(super) async fn save(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    let id = vp.metadata.id;
    let mut form = Form::new(&vp, Some(id), "")?;
    let Some(mut draft) = form.take(&fields) else {
        return Ok(form.show(&visit, StatusCode::OK));
    };
    let based_on = fields.text("version").parse::<Timestamp>();
    draft.metadata.modified_date = based_on.unwrap_or(Timestamp::NEVER);
    let management = visit.management();
    match management
        .update_virtual_proxy(visit.actor(), id, draft, visit.now())
        .await
    {
        Ok(_) => Ok(visit.done(&path_of(id, ""), Done::Saved)),
        Err(error) => Ok(form.refused(&visit, error, Some(&vp))),
    }
}

/// What the page begins with: a clone, or what suits a portal.
fn new_draft(visit: &Visit, from: &str) -> Result<VirtualProxyConfig, Stop> {
    if from.is_empty() {
        let snapshot = visit.snapshot();
        let central = snapshot
            .documents
            .nodes
            .values()
            .find(|node| node.is_central);
        return Ok(VirtualProxyConfig {
            authentication_method: AuthenticationMethod::JWT,
            jwt_require_expiration: true,
            session_cookie_header_name: "X-Qlik-Session-".to_owned(),
            load_balancing_server_nodes: central.map(|node| node.metadata.id).into_iter().collect(),
            ..Default::default()
        });
    }
    let mut draft = VirtualProxyConfig::clone(&*find(visit, from)?);
    draft.metadata = Metadata::default();
    draft.description = format!("Copy of {}", draft.description);
    draft.prefix = String::new();
    draft.session_cookie_header_name = "X-Qlik-Session-".to_owned();
    draft.default_virtual_proxy = false;
    draft
        .jwt_attribute_map
        .iter_mut()
        .for_each(|row| row.metadata = Metadata::default());
    draft
        .custom_properties
        .iter_mut()
        .for_each(|row| row.metadata = Metadata::default());
    Ok(draft)
}

/// The page while it is filled in.
struct Form {
    /// Nothing for a new one.
    id: Option<Uuid>,
    /// What a new one is a clone of.
    from: String,
    title: String,
    properties: Map<String, Value>,
    version: String,
    errors: FieldErrors,
    conflict: Option<Conflict>,
}

/// Whose change came between.
struct Conflict {
    by: String,
    at: String,
    /// The fields that differ from what is stored now.
    differ: Vec<&'static str>,
}

impl Form {
    fn new(vp: &VirtualProxyConfig, id: Option<Uuid>, from: &str) -> Result<Self, Stop> {
        let Ok(Value::Object(properties)) = serde_json::to_value(vp) else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response().into());
        };
        Ok(Self {
            id,
            from: from.to_owned(),
            title: match id {
                Some(_) => vp.description.clone(),
                None => "Create new virtual proxy".to_owned(),
            },
            properties,
            version: vp.metadata.modified_date.to_string(),
            errors: FieldErrors::default(),
            conflict: None,
        })
    }

    /// Takes over what was typed; gives the document when it is to be saved and every field can be read.
    fn take(&mut self, typed: &Fields) -> Option<VirtualProxyConfig> {
        let wanted = typed.text("do");
        if self.id.is_some() {
            typed.text("version").clone_into(&mut self.version);
        }
        let action = RowAction::parse(wanted);
        self.errors = read(typed, action.as_ref(), &mut self.properties);
        if wanted != "save" {
            // A button beside a row, or the look at what was pasted.
            let pem = self.properties["jwtPublicKeyCertificate"].as_str();
            let keys = KeySet::from_pem(pem.unwrap_or_default());
            self.errors.take("jwtPublicKeyCertificate", keys);
            return None;
        }
        if !self.errors.is_empty() {
            return None;
        }
        let draft = serde_json::from_value(Value::Object(self.properties.clone()));
        self.errors.take("virtualProxy", draft)
    }

    /// The page again after a save that did not happen.
    fn refused(
        mut self,
        visit: &Visit,
        error: ManageError,
        stored: Option<&VirtualProxyConfig>,
    ) -> Response {
        let status = match error {
            ManageError::Invalid(errors) => {
                self.errors = errors;
                StatusCode::BAD_REQUEST
            }
            ManageError::Conflict {
                stored: at,
                stored_by,
                ..
            } => {
                // Applying again puts this over what is stored now.
                self.version = at.to_string();
                let stored = stored
                    .and_then(|vp| serde_json::to_value(vp).ok())
                    .unwrap_or_default();
                let differ = super::fields::all()
                    .filter(|field| self.properties.get(field.name) != stored.get(field.name))
                    .map(|field| field.label);
                self.conflict = Some(Conflict {
                    by: stored_by,
                    at: at.to_string(),
                    differ: differ.collect(),
                });
                StatusCode::CONFLICT
            }
            other => return visit.problem(&other),
        };
        self.show(visit, status)
    }

    fn show(self, visit: &Visit, status: StatusCode) -> Response {
        let status = match status {
            StatusCode::OK if !self.errors.is_empty() => StatusCode::BAD_REQUEST,
            other => other,
        };
        let snapshot = visit.snapshot();
        let documents = &snapshot.documents;
        let edit = Edit {
            frame: visit.frame(&self.title, HERE),
            sections: sections(&self.properties, &self.errors, documents, visit.now()),
            homeless: homeless(&self.errors),
            wrong: self.errors.0.len(),
            id: self.id,
            from: self.from,
            version: self.version,
            conflict: self.conflict,
        };
        page(status, &edit)
    }
}

#[derive(Template)]
#[template(path = "virtual_proxies/edit.html")]
struct Edit {
    frame: Frame,
    sections: Vec<ShownSection>,
    homeless: Vec<String>,
    wrong: usize,
    id: Option<Uuid>,
    from: String,
    version: String,
    conflict: Option<Conflict>,
}
