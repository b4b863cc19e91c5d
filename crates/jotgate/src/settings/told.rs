//! What administrators are told of the settings: what each is, and where that comes from. Secrets are taken out
//! here, before anything keeps them.

use std::fmt;

use super::Mode;
use super::error::Source;
use super::layers::Layer;
use super::table::{self, ALL, Fallback, Setting};

/// Those that SIGHUP reads again; the others take a restart (`serve.rs`, `serve/served.rs`).
static READ_AGAIN: [&Setting; 15] = [
    &table::BODY_TIMEOUT,
    &table::CONNECT_TIMEOUT,
    &table::DRAIN_DELAY,
    &table::DRAIN_TIMEOUT,
    &table::HEADER_TIMEOUT,
    &table::HSTS,
    &table::HTTP_REDIRECT,
    &table::IDLE_TIMEOUT,
    &table::MAX_BODY_BYTES,
    &table::MAX_CONNECTIONS,
    &table::MAX_CONNECTIONS_PER_ADDRESS,
    &table::MAX_HEADER_BYTES,
    &table::PROXY_PROTOCOL,
    &table::RESPONSE_TIMEOUT,
    &table::TRUSTED_PROXY,
];

/// Every setting, in the order of the help.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Told(pub(crate) Vec<ToldSetting>);

/// A setting, and where its value comes from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ToldSetting {
    pub(crate) setting: &'static Setting,
    /// As they were written, without secrets; none where nothing is set.
    pub(crate) values: Vec<String>,
    /// The default, in words where it cannot be written.
    pub(crate) default: &'static str,
    /// Nothing for a default.
    pub(crate) source: Option<Source>,
    /// What is set since and waits for a restart.
    pub(crate) waiting: Option<Vec<String>>,
}

impl Told {
    /// What `found` says, in that mode.
    pub(super) fn new(mode: Mode, found: &Layer) -> Self {
        let told = ALL.iter().map(|setting| {
            let found = found.get(setting.name);
            let values = match found {
                Some(found) => found.values.iter().map(String::as_str).collect(),
                None => Vec::from_iter(setting.default_value(mode)),
            };
            let shown = |value: &str| match setting.value_name {
                "URL" => without_secrets(value),
                _ => value.to_owned(),
            };
            ToldSetting {
                setting,
                values: values.into_iter().map(shown).collect(),
                default: match (setting.default, mode) {
                    (Fallback::Value(text) | Fallback::Words(text), _)
                    | (Fallback::PerMode(text, _), Mode::Serve)
                    | (Fallback::PerMode(_, text), Mode::Demo) => text,
                },
                source: found.map(|found| found.source.clone()),
                waiting: None,
            }
        });
        Self(told.collect())
    }

    /// What is in force after SIGHUP has found `next`.
    pub(crate) fn followed_by(&self, next: &Self) -> Self {
        let pairs = self.0.iter().zip(&next.0);
        let told = pairs.map(|(old, next)| match next.is_read_again() {
            true => next.clone(),
            false => ToldSetting {
                waiting: (old.values != next.values).then(|| next.values.clone()),
                ..old.clone()
            },
        });
        Self(told.collect())
    }
}

impl ToldSetting {
    /// Whether SIGHUP is enough for another value.
    pub(crate) fn is_read_again(&self) -> bool {
        READ_AGAIN.iter().any(|one| one.name == self.setting.name)
    }
}

/// The names of what was set.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.0.iter().filter(|told| told.source.is_some());
        f.debug_set()
            .entries(set.map(|told| told.setting.name))
            .finish()
    }
}

/// An address without user, password and query (PostgreSQL takes a password there, too). What cannot be told
/// apart is left out: a password may hold any character of an address when somebody has not encoded it.
fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return "…".to_owned();
    };
    let (place, query) = match rest.find(['?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if query.contains('@') {
        return format!("{scheme}://…");
    }
    let query = if query.is_empty() { "" } else { "?…" };
    match place.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://…@{place}{query}"),
        None => format!("{scheme}://{place}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_lose_user_password_and_query() {
        for (address, shown) in [
            ("redis://cache:6379", "redis://cache:6379"),
            ("redis://:hunter2@cache:6379/1", "redis://…@cache:6379/1"),
            (
                "postgres://me:hunter2@db/jotgate?sslmode=verify-full",
                "postgres://…@db/jotgate?…",
            ),
            (
                "postgres://db/jotgate?user=me&password=hunter2",
                "postgres://db/jotgate?…",
            ),
            ("postgres://db/jotgate?password=a@hunter2", "postgres://…"),
            ("postgres://me:hunt?er2@db/jotgate", "postgres://…"),
            (
                "postgres://me:hunt@er2@db/jotgate",
                "postgres://…@db/jotgate",
            ),
            (
                "redis-sentinel://u:hunter2@one:1,two:2/m",
                "redis-sentinel://…@one:1,two:2/m",
            ),
            ("hunter2", "…"),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_is_shown(password in "[^@:/]{0,3}[@/?#:&=]?secret[@/?#:&=]?[^@:/]{0,3}") {
            let shown = without_secrets(&format!("postgres://me:{password}@host/database"));
            prop_assert!(!shown.contains("secret"), "{}", shown);
        }
    }
}
