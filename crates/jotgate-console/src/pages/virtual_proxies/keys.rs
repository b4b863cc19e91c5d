//! The keys of a virtual proxy: which there are, which of them are used, and how another one takes the place
//! of an old one while both hold.

mod published;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Asker, FeedFilter, KeyChange, MAX_RECENT, ManageError, Session};
use jotgate_model::FieldErrors;
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use uuid::Uuid;

use super::explained::{ShownKey, explain};
use super::{HERE, find, path_of, typed};
use crate::assets::KEYS;
use crate::dates::minute;
use crate::form::Posted;
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

use published::{Published, published};

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    Ok(show_with(&visit, &vp, StatusCode::OK, "", &[]))
}

/// Adds what was pasted, or removes the key that the form names.
pub(super) async fn change(
    Path(id): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    let wanted = fields.text("do");
    let mut errors = FieldErrors::default();
    let added = typed::pem("add", fields.text("add"), &mut errors);
    let done = match wanted {
        "add" => Done::KeyAdded,
        _ => Done::KeyRemoved,
    };
    if done == Done::KeyAdded && added.is_empty() && errors.is_empty() {
        errors.push("add", "is empty; paste the next certificate or public key");
    }
    if errors.is_empty() {
        let change = match done {
            Done::KeyAdded => KeyChange {
                add: added.clone(),
                ..Default::default()
            },
            _ => KeyChange {
                remove: vec![fields.text("key").to_owned()],
                end_sessions: wanted == "remove-and-end",
                ..Default::default()
            },
        };
        let asker = Asker::Administrator(visit.actor().clone());
        let name = vp.metadata.id.to_string();
        let changed = visit
            .management()
            .change_keys(&asker, &name, &change, visit.now());
        match changed.await {
            Ok(_) => return Ok(visit.done(&path_of(vp.metadata.id, "/keys"), done)),
            Err(ManageError::Invalid(found)) => errors = found,
            Err(other) => return Err(visit.problem(&other).into()),
        }
    }
    let problems: Vec<_> = errors
        .0
        .iter()
        .map(|e| format!("It {}", e.problem))
        .collect();
    Ok(show_with(
        &visit,
        &vp,
        StatusCode::BAD_REQUEST,
        &added,
        &problems,
    ))
}

fn show_with(
    visit: &Visit,
    vp: &VirtualProxyConfig,
    status: StatusCode,
    added: &str,
    problems: &[String],
) -> Response {
    let id = vp.metadata.id;
    let use_of = Use::of(visit, id);
    let keys = explain(visit, &vp.jwt_public_key_certificate, Some(id));
    let keys = keys.into_iter().map(|key| Row {
        sessions: use_of.sessions(&key.fingerprint),
        newest: use_of.newest(&key.fingerprint),
        key,
    });
    let page_of = KeysPage {
        frame: visit.frame(&vp.description, HERE),
        id,
        is_jwt: vp.authentication_method == AuthenticationMethod::JWT,
        keys: keys.collect(),
        published: published(visit, id),
        added: added.to_owned(),
        problems: problems.to_vec(),
        keys_script: &KEYS.name,
    };
    page(status, &page_of)
}

#[derive(Template)]
#[template(path = "virtual_proxies/keys.html")]
struct KeysPage {
    frame: Frame,
    id: Uuid,
    is_jwt: bool,
    keys: Vec<Row>,
    published: Vec<Published>,
    /// What was pasted and cannot be accepted.
    added: String,
    problems: Vec<String>,
    keys_script: &'static str,
}

/// A key of the configuration, and how it is used.
struct Row {
    key: ShownKey,
    /// Sessions that its tokens have opened.
    sessions: usize,
    /// When the newest of the recent requests with a token of it came; empty when there is none.
    newest: String,
}

/// Which keys are used, by their fingerprints.
struct Use {
    sessions: Vec<String>,
    requests: Vec<(String, String)>,
}

impl Use {
    fn of(visit: &Visit, id: Uuid) -> Self {
        let snapshot = visit.snapshot();
        let served = snapshot.virtual_proxy(id);
        let sessions = served.map(|vp| visit.management().sessions_at(vp, visit.now()));
        let opened_with = |session: &Session| session.key_fingerprint().map(digits);
        let sessions = sessions.unwrap_or_default();
        let filter = FeedFilter {
            virtual_proxy: Some(id),
            ..Default::default()
        };
        let recent = visit.management().recent_requests(&filter, MAX_RECENT);
        let requests = recent.map(|recent| recent.requests).unwrap_or_default();
        let verified = requests.iter().rev().filter_map(|request| {
            let key = request.token.as_ref()?.key_fingerprint.as_deref()?;
            Some((key.to_owned(), minute(request.time)))
        });
        Self {
            sessions: sessions.iter().filter_map(|s| opened_with(s)).collect(),
            requests: verified.collect(),
        }
    }

    fn sessions(&self, fingerprint: &str) -> usize {
        self.sessions
            .iter()
            .filter(|its| *its == fingerprint)
            .count()
    }

    fn newest(&self, fingerprint: &str) -> String {
        let mut requests = self.requests.iter();
        let found = requests.find(|(its, _)| its == fingerprint);
        found.map_or_else(String::new, |(_, time)| time.clone())
    }
}

fn digits(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
