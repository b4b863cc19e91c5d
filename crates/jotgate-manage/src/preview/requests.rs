//! What a draft would have done to the requests of the live feed.
//!
//! The feed keeps no tokens, no cookies and no origins. What they decide under other rules is not
//! guessed: such requests are counted as unknown.

use std::collections::BTreeMap;

use jotgate_model::{Authentication, Reason, VirtualProxy};
use jotgate_observe::{FeedFilter, RecentRequest};
use jotgate_policy::authorize::{self, Who};
use jotgate_policy::route::route;

use super::{MAX_NAMED, Trial};
use crate::Management;
use crate::live::MAX_RECENT;

/// What would become of recent requests, were they sent again.
#[derive(Clone, Debug, Default)]
pub struct RequestEffects {
    /// How many were looked at: the newest of the feed.
    pub looked_at: usize,
    /// How many cannot be judged by what is kept of them.
    pub unknown: usize,
    /// Those whose decision would be another one.
    pub groups: Vec<RequestGroup>,
}

/// Requests to which the same would happen.
#[derive(Clone, Debug)]
pub struct RequestGroup {
    /// The id of the reason why they would be refused; nothing: they would reach another virtual
    /// proxy than they did, or one at all.
    pub reason: Option<&'static str>,
    /// How many.
    pub count: usize,
    /// At most [`MAX_NAMED`] of them, the oldest first.
    pub requests: Vec<RecentRequest>,
}

/// What would become of one.
enum Verdict {
    Same,
    Refused(&'static str),
    Elsewhere,
    Unknown,
}

impl Management {
    /// Judges the newest requests of the feed once more; none where no requests are served.
    pub(super) fn try_requests(&self, trial: &Trial<'_>) -> RequestEffects {
        let recent = self.recent_requests(&FeedFilter::default(), MAX_RECENT);
        let recent = recent.map_or_else(|_| Vec::new(), |recent| recent.requests);
        let mut effects = RequestEffects {
            looked_at: recent.len(),
            ..RequestEffects::default()
        };
        let mut groups: BTreeMap<Option<&'static str>, (usize, Vec<RecentRequest>)> =
            BTreeMap::new();
        for request in recent {
            let reason = match self.again(trial, &request) {
                Verdict::Same => continue,
                Verdict::Unknown => {
                    effects.unknown += 1;
                    continue;
                }
                Verdict::Refused(reason) => Some(reason),
                Verdict::Elsewhere => None,
            };
            let (count, named) = groups.entry(reason).or_default();
            *count += 1;
            if named.len() < MAX_NAMED {
                named.push(request);
            }
        }
        let groups = groups.into_iter();
        let groups = groups.map(|(reason, (count, requests))| RequestGroup {
            reason,
            count,
            requests,
        });
        effects.groups = groups.collect();
        effects
    }

    fn again(&self, trial: &Trial<'_>, request: &RecentRequest) -> Verdict {
        let old = match route(trial.before, &request.path) {
            Ok(route) => route.virtual_proxy,
            // Already refused for its path, and perhaps not then.
            Err(_) if route(trial.after, &request.path).is_ok() => return Verdict::Elsewhere,
            Err(_) => return Verdict::Same,
        };
        let new = match route(trial.after, &request.path) {
            Ok(route) => route.virtual_proxy,
            Err(refusal) => return Verdict::Refused(refusal.reason.id()),
        };
        let was_there = request.virtual_proxy.as_ref();
        if was_there.is_none_or(|(id, _)| *id != old.id) {
            return Verdict::Same;
        }
        if new.id != old.id {
            return Verdict::Elsewhere;
        }
        let fingerprint = request.token.as_ref();
        let fingerprint = fingerprint.and_then(|token| token.key_fingerprint.as_deref());
        if fingerprint.is_some_and(|one| trial.removed.has(old.id, one)) {
            return Verdict::Refused(Reason::KeyNotFound.id());
        }
        match self.access(trial, request, old, new) {
            Verdict::Same if needs_what_is_not_kept(request, old, new) => Verdict::Unknown,
            verdict => verdict,
        }
    }

    /// Whether its user may still come in. Attributes are those of its session.
    fn access(
        &self,
        trial: &Trial<'_>,
        request: &RecentRequest,
        old: &VirtualProxy,
        new: &VirtualProxy,
    ) -> Verdict {
        let Some((directory, id)) = &request.user else {
            return Verdict::Same;
        };
        if request.reason.is_some() {
            return Verdict::Same;
        }
        let session = request.session.as_deref();
        let session = session.and_then(|id| self.inner.sessions.find_public(id));
        let attributes: Vec<_> = match &session {
            Some(session) => session.attributes().collect(),
            None if new.access_rule == old.access_rule => return Verdict::Same,
            None => return Verdict::Unknown,
        };
        let who = Who {
            directory,
            id,
            attributes: attributes.iter().copied(),
        };
        let before = authorize::check(trial.before, &trial.people, old, &who);
        match authorize::check(trial.after, &trial.people, new, &who) {
            Err(refusal) if before.is_ok() => Verdict::Refused(refusal.reason.id()),
            _ => Verdict::Same,
        }
    }
}

/// Whether a decision hangs on something that changes and that the feed has not kept: the whole token,
/// the origin, the cookie.
fn needs_what_is_not_kept(request: &RecentRequest, old: &VirtualProxy, new: &VirtualProxy) -> bool {
    let refused = request.reason.is_some() && old.revision != new.revision;
    let judged_otherwise = !same_tokens(old, new);
    let token = request.token.is_some() && judged_otherwise;
    refused || token || old.allow_list != new.allow_list || old.csrf != new.csrf
}

/// Whether both take the same tokens.
fn same_tokens(old: &VirtualProxy, new: &VirtualProxy) -> bool {
    let same = match (&old.authentication, &new.authentication) {
        (Authentication::Jwt(old), Authentication::Jwt(new)) => old == new,
        _ => old.revision == new.revision,
    };
    same && old.further_issuers == new.further_issuers
}
