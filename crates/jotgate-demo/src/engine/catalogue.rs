//! The demo's apps. Their times of last reload follow the clock, so that a demo never looks stale.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Days between Qlik's day zero (30 December 1899) and the Unix epoch.
const QLIK_EPOCH_DAYS: f64 = 25_569.0;

/// An app that exists in name only: there is no data in it.
#[derive(Debug)]
pub(super) struct App {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    description: &'static str,
    stream: &'static str,
    bytes: u64,
    /// How many hours before the present full hour the app was reloaded.
    reloaded_hours_ago: i64,
}

/// The sample apps.
pub(super) const APPS: [App; 3] = [
    App {
        id: "5b7b1c8e-3c56-4d1f-9a53-0f6c1f0a7d21",
        title: "Sales Overview",
        description: "Revenue, margin and pipeline by region, product line and quarter.",
        stream: "Sales",
        bytes: 18_874_368,
        reloaded_hours_ago: 1,
    },
    App {
        id: "a2f0d6c4-8e0b-4b57-b5a7-6d1d2f3e9c42",
        title: "Operations Monitor",
        description: "Throughput, downtime and delivery times of every plant.",
        stream: "Operations",
        bytes: 42_467_328,
        reloaded_hours_ago: 0,
    },
    App {
        id: "e93c7a10-51d2-4f7e-8c94-27b6a80d5f63",
        title: "Executive Dashboard",
        description: "Twelve figures that the board looks at, with their history.",
        stream: "Everyone",
        bytes: 7_340_032,
        reloaded_hours_ago: 9,
    },
];

/// The app with this id.
pub(super) fn find(id: &str) -> Option<&'static App> {
    APPS.iter().find(|app| app.id.eq_ignore_ascii_case(id))
}

/// The value of `qDocList` (Qlik engine API: GetDocList).
pub(super) fn doc_list(now: Timestamp) -> Value {
    APPS.iter().map(|app| app.entry(now)).collect()
}

impl App {
    fn entry(&self, now: Timestamp) -> Value {
        json!({
            "qDocName": self.title,
            "qConnectedUsers": 0,
            "qFileTime": qlik_days(self.reloaded(now)),
            "qFileSize": self.bytes,
            "qDocId": self.id,
            "qMeta": self.meta(now),
            "qLastReloadTime": iso(self.reloaded(now)),
            "qTitle": self.title,
            "qThumbnail": {},
        })
    }

    /// The value of `qLayout` (Qlik engine API: GetAppLayout).
    pub(super) fn layout(&self, now: Timestamp) -> Value {
        json!({
            "qTitle": self.title,
            "qFileName": self.id,
            "qLastReloadTime": iso(self.reloaded(now)),
            "qModified": false,
            "qHasScript": true,
            "qHasData": true,
            "qStateNames": [],
            "qMeta": self.meta(now),
            "qThumbnail": {},
        })
    }

    fn meta(&self, now: Timestamp) -> Value {
        json!({
            "description": self.description,
            "published": true,
            "stream": { "name": self.stream },
            "modifiedDate": iso(self.reloaded(now)),
        })
    }

    fn reloaded(&self, now: Timestamp) -> Timestamp {
        let full_hour = now.as_second().div_euclid(3600).saturating_mul(3600);
        let full_hour = Timestamp::from_second(full_hour).unwrap_or(now);
        full_hour
            .checked_sub(SignedDuration::from_hours(self.reloaded_hours_ago))
            .unwrap_or(full_hour)
    }
}

/// `2026-11-22T08:00:00.000Z`.
fn iso(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A time as Qlik counts it: days and fractions of a day.
#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are exact in an f64"
)]
fn qlik_days(time: Timestamp) -> f64 {
    QLIK_EPOCH_DAYS + time.as_second() as f64 / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reload_times_follow_the_clock() {
        let now: Timestamp = "2026-11-22T08:55:17.372Z".parse().unwrap();
        let list = doc_list(now);
        assert_eq!(list[0]["qLastReloadTime"], "2026-11-22T07:00:00.000Z");
        assert_eq!(list[1]["qLastReloadTime"], "2026-11-22T08:00:00.000Z");
        assert_eq!(list[2]["qLastReloadTime"], "2026-11-21T23:00:00.000Z");
        let days = list[1]["qFileTime"].as_f64().unwrap();
        assert!((days - 46_348.333_333).abs() < 1e-5, "{days}");
    }

    #[test]
    fn the_ends_of_time_are_survived() {
        assert_eq!(
            doc_list(Timestamp::MIN).as_array().unwrap().len(),
            APPS.len()
        );
        assert_eq!(
            doc_list(Timestamp::MAX).as_array().unwrap().len(),
            APPS.len()
        );
    }

    #[test]
    fn apps_are_found_by_id() {
        assert_eq!(
            find("5B7B1C8E-3C56-4D1F-9A53-0F6C1F0A7D21").unwrap().title,
            "Sales Overview"
        );
        assert!(find("Sales Overview").is_none());
    }
}
