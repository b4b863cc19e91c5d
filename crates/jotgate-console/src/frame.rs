//! What stands around every page: head, navigation, who is signed in, and what was done a moment ago.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use crate::assets::{ICON, PALETTE, SCRIPT, STYLE};
use crate::navigation::{GROUPS, Group};
use crate::visit::Visit;

/// The part of a page's template that `frame.html` needs.
pub(crate) struct Frame {
    pub(crate) title: String,
    /// What addresses begin with: `/qmc` or `/prefix/qmc`.
    pub(crate) base: String,
    /// The token of the forms.
    pub(crate) csrf: String,
    pub(crate) user: String,
    pub(crate) role: &'static str,
    /// Whether the role changes anything at all. Which changes it may make, the use cases decide.
    pub(crate) may_change: bool,
    pub(crate) done: Option<&'static str>,
    pub(crate) groups: &'static [Group],
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    pub(crate) palette: &'static str,
    pub(crate) icon: &'static str,
    here: String,
}

impl Frame {
    pub(crate) fn new(visit: &Visit, title: &str, here: &str) -> Self {
        use jotgate_manage::Privilege as P;
        Self {
            title: title.to_owned(),
            base: visit.address(""),
            csrf: visit.csrf_token(),
            user: visit.actor().name.clone(),
            role: match visit.actor().privilege {
                P::RootAdmin => "RootAdmin",
                P::SecurityAdmin => "SecurityAdmin",
                P::AuditAdmin => "AuditAdmin, changes nothing",
            },
            may_change: visit.actor().privilege != P::AuditAdmin,
            done: Done::of(&visit.parameter("done")).map(Done::sentence),
            groups: GROUPS,
            style: &STYLE.name,
            script: &SCRIPT.name,
            palette: &PALETTE.name,
            icon: &ICON.name,
            here: here.to_owned(),
        }
    }

    /// Whether the navigation marks this path.
    pub(crate) fn is_here(&self, path: &str) -> bool {
        self.here == path
    }
}

/// What was done before the page that says so. Addresses name it by a word of this list only: no text of
/// an address reaches a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Applied,
    Blocked,
    Created,
    Deleted,
    Ended,
    KeyAdded,
    KeyRemoved,
    Linked,
    Restored,
    Saved,
    Unblocked,
    Unlinked,
}

impl Done {
    const ALL: [Self; 12] = [
        Self::Applied,
        Self::Blocked,
        Self::Created,
        Self::Deleted,
        Self::Ended,
        Self::KeyAdded,
        Self::KeyRemoved,
        Self::Linked,
        Self::Restored,
        Self::Saved,
        Self::Unblocked,
        Self::Unlinked,
    ];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Blocked => "blocked",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Ended => "ended",
            Self::KeyAdded => "key-added",
            Self::KeyRemoved => "key-removed",
            Self::Linked => "linked",
            Self::Restored => "restored",
            Self::Saved => "saved",
            Self::Unblocked => "unblocked",
            Self::Unlinked => "unlinked",
        }
    }

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.code() == code)
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Applied => "Applied. It holds from now on.",
            Self::Blocked => "Blocked. Every session of the user has ended.",
            Self::Created => "Created.",
            Self::Deleted => "Deleted.",
            Self::Ended => "Ended, with its WebSockets. Whoever it was has to sign in again.",
            Self::KeyAdded => "Added. Tokens of the old key and of the new one are accepted.",
            Self::KeyRemoved => "Removed. No new token of it is accepted.",
            Self::Linked => "Linked. It serves requests now; nothing had to restart.",
            Self::Restored => "Restored, as a new revision. It holds from now on.",
            Self::Saved => "Saved. It holds from now on, and nobody's session has ended.",
            Self::Unblocked => "Unblocked. The user may sign in again.",
            Self::Unlinked => "Unlinked. Requests to it are refused from now on.",
        }
    }
}

/// A rendered page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An answer that ends the work on a request early: a page that says why.
pub(crate) struct Stop(Box<Response>);

impl From<Response> for Stop {
    fn from(answer: Response) -> Self {
        Self(Box::new(answer))
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        *self.0
    }
}
