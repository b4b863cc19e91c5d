//! Editing, creating and cloning: one page, which comes back with everything that was typed until it can
//! be saved.

mod unsaved;

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jotgate_manage::{Draft, DraftContent, Edit as DraftEdit, KeySet, Kind, ManageError};
use jotgate_model::entity::{AuthenticationMethod, Metadata, VirtualProxyConfig};
use jotgate_model::{FieldErrors, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::explained::explain;
use super::fields::Cell;
use super::mashup::Way;
use super::shown::{Around, Control, ShownSection, homeless, sections};
use super::typed::{RowAction, read};
use super::{HERE, find, path_of};
use crate::assets::EDIT;
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;
pub(in crate::pages) use unsaved::{draft_of, filled_in};

/// What a button wants that fills in what a mashup needs.
const MASHUP: &str = "mashup";
/// What the script wants when a field is left.
const CHECK: &str = "check";

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
        form.check(&visit, &fields).await;
        return Ok(form.show(&visit, StatusCode::OK));
    };
    if unsaved::is_for_elsewhere(&fields) {
        return form.elsewhere(&visit, &fields, draft, None).await;
    }
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
        form.check(&visit, &fields).await;
        return Ok(form.show(&visit, StatusCode::OK));
    };
    if unsaved::is_for_elsewhere(&fields) {
        return form.elsewhere(&visit, &fields, draft, Some(&vp)).await;
    }
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
    mashup: Mashup,
    /// Whether it holds what is not saved.
    changed: bool,
}

/// What is filled in for a mashup, and what is wrong with it.
struct Mashup {
    origin: String,
    way: Way,
    problem: String,
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
            mashup: Mashup {
                origin: String::new(),
                way: Way::OtherSite,
                problem: String::new(),
            },
            changed: false,
        })
    }

    /// Takes over what was typed; gives the document when it is to be saved and every field can be read.
    fn take(&mut self, typed: &Fields) -> Option<VirtualProxyConfig> {
        let wanted = typed.text("do");
        self.changed = true;
        if self.id.is_some() {
            typed.text("version").clone_into(&mut self.version);
        }
        if self.take_back(typed) {
            return None;
        }
        let action = RowAction::parse(wanted);
        self.errors = read(typed, action.as_ref(), &mut self.properties);
        if wanted != "save" && !unsaved::is_for_elsewhere(typed) {
            // A button beside a row, or the look at what was pasted.
            let pem = self.properties["jwtPublicKeyCertificate"].as_str();
            let keys = KeySet::from_pem(pem.unwrap_or_default());
            self.errors.take("jwtPublicKeyCertificate", keys);
            if wanted == MASHUP {
                self.fill_in(typed);
            }
            return None;
        }
        if !self.errors.is_empty() {
            return None;
        }
        let draft = serde_json::from_value(Value::Object(self.properties.clone()));
        self.errors.take("virtualProxy", draft)
    }

    fn fill_in(&mut self, typed: &Fields) {
        let way = Way::of(typed.text("mashupWay"));
        let origin = typed.text("mashupOrigin").trim();
        let set = way.allow(origin, &mut self.properties);
        self.mashup = Mashup {
            origin: origin.to_owned(),
            way,
            problem: set.err().unwrap_or_default(),
        };
    }

    /// What a save would say of it, when that is what is asked.
    async fn check(&mut self, visit: &Visit, typed: &Fields) {
        if typed.text("do") != CHECK {
            return;
        }
        // What cannot be read at all hides nothing that is wrong elsewhere.
        let is_read = |name: &&str| self.errors.0.iter().all(|e| e.field != *name);
        let names = super::fields::all().map(|field| field.name).filter(is_read);
        let properties = names.filter_map(|name| self.properties.get_key_value(name));
        let properties = properties.map(|(name, value)| (name.clone(), value.clone()));
        let edit = DraftEdit::Put {
            kind: Kind::VirtualProxy,
            id: self.id,
            properties: properties.collect(),
        };
        let draft = Draft {
            base: None,
            content: DraftContent::Edits(vec![edit]),
        };
        let management = visit.management();
        let compared = management.compare_draft(visit.actor(), &draft, visit.now());
        if let Err(ManageError::Invalid(found)) = compared.await {
            for mut error in found.0 {
                // A draft's errors name the document in front of the field.
                let path = error.field.rsplit_once(": ").map_or(&*error.field, |p| p.1);
                let path = path.strip_prefix("changes[0].").unwrap_or(path).to_owned();
                if self.errors.0.iter().all(|known| known.field != path) {
                    error.field = path;
                    self.errors.0.push(error);
                }
            }
        }
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
        let pem = self.properties["jwtPublicKeyCertificate"].as_str();
        let around = Around {
            documents: &snapshot.documents,
            keys: explain(visit, pem.unwrap_or_default(), self.id),
        };
        let edit = Edit {
            frame: visit.frame(&self.title, HERE),
            sections: sections(&self.properties, &self.errors, &around),
            homeless: homeless(&self.errors),
            wrong: self.errors.0.len(),
            id: self.id,
            from: self.from,
            version: self.version,
            conflict: self.conflict,
            mashup: self.mashup,
            changed: self.changed,
            script: &EDIT.name,
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
    mashup: Mashup,
    changed: bool,
    script: &'static str,
}

impl Edit {
    /// Where the form goes.
    fn action(&self) -> String {
        let id = self
            .id
            .map_or_else(|| "new".to_owned(), |id| id.to_string());
        format!("{}{HERE}/{id}", self.frame.base)
    }
}
