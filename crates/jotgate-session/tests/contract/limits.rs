//! How many sessions a user may have.

use jotgate_session::{EndReason, NewSession, SessionError, Sessions};

use crate::support::{NOW, OTHER_VP, VP, limited, new_session, user};

pub(crate) async fn a_limit_counts_per_user_and_virtual_proxy(store: Sessions) {
    store.create(limited("a", 1)).await.unwrap();
    assert_eq!(
        store.create(limited("a", 1)).await.unwrap_err(),
        SessionError::Exhausted
    );
    store.create(limited("b", 1)).await.unwrap();
    let elsewhere = NewSession {
        virtual_proxy: OTHER_VP,
        ..limited("a", 1)
    };
    store.create(elsewhere).await.unwrap();
    store.create(limited("a", 2)).await.unwrap();
    assert_eq!(
        store.create(limited("a", 2)).await.unwrap_err(),
        SessionError::Exhausted
    );
    store.create(new_session("a")).await.unwrap();
}

pub(crate) async fn two_hundred_at_once_with_a_limit_of_five_make_five(store: Sessions) {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || sign_in_on_a_runtime_of_its_own(&store, 50))
        })
        .collect();
    let mut made = 0;
    for thread in threads {
        let finished = tokio::task::spawn_blocking(|| thread.join().unwrap());
        made += finished.await.unwrap();
    }
    assert_eq!(made, 5);
    assert_eq!(store.len(), 5);
    assert_eq!(store.of_user(VP, &user("boz")).len(), 5);
}

/// As the gateway does: each of its threads has a runtime for itself.
fn sign_in_on_a_runtime_of_its_own(store: &Sessions, times: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    let all: Vec<_> = (0..times)
        .map(|_| {
            let store = store.clone();
            tasks.spawn_local(async move { store.create(limited("boz", 5)).await })
        })
        .collect();
    tasks.block_on(&runtime, async {
        let mut made = 0;
        for one in all {
            match one.await.unwrap() {
                Ok((secret, _)) => made += usize::from(store.find(&secret.key()).is_some()),
                Err(error) => assert_eq!(error, SessionError::Exhausted),
            }
        }
        made
    })
}

pub(crate) async fn sessions_that_have_run_out_do_not_count(store: Sessions) {
    let (_, old) = store.create(limited("a", 1)).await.unwrap();
    let at = |seconds| NewSession {
        now: NOW.plus(seconds),
        ..limited("a", 1)
    };
    assert_eq!(
        store.create(at(1799)).await.unwrap_err(),
        SessionError::Exhausted
    );
    store.create(at(1800)).await.unwrap();
    assert_eq!(old.ended(), None, "it only does not count");
    old.touch(NOW.plus(1801));
    assert_eq!(
        store.create(at(1801)).await.unwrap_err(),
        SessionError::Exhausted
    );
}

pub(crate) async fn ended_sessions_do_not_count(store: Sessions) {
    for _ in 0..10 {
        let (secret, _) = store.create(limited("a", 1)).await.unwrap();
        store
            .end(&secret.key(), EndReason::LoggedOut)
            .await
            .unwrap();
    }
}

/// A client that goes away while its session is being written must not use up the limit.
pub(crate) async fn a_creation_that_nobody_waits_for_leaves_nothing(store: Sessions) {
    for _ in 0..50 {
        let creation = store.create(limited("a", 3));
        // Polled once, then dropped.
        tokio::select! {
            biased;
            created = creation => {
                let (secret, _) = created.unwrap();
                store.end(&secret.key(), EndReason::LoggedOut).await.unwrap();
            }
            () = std::future::ready(()) => {}
        }
        assert_eq!(store.len(), 0);
    }
    store.flush().await.unwrap();
    store.create(limited("a", 1)).await.unwrap();
}
