use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};

use super::*;
use crate::phase::{Phase, PhaseTimes};

const LIMITS: FeedLimits = FeedLimits {
    entries: 100,
    bytes: 1 << 20,
};

fn served(reference: &str) -> AccessRecord<'_> {
    AccessRecord {
        time: Timestamp::from_millis(1_700_000_000_123),
        reference,
        client: "127.0.0.1",
        method: "GET",
        path: "/jwt/hub/",
        virtual_proxy: Some("jwt"),
        virtual_proxy_id: Some(Uuid::from_u128(7)),
        user: Some(("example", "boz")),
        session: Some("s"),
        node: Some("Central"),
        phase: Phase::Respond,
        phases: PhaseTimes::NONE,
        status: 200,
        refusal: None,
        total: Duration::from_micros(42),
        waiting: Some(Duration::from_micros(30)),
        user_agent: "agent",
        token: None,
    }
}

fn refused(reference: &str) -> AccessRecord<'_> {
    AccessRecord {
        phase: Phase::Identify,
        status: 401,
        refusal: Some((Reason::TokenExpired, Some("expired 5 s ago"))),
        user: None,
        ..served(reference)
    }
}

fn references(found: &RecentRequests) -> Vec<&str> {
    found.requests.iter().map(|r| &*r.reference).collect()
}

#[test]
fn every_field_is_kept() {
    let feed = Feed::new(LIMITS, 1);
    let mut phases = PhaseTimes::NONE;
    phases.begin(Phase::Identify, 12);
    let token = Arc::new(PresentedToken {
        claims: Some("{}".into()),
        ..PresentedToken::default()
    });
    feed.note(&AccessRecord {
        phases,
        token: Some(&token),
        ..refused("R1")
    });
    feed.note(&served("R2"));
    let found = feed.recent(&FeedFilter::default(), 10);
    let refused = RecentRequest {
        sequence: 1,
        time: Timestamp::from_millis(1_700_000_000_123),
        reference: "R1".into(),
        client: "127.0.0.1".into(),
        method: "GET".into(),
        path: "/jwt/hub/".into(),
        virtual_proxy: Some((Uuid::from_u128(7), "jwt".into())),
        user: None,
        session: Some("s".into()),
        node: Some("Central".into()),
        status: 401,
        phase: Phase::Identify,
        reason: Some(Reason::TokenExpired),
        detail: Some("expired 5 s ago".into()),
        phases,
        total: Duration::from_micros(42),
        waiting: Some(Duration::from_micros(30)),
        user_agent: "agent".into(),
        token: Some(token),
    };
    let served = RecentRequest {
        sequence: 2,
        reference: "R2".into(),
        user: Some(("example".into(), "boz".into())),
        status: 200,
        phase: Phase::Respond,
        reason: None,
        detail: None,
        phases: PhaseTimes::NONE,
        token: None,
        ..refused.clone()
    };
    assert_eq!(found.last, 2);
    assert_eq!(found.requests, [refused, served]);
}

#[test]
fn filters() {
    let feed = Feed::new(LIMITS, 1);
    feed.note(&served("R1"));
    feed.note(&refused("R2"));
    feed.note(&AccessRecord {
        virtual_proxy_id: None,
        refusal: Some((Reason::PrefixUnknown, None)),
        ..refused("R3")
    });
    feed.note(&AccessRecord {
        user: Some(("example", "other")),
        ..served("R4")
    });
    let all = FeedFilter::default;
    for (filter, expected) in [
        (all(), vec!["R1", "R2", "R3", "R4"]),
        (FeedFilter { after: 2, ..all() }, vec!["R3", "R4"]),
        (
            FeedFilter {
                virtual_proxy: Some(Uuid::from_u128(7)),
                ..all()
            },
            vec!["R1", "R2", "R4"],
        ),
        (
            FeedFilter {
                virtual_proxy: Some(Uuid::from_u128(8)),
                ..all()
            },
            vec![],
        ),
        (
            FeedFilter {
                user: Some(("example".into(), "boz".into())),
                ..all()
            },
            vec!["R1"],
        ),
        (
            FeedFilter {
                outcome: Some(FeedOutcome::Served),
                ..all()
            },
            vec!["R1", "R4"],
        ),
        (
            FeedFilter {
                outcome: Some(FeedOutcome::Refused),
                ..all()
            },
            vec!["R2", "R3"],
        ),
        (
            FeedFilter {
                reason: Some(Reason::PrefixUnknown),
                ..all()
            },
            vec!["R3"],
        ),
        (
            FeedFilter {
                reference: Some("R2".into()),
                ..all()
            },
            vec!["R2"],
        ),
    ] {
        assert_eq!(
            references(&feed.recent(&filter, 10)),
            expected,
            "{filter:?}"
        );
    }
    assert_eq!(references(&feed.recent(&all(), 2)), ["R3", "R4"]);
    assert_eq!(feed.recent(&all(), 0).requests, []);
}

