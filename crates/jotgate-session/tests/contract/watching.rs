//! Sockets and the end of their session.

use std::future::Future;
use std::time::Duration;

use jotgate_session::{EndReason, Sessions};

use crate::support::new_session;

/// What comes within the second that every socket has a right to.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(1), future)
        .await
        .unwrap()
}

/// Whether nothing comes for a moment.
async fn nothing_comes(future: impl Future<Output = EndReason>) -> bool {
    tokio::time::timeout(Duration::from_millis(20), future)
        .await
        .is_err()
}

pub(crate) async fn a_watcher_hears_of_the_end(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    let mut watch = store.watch(&session);
    assert!(nothing_comes(watch.ended()).await);
    let waiting = tokio::spawn(async move { watch.ended().await });
    tokio::task::yield_now().await;
    store
        .end(&secret.key(), EndReason::UserBlocked)
        .await
        .unwrap();
    assert_eq!(soon(waiting).await.unwrap(), EndReason::UserBlocked);
}

pub(crate) async fn an_end_between_finding_and_watching_is_heard(store: Sessions) {
    let (secret, _) = store.create(new_session("a")).await.unwrap();
    let session = store.find(&secret.key()).unwrap();
    store
        .end(&secret.key(), EndReason::LoggedOut)
        .await
        .unwrap();
    let mut watch = store.watch(&session);
    assert_eq!(soon(watch.ended()).await, EndReason::LoggedOut);
    assert_eq!(soon(watch.ended()).await, EndReason::LoggedOut, "and again");
}

pub(crate) async fn an_end_races_with_watching_and_is_never_lost(store: Sessions) {
    for _ in 0..200 {
        let (secret, session) = store.create(new_session("a")).await.unwrap();
        let other = store.clone();
        let watcher = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            let mut watch = other.watch(&session);
            runtime
                .unwrap()
                .block_on(async { soon(watch.ended()).await })
        });
        store
            .end(&secret.key(), EndReason::LoggedOut)
            .await
            .unwrap();
        let heard = tokio::task::spawn_blocking(|| watcher.join().unwrap());
        assert_eq!(heard.await.unwrap(), EndReason::LoggedOut);
    }
}

pub(crate) async fn every_socket_of_a_session_hears_and_no_other(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    let (_, other) = store.create(new_session("a")).await.unwrap();
    let mut watches: Vec<_> = (0..16).map(|_| store.watch(&session)).collect();
    let mut unconcerned = store.watch(&other);
    let waiting = futures_util::future::join_all(watches.iter_mut().map(|w| w.ended()));
    let key = secret.key();
    let end = store.end(&key, EndReason::ClosedByServer);
    let (heard, ended) = soon(futures_util::future::join(waiting, end)).await;
    ended.unwrap();
    assert_eq!(heard, [EndReason::ClosedByServer; 16]);
    assert!(nothing_comes(unconcerned.ended()).await);
}

/// A relay asks between two messages; each time it drops the future of the time before.
pub(crate) async fn waiting_can_be_broken_off_and_resumed(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    let mut watch = store.watch(&session);
    for _ in 0..3 {
        assert!(nothing_comes(watch.ended()).await);
    }
    store
        .end(&secret.key(), EndReason::LoggedOut)
        .await
        .unwrap();
    assert_eq!(soon(watch.ended()).await, EndReason::LoggedOut);
}

pub(crate) async fn dropping_a_watch_unregisters_it(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    assert_eq!(store.open_sockets(&session), 0);
    let first = store.watch(&session);
    let second = store.watch(&session);
    assert_eq!(store.open_sockets(&session), 2);
    drop(first);
    assert_eq!(store.open_sockets(&session), 1);
    store
        .end(&secret.key(), EndReason::LoggedOut)
        .await
        .unwrap();
    assert_eq!(
        store.open_sockets(&session),
        1,
        "until the socket itself is gone"
    );
    drop(second);
    assert_eq!(store.open_sockets(&session), 0);
}
