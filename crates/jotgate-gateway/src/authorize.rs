//! Authorize: blocks, bindings and access rules, for sessions that there are and those to come.

use jotgate_model::{Identity, People, Refusal, Snapshot, VirtualProxy};
use jotgate_policy::anonymous::fits_mode;
use jotgate_policy::authorize::{self, Who};
use jotgate_session::{Session, Sessions};

use crate::Shared;

/// Whether somebody who has just proved who they are may come in.
pub(crate) fn newcomer(
    shared: &Shared,
    vp: &VirtualProxy,
    identity: &Identity,
) -> Result<(), Refusal> {
    let attributes = identity.attributes.iter();
    let who = Who {
        directory: &identity.user.directory,
        id: &identity.user.id,
        attributes: attributes.map(|(name, value)| (&**name, &**value)),
    };
    authorize::check(&shared.snapshot.load(), &shared.people.load(), vp, &who)
}

/// Whether the user of a session may go on.
pub(crate) fn session(
    snapshot: &Snapshot,
    people: &People,
    vp: &VirtualProxy,
    session: &Session,
) -> Result<(), Refusal> {
    let attributes: Vec<_> = match vp.access_rule {
        Some(_) => session.attributes().collect(),
        None => Vec::new(),
    };
    let who = Who {
        directory: session.user_directory(),
        id: session.user_id(),
        attributes: attributes.iter().copied(),
    };
    authorize::check(snapshot, people, vp, &who)
}

/// Closes the WebSockets of sessions whose next request would be refused under `snapshot`. To be
/// called when it is served.
pub fn close_refused_sockets(sessions: &Sessions, snapshot: &Snapshot, people: &People) {
    sessions.close_sockets(|session| must_close(snapshot, people, session));
}

/// Whether the sockets of a session may not stay open. Those of a deleted virtual proxy end with
/// their session.
pub(crate) fn must_close(snapshot: &Snapshot, people: &People, of: &Session) -> bool {
    snapshot
        .virtual_proxy(of.virtual_proxy())
        .is_some_and(|vp| {
            !fits_mode(of.user_directory(), vp.anonymous)
                || session(snapshot, people, vp, of).is_err()
        })
}