#[test]
fn the_console_is_left_out_but_for_what_it_refused() {
    let feed = Feed::new(LIMITS, 1);
    let of = |reference, path| AccessRecord {
        path,
        ..served(reference)
    };
    feed.note(&of("R1", "/jwt/qmc/sessions"));
    feed.note(&of("R2", "/jwt/QMC"));
    feed.note(&of("R3", "/jwt/hub/qmc/"));
    feed.note(&of("R4", "/jwt/qmcs"));
    feed.note(&AccessRecord {
        path: "/jwt/qmc/",
        ..refused("R5")
    });
    feed.note(&AccessRecord {
        virtual_proxy: Some(""),
        ..of("R6", "/qmc/")
    });
    feed.note(&AccessRecord {
        virtual_proxy: None,
        ..of("R7", "/")
    });
    let filter = FeedFilter {
        without_console: true,
        ..FeedFilter::default()
    };
    let found = feed.recent(&filter, 10);
    assert_eq!(references(&found), ["R3", "R4", "R5", "R7"]);
}

#[test]
fn refusals_outlive_a_flood_of_good_requests() {
    let feed = Feed::new(LIMITS, 1);
    feed.note(&refused("R0"));
    for _ in 0..10_000 {
        feed.note(&served("good"));
    }
    let found = feed.recent(&FeedFilter::default(), 1000);
    assert_eq!(found.requests.len(), 101);
    assert_eq!(&*found.requests[0].reference, "R0");
    assert_eq!(found.last, 10_001);
}

/// Whatever clients send.
#[test]
fn memory_is_bounded() {
    let limits = FeedLimits {
        entries: 10_000,
        bytes: 256 * 1024,
    };
    let feed = Feed::new(limits, 1);
    let long = "é".repeat(50_000);
    let token = Arc::new(PresentedToken {
        claims: Some("x".repeat(PresentedToken::MAX_TEXT).into()),
        ..PresentedToken::default()
    });
    for i in 0..2000 {
        feed.note(&AccessRecord {
            method: &long,
            path: &long,
            user: Some((&long, &long)),
            session: Some(&long),
            user_agent: &long,
            refusal: (i % 2 == 0).then_some((Reason::RequestMalformed, Some(&long))),
            token: (i % 3 == 0).then_some(&token),
            ..served(&long)
        });
    }
    let part = feed.0.parts[0].lock();
    let sizes = [part.served.size(), part.refused.size()];
    drop(part);
    assert!(
        sizes.iter().map(|size| size.1).sum::<usize>() <= limits.bytes,
        "{sizes:?}"
    );
    assert!(sizes.iter().all(|size| size.0 > 10), "{sizes:?}");
    for request in feed.recent(&FeedFilter::default(), 10_000).requests {
        assert!(request.path.len() <= 1024 && request.user_agent.len() <= 256);
    }
}

#[test]
fn a_feed_can_be_off() {
    let feed = Feed::new(
        FeedLimits {
            entries: 0,
            ..LIMITS
        },
        4,
    );
    feed.note(&served("R1"));
    assert_eq!(feed.recent(&FeedFilter::default(), 10).requests, []);
}

/// What is read while workers write has no hole: `last` never runs ahead of what was there.
#[test]
fn readers_miss_nothing_that_is_still_kept() {
    let feed = Feed::new(
        FeedLimits {
            entries: 100_000,
            bytes: 64 << 20,
        },
        4,
    );
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let feed = feed.clone();
            std::thread::spawn(move || {
                for i in 0..2000 {
                    feed.note(&if i % 5 == 0 {
                        refused("R")
                    } else {
                        served("S")
                    });
                }
            })
        })
        .collect();
    let (mut seen, mut filter) = (Vec::new(), FeedFilter::default());
    while seen.len() < 8000 {
        let found = feed.recent(&filter, 100_000);
        seen.extend(found.requests.iter().map(|request| request.sequence));
        filter.after = found.last;
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(seen, (1..=8000).collect::<Vec<_>>());
}

#[tokio::test]
async fn subscribers_see_what_they_want_and_are_told_what_they_missed() {
    let feed = Feed::new(LIMITS, 1);
    feed.note(&refused("before"));
    let mut all = feed.subscribe(FeedFilter::default());
    let mut bad = feed.subscribe(FeedFilter {
        outcome: Some(FeedOutcome::Refused),
        ..FeedFilter::default()
    });
    feed.note(&served("R1"));
    feed.note(&refused("R2"));
    assert_eq!(&*all.next().await.reference, "R1");
    assert_eq!(&*bad.next().await.reference, "R2");
    for _ in 0..5000 {
        feed.note(&served("many"));
    }
    assert_eq!(&*all.next().await.reference, "many");
    assert!(all.missed() >= 3000, "{}", all.missed());
    drop((all, bad));
    assert_eq!(feed.0.subscribers.count.load(Ordering::Relaxed), 0);
}
