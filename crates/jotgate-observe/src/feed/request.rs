//! A request as administrators see it, and which of them they want to see.

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};

use crate::phase::{Phase, PhaseTimes};

/// One request and how it ended. Texts that clients choose are cut; the path has no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentRequest {
    /// Its number: later ones have higher numbers, of this process only.
    pub sequence: u64,
    /// When it came.
    pub time: Timestamp,
    /// What the client's error page shows.
    pub reference: Box<str>,
    /// The client's address.
    pub client: Box<str>,
    /// The method.
    pub method: Box<str>,
    /// The path without its query.
    pub path: Box<str>,
    /// Id and prefix of the virtual proxy, when one was found.
    pub virtual_proxy: Option<(Uuid, Box<str>)>,
    /// Directory and id of the user.
    pub user: Option<(Box<str>, Box<str>)>,
    /// The public id of the session.
    pub session: Option<Box<str>>,
    /// The node that was asked.
    pub node: Option<Box<str>>,
    /// The status of the answer.
    pub status: u16,
    /// The last phase that was reached.
    pub phase: Phase,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// What was found, for the administrator.
    pub detail: Option<Box<str>>,
    /// When each phase began.
    pub phases: PhaseTimes,
    /// From the head of the request to the head of the answer.
    pub total: Duration,
    /// Of these, waiting for the node.
    pub waiting: Option<Duration>,
    /// What the client calls itself.
    pub user_agent: Box<str>,
    /// What its token says; nothing when it had none or nothing of it could be read.
    pub token: Option<Arc<PresentedToken>>,
}

/// Requests, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentRequests {
    /// The requests, oldest first.
    pub requests: Vec<RecentRequest>,
    /// What to give as [`FeedFilter::after`] to see what comes next.
    pub last: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedOutcome {
    /// With an answer that was asked for, of whatever status; 499 when its client did not wait for one.
    Served,
    /// With a refusal.
    Refused,
}

/// Which requests somebody wants to see. Nothing set lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedFilter {
    /// Only of this virtual proxy.
    pub virtual_proxy: Option<Uuid>,
    /// Only of this user: directory and id.
    pub user: Option<(String, String)>,
    /// Only those that ended like this.
    pub outcome: Option<FeedOutcome>,
    /// Only those that were refused for this.
    pub reason: Option<Reason>,
    /// Only the one with this reference.
    pub reference: Option<String>,
    /// Without the pages of the console that were shown: whoever watches does not want to see themselves.
    pub without_console: bool,
    /// Only those with a higher number.
    pub after: u64,
}
