//! The words of an explanation: what is found at a step, what is expected there, and what else is
//! wrong with a token that is refused already.

use jotgate_model::{ClaimSource, Refusal, UnixTime, User};

use super::{Selection, Verifier};
use crate::claims::{self, Claims, Times, audiences};
use crate::header::Header;
use crate::key::Key;
use crate::mapping;
use crate::parts::{MAX_TOKEN, Parts};
use crate::text::quoted;
use crate::verdict::{Record, Recorder as _, StepName};

impl Verifier {
    /// Judges the claims of a refused token, as far as they can be read.
    pub(super) fn look_further(&self, token: &[u8], now: UnixTime, record: &mut Record) {
        let Ok(parts) = Parts::split(token) else {
            return;
        };
        let claims = Claims::read(parts.payload());
        let claims = if record.has(StepName::Payload) {
            claims
        } else {
            record.step(StepName::Payload, claims, claim_names)
        };
        if let Ok(claims) = claims {
            self.look_at_claims(&claims, now, record);
        }
    }

    fn look_at_claims(&self, read: &Claims<'_>, now: UnixTime, record: &mut Record) {
        let policy = &self.settings;
        look(
            record,
            StepName::Times,
            || claims::times(read, policy, now),
            |t| times(t, now),
        );
        look(
            record,
            StepName::Issuer,
            || claims::issuer(read, policy),
            |i| text(i.as_deref()),
        );
        look(
            record,
            StepName::Audience,
            || claims::audience(read, policy),
            |()| audience(read),
        );
        look(
            record,
            StepName::TokenId,
            || claims::token_id(read, policy),
            |i| text(i.as_deref()),
        );
        look(record, StepName::User, || mapping::user(read, policy), user);
        look(
            record,
            StepName::Mapping,
            || mapping::attributes(read, &policy.mapping),
            |a| attributes(a),
        );
    }

    pub(super) fn describe(&self, selection: Selection, header: &Header<'_>) -> String {
        let kid = header.kid().map(quoted).unwrap_or_default();
        match selection {
            Selection::WithKid => format!("the key id {kid} is known"),
            Selection::WithoutKid => format!("no key has the id {kid}; keys without id are tried"),
            Selection::All => "the token names no key; all that fit are tried".into(),
        }
    }

    /// What a step wants to see.
    pub(super) fn expected(&self, name: StepName) -> String {
        let policy = &self.settings;
        match name {
            StepName::Presence => "one Authorization field with one token".into(),
            StepName::Form => format!("three base64url segments, at most {MAX_TOKEN} bytes"),
            StepName::Header => "a JSON object without crit, b64, zip and enc".into(),
            StepName::Algorithm => format!("one of {}", self.algorithm_names()),
            StepName::Key => format!("one of the configured keys ({})", self.keys.keys().len()),
            StepName::Signature => "a signature of one of the keys".into(),
            StepName::Payload => "a JSON object without duplicate members".into(),
            StepName::Times => self.expected_times(),
            StepName::Issuer => expected_text(policy.issuer.as_deref()),
            StepName::Audience => expected_text(policy.audience.as_deref()),
            StepName::TokenId if policy.single_use => "a jti that was not used before".into(),
            StepName::TokenId => "anything".into(),
            StepName::User => format!(
                "the directory from {}, the id from {}",
                source(&policy.user_directory),
                source(&policy.user_id)
            ),
            StepName::Mapping => self.expected_mapping(),
            StepName::Session => String::new(),
        }
    }

    fn expected_times(&self) -> String {
        let policy = &self.settings;
        let mut text = format!(
            "nbf and iat not ahead, exp {}not past, within {} s",
            if policy.require_expiration {
                "there and "
            } else {
                ""
            },
            policy.clock_skew
        );
        if let Some(limit) = policy.max_lifetime {
            text.push_str(&format!("; a lifetime of at most {limit} s"));
        }
        text
    }

