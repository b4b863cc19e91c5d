//! Tokens that count once.

use futures_util::future::join;
use jotgate_model::UnixTime;
use jotgate_session::Sessions;

use crate::support::{NOW, OTHER_VP, RULES, VP, new_session};

pub(crate) async fn a_token_counts_once_per_virtual_proxy(store: Sessions) {
    let until = NOW.plus(60);
    let giant = "j".repeat(100_000);
    for jti in [
        "one",
        "",
        "O'; DROP TABLE used_token; --",
        "\0",
        giant.as_str(),
    ] {
        for vp in [VP, OTHER_VP] {
            assert_eq!(store.use_token_id(vp, jti, until, NOW).await, Ok(true));
            assert_eq!(store.use_token_id(vp, jti, until, NOW).await, Ok(false));
        }
    }
}

pub(crate) async fn of_a_hundred_at_once_one_counts(store: Sessions) {
    let uses = (0..100).map(|_| store.use_token_id(VP, "one", NOW.plus(60), NOW));
    let results = futures_util::future::join_all(uses).await;
    assert_eq!(results.iter().filter(|r| **r == Ok(true)).count(), 1);
    assert_eq!(results.iter().filter(|r| **r == Ok(false)).count(), 99);
}

pub(crate) async fn a_token_is_forgotten_only_after_its_time(store: Sessions) {
    let until = NOW.plus(60);
    assert_eq!(store.use_token_id(VP, "one", until, NOW).await, Ok(true));
    store.sweep(NOW.plus(60), |_| Some(RULES)).await;
    assert_eq!(
        store.use_token_id(VP, "one", until, NOW.plus(60)).await,
        Ok(false)
    );
    // A shared store has a clock of its own: `tests/redis.rs` looks at what it was told.
    if store.is_shared() {
        return;
    }
    store.sweep(NOW.plus(100_000), |_| Some(RULES)).await;
    assert_eq!(
        store
            .use_token_id(VP, "one", until, NOW.plus(100_000))
            .await,
        Ok(true)
    );
}

pub(crate) async fn a_token_that_never_runs_out_counts_once_and_keeps_nobody_else_out(
    store: Sessions,
) {
    // No `exp`, or one that its author chose.
    for end in [i64::MAX, i64::MAX / 1_000, 9_999_999_999_999_999] {
        let (jti, until) = (end.to_string(), UnixTime(end));
        let using = store.use_token_id(VP, &jti, until, NOW);
        let (used, signed_in) = join(using, store.create(new_session("boz"))).await;
        assert_eq!(used, Ok(true), "{end}");
        signed_in.unwrap();
        let again = store.use_token_id(VP, &jti, until, NOW).await;
        assert_eq!(again, Ok(false), "{end}");
    }
}
