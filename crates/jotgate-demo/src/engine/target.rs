//! What an engine socket asks for, read from its path.
//!
//! `/app/{app}[/identity/{identity}][/ttl/{seconds}]`, where `{app}` is `engineData` for no app in
//! particular, an app's id, or `?transient=` (encoded) for an app that lives in memory only. This
//! is what enigma.js' `buildUrl` makes. Qlik's own JWT example for enigma.js appends
//! `&qlik-csrf-token=...` to a URL without a query string, so everything after an `&` is dropped.

use std::time::Duration;

use percent_encoding::percent_decode_str;

/// Longest time that an engine session outlives its socket.
const MAX_TTL: u64 = 300;

/// The parsed path of an engine socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The app's id as the path has it, decoded: `engineData` when none is meant.
    pub(super) app: String,
    /// Sets engine sessions of one user apart.
    pub(super) identity: Option<String>,
    /// How long the engine session may be attached to again after its socket closed.
    pub(super) ttl: Duration,
}

impl Target {
    /// Reads a path without its query string; `None` when the path is none of an engine's.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/app/")?;
        let path = path.split_once('&').map_or(path, |(path, _)| path);
        let mut segments = path.trim_end_matches('/').split('/');
        let app = segments.next().map(decoded).filter(|app| !app.is_empty())?;
        let mut target = Self {
            app,
            identity: None,
            ttl: Duration::ZERO,
        };
        while let Some(keyword) = segments.next() {
            let value = segments.next()?;
            match keyword {
                "identity" => target.identity = Some(decoded(value)),
                "ttl" => target.ttl = Duration::from_secs(ttl(value)),
                _ => return None,
            }
        }
        Some(target)
    }
}

/// Anything that is no number of seconds keeps nothing.
fn ttl(text: &str) -> u64 {
    text.parse().unwrap_or(0).min(MAX_TTL)
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(app: &str, identity: Option<&str>, ttl: u64) -> Option<Target> {
        let identity = identity.map(str::to_owned);
        Some(Target {
            app: app.to_owned(),
            identity,
            ttl: Duration::from_secs(ttl),
        })
    }

    #[test]
    fn every_documented_form_is_understood() {
        for (path, expected) in [
            ("/app/engineData", target("engineData", None, 0)),
            ("/app/engineData/", target("engineData", None, 0)),
            ("/app/some-id", target("some-id", None, 0)),
            ("/app/%3Ftransient%3D", target("?transient=", None, 0)),
            (
                "/app/engineData/identity/me",
                target("engineData", Some("me"), 0),
            ),
            ("/app/some-id/ttl/5", target("some-id", None, 5)),
            (
                "/app/some-id/identity/a%20b/ttl/5",
                target("some-id", Some("a b"), 5),
            ),
            (
                "/app/engineData&qlik-csrf-token=a/b=",
                target("engineData", None, 0),
            ),
            (
                "/app/engineData/ttl/5&qlik-csrf-token=x",
                target("engineData", None, 5),
            ),
        ] {
            assert_eq!(Target::parse(path), expected, "{path}");
        }
    }

    #[test]
    fn times_to_live_are_bounded() {
        assert_eq!(
            Target::parse("/app/a/ttl/99999999"),
            target("a", None, MAX_TTL)
        );
        assert_eq!(Target::parse("/app/a/ttl/-1"), target("a", None, 0));
        assert_eq!(Target::parse("/app/a/ttl/soon"), target("a", None, 0));
    }

    #[test]
    fn other_paths_are_no_targets() {
        for path in [
            "/app/",
            "/app/&x",
            "/app/a/other",
            "/app/a/other/b",
            "/app/a/ttl",
            "/hub/",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }
}