    fn expected_mapping(&self) -> String {
        let rows: Vec<_> = self
            .settings
            .mapping
            .iter()
            .map(|row| {
                let must = if row.mandatory { " (mandatory)" } else { "" };
                format!(
                    "{} from {}{must}",
                    quoted(&row.attribute),
                    source(&row.source)
                )
            })
            .collect();
        if rows.is_empty() {
            "no attributes".into()
        } else {
            rows.join(", ")
        }
    }
}

/// Judges a step unless that was done.
fn look<T>(
    record: &mut Record,
    name: StepName,
    judge: impl FnOnce() -> Result<T, Refusal>,
    found: impl FnOnce(&T) -> String,
) {
    if !record.has(name) {
        // The failure is in the record; the verdict stands already.
        record.step(name, judge(), found).ok();
    }
}

pub(super) fn header(header: &Header<'_>) -> String {
    let ignored: Vec<_> = header.ignored_keys().collect();
    if ignored.is_empty() {
        "nothing unusual".into()
    } else {
        format!(
            "{}: not looked at, keys come from the configuration",
            ignored.join(", ")
        )
    }
}

/// A key, as details name it.
pub(super) fn key(key: &Key) -> String {
    let fingerprint = key.fingerprint().get(..16).unwrap_or_default();
    match (key.kid(), key.certificate()) {
        (Some(kid), _) => format!("{fingerprint}… ({})", quoted(kid)),
        (None, Some(certificate)) => format!("{fingerprint}… ({})", quoted(&certificate.subject)),
        (None, None) => format!("{fingerprint}…"),
    }
}

pub(super) fn claim_names(claims: &Claims<'_>) -> String {
    let mut names: Vec<_> = claims.names().take(20).map(quoted).collect();
    if claims.names().nth(20).is_some() {
        names.push("…".into());
    }
    format!("the claims {}", names.join(", "))
}

pub(super) fn times(times: &Times, now: UnixTime) -> String {
    let dates = [
        ("exp", times.expires),
        ("nbf", times.not_before),
        ("iat", times.issued),
    ];
    let shown: Vec<_> = dates
        .into_iter()
        .filter_map(|(name, date)| Some(format!("{name} {}", date?.rounded_up())))
        .collect();
    if shown.is_empty() {
        format!("no dates (now is {now})")
    } else {
        format!("{} (now is {now})", shown.join(", "))
    }
}

pub(super) fn text(text: Option<&str>) -> String {
    text.map_or_else(|| "none".into(), quoted)
}

pub(super) fn audience(claims: &Claims<'_>) -> String {
    let shown: Vec<_> = audiences(claims)
        .map(|found| found.take(20).map(quoted).collect())
        .unwrap_or_default();
    if shown.is_empty() {
        "none".into()
    } else {
        shown.join(", ")
    }
}

pub(super) fn user(user: &User) -> String {
    format!(
        "directory {}, id {}",
        quoted(&user.directory),
        quoted(&user.id)
    )
}

/// The names and how often each: values may be private.
pub(super) fn attributes(attributes: &[(Box<str>, Box<str>)]) -> String {
    if attributes.is_empty() {
        return "no attributes".into();
    }
    let same = attributes.chunk_by(|(a, _), (b, _)| a == b);
    let shown: Vec<_> = same
        .filter_map(|run| {
            let (name, _) = run.first()?;
            Some(match run.len() {
                1 => quoted(name),
                count => format!("{} ({count} values)", quoted(name)),
            })
        })
        .collect();
    shown.join(", ")
}

fn expected_text(expected: Option<&str>) -> String {
    expected.map_or_else(|| "anything".into(), quoted)
}

fn source(source: &ClaimSource) -> String {
    match source {
        ClaimSource::Claim(claim) => format!("the claim {}", quoted(claim)),
        ClaimSource::Constant(constant) => format!("the constant {}", quoted(constant)),
    }
}
