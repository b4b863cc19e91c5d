//! What is typed and not saved, taken to another page and back: to the preview of the change, and to the
//! token workbench.

use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Edit, Kind, ManageError};
use jotgate_model::Timestamp;
use jotgate_model::entity::VirtualProxyConfig;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::{HERE, fields, find};
use super::{Form, new_draft};
use crate::form::Fields;
use crate::frame::Stop;
use crate::pages::changes::{self, Origin, Proposal};
use crate::pages::tokens;
use crate::visit::Visit;

/// What the buttons say that lead elsewhere, and the one that leads back.
const PREVIEW: &str = "preview";
const TRY: &str = "try";
const BACK: &str = "back";

/// Whether the form goes elsewhere instead of being saved.
pub(super) fn is_for_elsewhere(typed: &Fields) -> bool {
    matches!(typed.text("do"), PREVIEW | TRY)
}

impl Form {
    /// Takes over what another page brings back.
    pub(super) fn take_back(&mut self, typed: &Fields) -> bool {
        if typed.text("do") != BACK {
            return false;
        }
        self.put(typed.text("typed"));
        true
    }

    fn put(&mut self, typed: &str) {
        let Ok(mut typed) = serde_json::from_str::<Map<String, Value>>(typed) else {
            return;
        };
        for field in fields::all() {
            if let Some(value) = typed.shift_remove(field.name) {
                self.properties.insert(field.name.to_owned(), value);
            }
        }
    }

    /// What can be typed on this page.
    fn typed(&self) -> Map<String, Value> {
        let known = fields::all().filter_map(|field| self.properties.get_key_value(field.name));
        known
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn origin(&self) -> Origin {
        let name = self
            .id
            .map_or_else(|| "new".to_owned(), |id| id.to_string());
        Origin {
            path: format!("{HERE}/{name}"),
            version: self.version.clone(),
            from: self.from.clone(),
            typed: Value::Object(self.typed()).to_string(),
        }
    }

    /// The other page, when what is typed could be saved.
    pub(super) async fn elsewhere(
        self,
        visit: &Visit,
        typed: &Fields,
        draft: VirtualProxyConfig,
        stored: Option<&VirtualProxyConfig>,
    ) -> Result<Response, Stop> {
        if let Some(conflict) = self.came_between(stored) {
            return Ok(self.refused(visit, conflict, stored));
        }
        let management = visit.management();
        if let Err(error) = management.check_virtual_proxy(visit.actor(), draft, visit.now()) {
            return Ok(self.refused(visit, error, stored));
        }
        if typed.text("do") == TRY {
            return Ok(tokens::with_draft(visit, self.origin()));
        }
        let edit = Edit::Put {
            kind: Kind::VirtualProxy,
            id: self.id,
            properties: self.typed(),
        };
        let mut proposal = Proposal::edits(vec![edit]);
        proposal.origin = Some(self.origin());
        changes::preview(visit, proposal).await
    }

    /// Whether somebody has saved since the page was shown.
    fn came_between(&self, stored: Option<&VirtualProxyConfig>) -> Option<ManageError> {
        let stored = &stored?.metadata;
        let sent = self.version.parse().unwrap_or(Timestamp::NEVER);
        (stored.modified_date > sent).then(|| ManageError::Conflict {
            kind: Kind::VirtualProxy,
            id: stored.id,
            stored: stored.modified_date,
            stored_by: stored.modified_by_user_name.clone(),
            sent,
        })
    }
}

/// The virtual proxy that is being edited, as another page has it.
pub(in crate::pages) fn draft_of(
    visit: &Visit,
    origin: &Origin,
) -> Result<VirtualProxyConfig, Stop> {
    let name = origin.path.rsplit('/').next().unwrap_or_default();
    let base = match name.parse::<Uuid>() {
        Ok(_) => VirtualProxyConfig::clone(&*find(visit, name)?),
        Err(_) => new_draft(visit, &origin.from)?,
    };
    let mut form = Form::new(&base, None, "")?;
    form.put(&origin.typed);
    let draft = serde_json::from_value(Value::Object(form.properties));
    Ok(draft.unwrap_or(base))
}

/// The edit page with what another page has filled in.
pub(in crate::pages) fn filled_in(visit: &Visit, origin: &Origin) -> Result<Response, Stop> {
    let name = origin.path.rsplit('/').next().unwrap_or_default();
    let mut form = match name.parse::<Uuid>() {
        Ok(id) => Form::new(&*find(visit, name)?, Some(id), "")?,
        Err(_) => Form::new(&new_draft(visit, &origin.from)?, None, &origin.from)?,
    };
    form.put(&origin.typed);
    form.changed = true;
    Ok(form.show(visit, StatusCode::OK))
}
