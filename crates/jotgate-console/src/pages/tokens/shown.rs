//! A verdict as the page shows it.

use jotgate_manage::{Step, TokenTimes, TokenTrial};
use jotgate_model::{Refusal, Timestamp, UnixTime};

use super::words::{distance, field, outcome, step};
use crate::dates::minute_of;
use crate::pages::virtual_proxies::label_of;

pub(super) struct Verdict {
    /// Why nobody would be signed in.
    pub(super) refused: Option<Refused>,
    /// `DIRECTORY\id`; empty for a refused token.
    pub(super) user: String,
    pub(super) steps: Vec<ShownStep>,
    pub(super) times: Vec<ShownTime>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) is_linked: bool,
}

pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) id: &'static str,
    pub(super) detail: String,
    pub(super) remedy: &'static str,
    pub(super) change: Option<Change>,
}

/// The field that helps.
pub(super) struct Change {
    pub(super) address: Option<String>,
    pub(super) label: &'static str,
}

pub(super) struct ShownStep {
    pub(super) name: &'static str,
    pub(super) outcome: &'static str,
    pub(super) badge: &'static str,
    pub(super) found: String,
    /// Empty where nothing is wrong.
    pub(super) expected: String,
    pub(super) remedy: &'static str,
    pub(super) change: Option<Change>,
}

pub(super) struct ShownTime {
    pub(super) claim: &'static str,
    pub(super) date: String,
    pub(super) words: String,
}

impl Verdict {
    /// `edit` is the address of the virtual proxy's edit page, if that has the settings that were tried.
    pub(super) fn of(trial: &TokenTrial, edit: Option<&str>, now: Timestamp) -> Self {
        let now = UnixTime(now.as_millis().div_euclid(1000));
        let identity = trial.result.as_ref().ok();
        let attributes = identity.map_or(&[][..], |identity| &*identity.attributes);
        Self {
            refused: trial.result.as_ref().err().map(|r| Refused::of(r, edit)),
            user: identity.map_or_else(String::new, |identity| identity.user.to_string()),
            steps: trial.steps.iter().map(|s| ShownStep::of(s, edit)).collect(),
            times: times(&trial.times, now),
            attributes: attributes
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            headers: trial
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), readable(value.as_bytes())))
                .collect(),
            is_linked: trial.is_linked,
        }
    }
}

impl Refused {
    fn of(refusal: &Refusal, edit: Option<&str>) -> Self {
        let reason = refusal.reason;
        Self {
            status: reason.status().as_u16(),
            id: reason.id(),
            detail: refusal
                .detail()
                .unwrap_or(reason.client_sentence())
                .to_owned(),
            remedy: reason.remedy(),
            change: Change::of(field(reason), edit),
        }
    }
}

impl Change {
    fn of(field: &str, edit: Option<&str>) -> Option<Self> {
        Some(Self {
            label: label_of(field)?,
            address: edit.map(|edit| format!("{edit}#f-{field}")),
        })
    }
}

impl ShownStep {
    fn of(judged: &Step, edit: Option<&str>) -> Self {
        let (words, badge) = outcome(judged.outcome);
        Self {
            name: step(judged.name),
            outcome: words,
            badge,
            found: judged.found.clone(),
            expected: match judged.reason {
                Some(_) => judged.expected.clone(),
                None => String::new(),
            },
            remedy: judged.remedy.unwrap_or_default(),
            change: judged.reason.and_then(|r| Change::of(field(r), edit)),
        }
    }
}

/// What the claims say of time, seen from now.
fn times(times: &TokenTimes, now: UnixTime) -> Vec<ShownTime> {
    let claims = [
        ("iat", times.issued, "issued", "is issued in"),
        ("nbf", times.not_before, "valid since", "becomes valid in"),
        ("exp", times.expires, "expired", "expires in"),
    ];
    let shown = claims
        .into_iter()
        .filter_map(|(claim, time, past, future)| {
            let time = time?;
            let seconds = time.0.saturating_sub(now.0);
            let distance = distance(seconds);
            Some(ShownTime {
                claim,
                date: format!("{} UTC", minute_of(time)),
                words: match (claim, seconds > 0) {
                    (_, true) => format!("{future} {distance}"),
                    ("nbf", false) => format!("{past} {distance}"),
                    (_, false) => format!("{past} {distance} ago"),
                },
            })
        });
    shown.collect()
}

fn readable(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
