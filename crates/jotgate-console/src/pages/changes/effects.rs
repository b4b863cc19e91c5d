//! Who would notice a change, for a page.

use jotgate_manage::{
    BackendTrial, BackendTrials, Outcome, Preview, RecentRequest, RequestGroup, SessionGroup,
};
use jotgate_model::BackendOutcome;

use super::keys::{Finding, findings};
use crate::paging::PER_PAGE;

/// Users and requests of a group that are named; the others are counted.
const NAMED: usize = 10;

/// What a preview says of sessions, requests and backends.
#[derive(Default)]
pub(super) struct Effects {
    /// The first [`PER_PAGE`] groups, the worst first.
    pub(super) sessions: Vec<Sessions>,
    /// How many sessions there are in how many other groups.
    pub(super) other_sessions: (usize, usize),
    pub(super) sessions_in_all: usize,
    pub(super) requests: Vec<Requests>,
    pub(super) requests_in_all: usize,
    pub(super) unknown: usize,
    pub(super) backends: Vec<Backend>,
    pub(super) not_tried: usize,
    /// The first [`PER_PAGE`] findings.
    pub(super) keys: Vec<Finding>,
    /// How many more there are.
    pub(super) other_keys: usize,
    /// Whether a key goes that has opened sessions.
    pub(super) loses_key: bool,
}

pub(super) struct Sessions {
    pub(super) what: &'static str,
    pub(super) badge: &'static str,
    pub(super) why: &'static str,
    pub(super) prefix: String,
    pub(super) count: usize,
    /// Ids and names.
    pub(super) named: Vec<(String, String)>,
}

pub(super) struct Requests {
    /// The id of a reason; empty when they would reach another virtual proxy.
    pub(super) reason: &'static str,
    pub(super) count: usize,
    /// References, and what was asked.
    pub(super) named: Vec<(String, String)>,
}

pub(super) struct Backend {
    pub(super) node: String,
    pub(super) service: String,
    pub(super) address: String,
    pub(super) is_good: bool,
    pub(super) found: String,
    pub(super) remedy: &'static str,
}

impl Effects {
    pub(super) fn of(preview: &Preview) -> Self {
        let (sessions, requests) = (&preview.sessions, &preview.requests);
        let BackendTrials { tried, not_tried } = &preview.backends;
        let (shown, others) = sessions
            .groups
            .split_at(PER_PAGE.min(sessions.groups.len()));
        let mut keys = findings(&preview.keys);
        let other_keys = keys.split_off(PER_PAGE.min(keys.len())).len()
            + preview.keys.not_listed
            + preview.keys.not_tried;
        Self {
            loses_key: sessions
                .groups
                .iter()
                .any(|group| group.effect == jotgate_manage::SessionEffect::KeyRemoved),
            sessions: shown.iter().map(Sessions::of).collect(),
            other_sessions: (others.iter().map(|group| group.count).sum(), others.len()),
            sessions_in_all: sessions.looked_at,
            requests: requests.groups.iter().map(Requests::of).collect(),
            requests_in_all: requests.looked_at,
            unknown: requests.unknown,
            backends: tried.iter().map(Backend::of).collect(),
            not_tried: *not_tried,
            keys,
            other_keys,
        }
    }
}

impl Sessions {
    fn of(group: &SessionGroup) -> Self {
        let (what, badge) = match group.outcome {
            Outcome::Ends => ("end", "bad"),
            Outcome::Refused => ("are refused from their next request on", "bad"),
            Outcome::OutOfReach => ("are not reached any more", "warn"),
            Outcome::GoesOn => ("go on, unless they are ended below", ""),
        };
        let named = group.sessions.iter().take(NAMED);
        Self {
            what,
            badge,
            why: group.effect.sentence(),
            prefix: format!("/{}", group.prefix),
            count: group.count,
            named: named
                .map(|session| (session.id.clone(), session.user.clone()))
                .collect(),
        }
    }

    pub(super) fn others(&self) -> usize {
        self.count.saturating_sub(self.named.len())
    }
}

impl Requests {
    fn of(group: &RequestGroup) -> Self {
        let what = |request: &RecentRequest| format!("{} {}", request.method, request.path);
        let named = group.requests.iter().rev().take(NAMED);
        Self {
            reason: group.reason.unwrap_or_default(),
            count: group.count,
            named: named
                .map(|request| (request.reference.to_string(), what(request)))
                .collect(),
        }
    }

    pub(super) fn others(&self) -> usize {
        self.count.saturating_sub(self.named.len())
    }
}

impl Backend {
    fn of(trial: &BackendTrial) -> Self {
        let outcome = trial.check.outcome;
        Self {
            node: trial.node_name.clone(),
            service: trial.service.clone(),
            address: trial.address.clone(),
            is_good: outcome == BackendOutcome::Reachable,
            found: format!("The backend {}.", trial.check.detail),
            remedy: outcome.remedy().unwrap_or_default(),
        }
    }
}
