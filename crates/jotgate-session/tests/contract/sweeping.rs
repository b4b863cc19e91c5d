//! Ending what has run out.

use jotgate_model::{SessionRules, UnixTime};
use jotgate_session::{EndReason, NewSession, SessionState, Sessions};

use crate::support::{NOW, OTHER_VP, RULES, VP, new_session};

/// Seconds by which a store that others share sweeps later.
fn late(store: &Sessions) -> i64 {
    if store.is_shared() { 10 } else { 0 }
}

/// Seconds by which a store that others share rounds a use up.
fn rounding(store: &Sessions) -> i64 {
    if store.is_shared() { 20 } else { 0 }
}

/// Seconds after which a node may take a virtual proxy that it does not know for a deleted one.
fn news(store: &Sessions) -> i64 {
    if store.is_shared() { 60 } else { 0 }
}

pub(crate) async fn what_has_run_out_is_swept(store: Sessions) {
    let (_, idle) = store.create(new_session("a")).await.unwrap();
    let expiring = NewSession {
        expires: Some(NOW.plus(60)),
        ..new_session("b")
    };
    let (_, expiring) = store.create(expiring).await.unwrap();
    let sweep = |seconds| store.sweep(NOW.plus(seconds), |_| Some(RULES));
    assert_eq!(sweep(59).await, 0);
    assert_eq!(sweep(60 + late(&store)).await, 1);
    assert_eq!(expiring.ended(), Some(EndReason::LifetimeOver));
    assert_eq!(sweep(-100_000).await, 0, "the clock jumped back");
    assert_eq!(sweep(1799).await, 0);
    assert_eq!(sweep(1800 + late(&store)).await, 1);
    assert_eq!(idle.ended(), Some(EndReason::TimedOut));
    assert!(store.is_empty());
}

pub(crate) async fn sessions_of_a_deleted_virtual_proxy_end(store: Sessions) {
    let (_, kept) = store.create(new_session("a")).await.unwrap();
    let elsewhere = NewSession {
        virtual_proxy: OTHER_VP,
        ..new_session("a")
    };
    let (_, deleted) = store.create(elsewhere).await.unwrap();
    let later = NOW.plus(news(&store));
    let rules = |id| (id == VP).then_some(RULES);
    assert_eq!(store.sweep(later, rules).await, 1);
    assert_eq!(deleted.ended(), Some(EndReason::VirtualProxyDeleted));
    assert_eq!(kept.ended(), None);
}

pub(crate) async fn a_touch_keeps_a_session(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    session.touch(NOW.plus(1000));
    assert_eq!(store.sweep(NOW.plus(2799), |_| Some(RULES)).await, 0);
    let found = store.find(&secret.key()).unwrap();
    assert_eq!(found.state(&RULES, NOW.plus(2799)), SessionState::Live);
    let end = NOW.plus(2800 + rounding(&store));
    assert_eq!(found.state(&RULES, end), SessionState::TimedOut);
    let shorter = SessionRules {
        inactivity: 60,
        ..RULES
    };
    let end = NOW.plus(1060 + rounding(&store) + late(&store));
    assert_eq!(
        store.sweep(end, |_| Some(shorter)).await,
        1,
        "rules hold at once"
    );
}

pub(crate) async fn sockets_hear_of_a_timeout(store: Sessions) {
    let (_, session) = store.create(new_session("a")).await.unwrap();
    let mut watch = store.watch(&session);
    let end = NOW.plus(1800 + late(&store));
    let swept = store.sweep(end, |_| Some(RULES));
    let (heard, swept) = futures_util::future::join(watch.ended(), swept).await;
    assert_eq!((heard, swept), (EndReason::TimedOut, 1));
}

/// Line N5 of the hostile inputs.
pub(crate) async fn sweeping_works_after_2038(store: Sessions) {
    for start in [i64::from(i32::MAX) - 1, i64::from(u32::MAX) - 1, 1 << 40] {
        let start = UnixTime(start);
        let new = NewSession {
            now: start,
            expires: Some(start.plus(900)),
            ..new_session("a")
        };
        let (_, session) = store.create(new).await.unwrap();
        assert_eq!(session.expires(), Some(start.plus(900)));
        assert_eq!(store.sweep(start.plus(899), |_| Some(RULES)).await, 0);
        let end = start.plus(900 + late(&store));
        assert_eq!(store.sweep(end, |_| Some(RULES)).await, 1);
    }
}
