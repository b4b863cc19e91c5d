//! Which keys and certificates run out, and which published key sets cannot be fetched.

use jotgate_manage::{KeyOrigin, SourceState, TlsCertificate};
use jotgate_model::{Snapshot, UnixTime};

use crate::dates::minute_of;

/// A certificate that runs out within so many seconds is pointed at.
const SOON: i64 = 30 * 86_400;

/// Something that an administrator has to do about a key.
#[derive(Debug)]
pub(super) struct Warning {
    /// The sooner something must be done, the lower.
    urgency: i64,
    pub(super) class: &'static str,
    pub(super) badge: String,
    pub(super) what: String,
    pub(super) detail: String,
    /// The virtual proxies that use it, id and description; none for the gateway itself.
    pub(super) places: Vec<(String, String)>,
}

/// The most urgent first.
pub(super) fn warnings(
    sources: &[SourceState],
    certificates: &[TlsCertificate],
    snapshot: &Snapshot,
    now: UnixTime,
) -> Vec<Warning> {
    let mut found: Vec<Warning> = Vec::new();
    for source in sources {
        let places = source.virtual_proxies.iter().filter_map(|id| {
            let vp = snapshot.virtual_proxy(*id)?;
            Some((id.to_string(), vp.description.to_string()))
        });
        let places: Vec<_> = places.collect();
        if let Some(error) = &source.last_error {
            let since = source.last_success.map(minute_of);
            found.push(Warning {
                urgency: if source.keys.is_empty() {
                    i64::MIN
                } else {
                    now.0
                },
                class: if source.keys.is_empty() {
                    "bad"
                } else {
                    "warn"
                },
                badge: match since {
                    Some(since) => format!("Not fetched since {since}"),
                    None => "Never fetched".to_owned(),
                },
                what: match &source.origin {
                    KeyOrigin::Pem => "Pasted keys".to_owned(),
                    KeyOrigin::Jwks(address) => format!("Key set {address}"),
                    KeyOrigin::Discovery(issuer) => format!("Key set of {issuer}"),
                },
                detail: error.to_string(),
                places: places.clone(),
            });
        }
        for key in &source.keys {
            let Some(end) = key.certificate_expires.filter(|end| *end < now.plus(SOON)) else {
                continue;
            };
            let short: String = key.fingerprint.chars().take(16).collect();
            found.push(Warning {
                urgency: end.0,
                class: if end < now { "bad" } else { "warn" },
                badge: until(end, now),
                what: format!("Certificate {short}…"),
                detail: "Its tokens are accepted after that all the same; other programs may refuse them.".to_owned(),
                places: places.clone(),
            });
        }
    }
    found.extend(certificates.iter().filter_map(|one| of_tls(one, now)));
    found.sort_by_key(|warning| warning.urgency);
    found
}

/// A certificate of the gateway itself that runs out.
fn of_tls(certificate: &TlsCertificate, now: UnixTime) -> Option<Warning> {
    let end = certificate.not_after;
    (end < now.plus(SOON)).then(|| Warning {
        urgency: end.0,
        class: if end < now { "bad" } else { "warn" },
        badge: until(end, now),
        what: format!("Certificate of the gateway: {}", certificate.subject),
        detail: match certificate.listeners.is_empty() {
            true => "Clients that trust this root refuse the gateway after that.".to_owned(),
            false => {
                let places = certificate.listeners.join(", ");
                format!("Clients refuse the gateway after that ({places}).")
            }
        },
        places: Vec::new(),
    })
}

fn until(end: UnixTime, now: UnixTime) -> String {
    let days = (end.0 - now.0).div_euclid(86_400);
    match days {
        ..0 => format!("Expired {}", minute_of(end)),
        0 => "Expires within a day".to_owned(),
        1 => "Expires in 1 day".to_owned(),
        _ => format!("Expires in {days} days"),
    }
}
