//! How the backends are.

use jotgate_manage::BackendStatus;

use crate::dates::minute;

/// How many services that are well are named, besides all that are not.
const NAMED: usize = 8;

pub(super) struct Health {
    pub(super) up: usize,
    pub(super) all: usize,
    /// What is not well first.
    pub(super) rows: Vec<Row>,
    /// How many are left out; they are well.
    pub(super) more: usize,
}

/// A service of a node.
pub(super) struct Row {
    pub(super) node: String,
    pub(super) service: String,
    pub(super) state: &'static str,
    pub(super) class: &'static str,
    pub(super) since: String,
    pub(super) error: String,
}

pub(super) fn health(backends: &[BackendStatus]) -> Health {
    let is_up = |one: &&BackendStatus| one.state == "up";
    let up = backends.iter().filter(is_up).count();
    let mut shown: Vec<_> = backends.iter().collect();
    shown.sort_by_key(|one| (is_up(one), one.node_name.to_lowercase(), &one.service));
    let named = (backends.len() - up) + NAMED;
    Health {
        up,
        all: backends.len(),
        more: shown.len().saturating_sub(named),
        rows: shown.into_iter().take(named).map(row).collect(),
    }
}

fn row(status: &BackendStatus) -> Row {
    Row {
        node: status.node_name.clone(),
        service: status.service.clone(),
        state: status.state,
        class: match status.state {
            "up" => "good",
            "returning" => "warn",
            _ => "bad",
        },
        since: minute(status.since),
        error: match status.state {
            "up" => String::new(),
            _ => status.last_error.clone().unwrap_or_default(),
        },
    }
}
