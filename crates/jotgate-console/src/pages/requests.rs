//! Live requests: what came in last and how it ended, and why one of them was refused.

mod list;
mod one;
mod remedies;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jotgate_manage::RecentRequest;

use crate::Console;

/// The path of the list, which the navigation marks on each of these pages.
const HERE: &str = "/requests";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::show))
        .route(list::LIVE, get(list::live))
        .route("/requests/{reference}", get(one::show))
}

/// `DIRECTORY\user`; empty for a request whose user nobody knows.
fn user_of(request: &RecentRequest) -> String {
    let user = request.user.as_ref();
    user.map_or_else(String::new, |(directory, id)| format!("{directory}\\{id}"))
}

/// The prefix of the virtual proxy with its slash; empty when none was found.
fn prefix_of(request: &RecentRequest) -> String {
    let found = request.virtual_proxy.as_ref();
    found.map_or_else(String::new, |(_, prefix)| format!("/{prefix}"))
}

/// A duration in milliseconds, to the microsecond.
fn millis(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

/// The time of day to the millisecond: `13:40:05.123`.
fn time_of(request: &RecentRequest) -> String {
    request.time.to_string().chars().skip(11).take(12).collect()
}

#[cfg(test)]
mod tests;
