//! Who looks at a page, and what every page asks of that.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::HOST;
use http::request::Parts;
use jotgate_manage::{Actor, ManageError, Management};
use jotgate_model::{Snapshot, Timestamp};

use crate::Console;
use crate::frame::{Done, Frame};
use crate::pages;

/// Somebody with a role and a session, in the extensions of each request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who it is, and what they may do.
    pub actor: Actor,
    /// The public id of the session.
    pub session: String,
    /// What stands before `/qmc/` in addresses: `/prefix`, or nothing.
    pub prefix: String,
}

/// A visitor on a page.
pub(crate) struct Visit {
    console: Console,
    visitor: Visitor,
    query: String,
    host: Option<String>,
}

impl FromRequestParts<Console> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        let visitor = visitor.ok_or_else(|| StatusCode::FORBIDDEN.into_response())?;
        Ok(Self {
            console: console.clone(),
            visitor,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            host: host_of(parts),
        })
    }
}

impl Visit {
    pub(crate) fn actor(&self) -> &Actor {
        &self.visitor.actor
    }

    pub(crate) fn management(&self) -> &Management {
        &self.console.management
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.console.management.snapshot()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.console.clock)()
    }

    /// The public id of the visitor's own session.
    pub(crate) fn session(&self) -> &str {
        &self.visitor.session
    }

    /// A parameter of the address; empty when it is not there.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        let found = pairs.find(|(its, _)| its == name);
        found.map_or_else(String::new, |(_, value)| value.into_owned())
    }

    /// Every value of a parameter of the address.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let named = pairs.filter(|(its, _)| its == name);
        named.map(|(_, value)| value.into_owned()).collect()
    }

    /// The token of the visitor's forms.
    pub(crate) fn csrf_token(&self) -> String {
        self.console.csrf.token(&self.visitor.session)
    }

    pub(crate) fn is_own_token(&self, token: &str) -> bool {
        self.console.csrf.verify(&self.visitor.session, token)
    }

    /// The address of a page of the console: `path` begins with a slash.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/qmc{path}", self.visitor.prefix)
    }

    /// How the visitor reaches this gateway: `https://` and the host, in letters that mean nothing to a
    /// shell or a program.
    pub(crate) fn origin(&self) -> String {
        let snapshot = self.snapshot();
        let documents = &snapshot.documents;
        let proxy = documents.proxy_services.get(&snapshot.proxy_id);
        let node = proxy.and_then(|p| documents.nodes.get(&p.server_node_configuration));
        let own = node.map_or("localhost", |node| &node.host_name);
        format!("https://{}", self.host.as_deref().unwrap_or(own))
    }

    /// The frame of a page. `here` is the path that the navigation marks.
    pub(crate) fn frame(&self, title: &str, here: &str) -> Frame {
        Frame::new(self, title, here)
    }

    /// To another page after something was done there or here, which is told on top of it.
    pub(crate) fn done(&self, path: &str, done: Done) -> Response {
        let mark = if path.contains('?') { '&' } else { '?' };
        let to = self.address(&format!("{path}{mark}done={}", done.code()));
        Redirect::to(&to).into_response()
    }

    /// The page that says why a use case did nothing.
    pub(crate) fn problem(&self, error: &ManageError) -> Response {
        let (status, title) = (status_of(error), "That was not done");
        pages::trouble(self, status, title, &error.to_string())
    }
}

/// The status of a page that says why a use case did nothing.
pub(crate) const fn status_of(error: &ManageError) -> StatusCode {
    match error {
        ManageError::Conflict { .. }
        | ManageError::UserConflict { .. }
        | ManageError::Outdated { .. } => StatusCode::CONFLICT,
        ManageError::Forbidden(_) => StatusCode::FORBIDDEN,
        ManageError::Invalid(_) => StatusCode::BAD_REQUEST,
        ManageError::NotFound { .. }
        | ManageError::UserNotFound { .. }
        | ManageError::NoVirtualProxy(_)
        | ManageError::Missing(_)
        | ManageError::NoRevision(_) => StatusCode::NOT_FOUND,
        ManageError::ProbeFailed(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ManageError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What the request calls this host, if that may stand in a line for a shell as it is.
fn host_of(parts: &Parts) -> Option<String> {
    let host = parts.headers.get(HOST)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!host.is_empty() && host.chars().all(plain)).then(|| host.to_owned())
}
