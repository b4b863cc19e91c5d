//! The certificates of the gateway itself: what clients are shown, and the root of its own.

use jotgate_manage::TlsCertificate;
use jotgate_model::UnixTime;

use super::keys::urgency;
use crate::dates::minute_of;

/// A certificate of the gateway.
pub(super) struct Certificate {
    pub(super) told: TlsCertificate,
    pub(super) begin: String,
    pub(super) end: String,
    pub(super) class: &'static str,
    pub(super) badge: &'static str,
}

/// What ends first on top.
pub(super) fn certificates(mut told: Vec<TlsCertificate>, now: UnixTime) -> Vec<Certificate> {
    told.sort_by_key(|one| one.not_after);
    let shown = told.into_iter().map(|told| {
        let (class, badge) = match told.not_before > now {
            true => ("bad", "not valid yet"),
            false => urgency(told.not_after, now),
        };
        Certificate {
            begin: minute_of(told.not_before),
            end: minute_of(told.not_after),
            class,
            badge,
            told,
        }
    });
    shown.collect()
}
