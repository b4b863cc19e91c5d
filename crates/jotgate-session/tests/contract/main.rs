//! What every session store promises, whatever is behind it.
//!
//! Each promise is a function over an empty store; the macro at the end runs all of them against
//! each kind of store. A new kind is one more line there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod finding;
mod limits;
#[path = "../support/mod.rs"]
mod support;
mod sweeping;
mod tokens;
mod watching;

use jotgate_model::UnixTime;
use jotgate_session::{Sessions, SharedStore};
use jotgate_test_redis::{Authority, RedisCluster, RedisServer, WatchedRedis};

macro_rules! contract {
    ($($file:ident { $($promise:ident)* })*) => {
        contract!(@kind in_memory crate::in_memory, $($file { $($promise)* })*);
        contract!(@kind journaled crate::journaled, $($file { $($promise)* })*);
        contract!(@kind over_redis crate::over_redis, $($file { $($promise)* })*);
        contract!(@kind over_tls_as_a_user crate::over_tls_as_a_user, $($file { $($promise)* })*);

        /// All promises one after the other, each with an empty store, for what takes long to start.
        async fn keeps_every_promise(mut open: impl AsyncFnMut() -> Sessions) {
            $($(
                println!(stringify!($promise));
                $file::$promise(open().await).await;
            )*)*
        }
    };
    (@kind $kind:ident $open:path, $($file:ident { $($promise:ident)* })*) => {
        mod $kind {
            $($(
                #[tokio::test]
                async fn $promise() {
                    let (store, _keep) = $open().await;
                    crate::$file::$promise(store).await;
                }
            )*)*
        }
    };
}

contract! {
    finding {
        a_created_session_is_found_with_all_that_it_was_made_from
        a_made_up_cookie_finds_nothing_and_makes_nothing
        a_secret_is_no_public_id
        a_named_secret_serves_as_an_id_too
        a_named_secret_that_is_in_use_is_refused
        a_named_secret_can_be_used_again_after_the_end
        the_same_user_gets_another_secret_each_time
        long_addresses_and_user_agents_are_cut
        an_identity_that_is_too_large_is_refused
        sessions_are_listed_by_virtual_proxy_and_user
    }
    limits {
        a_limit_counts_per_user_and_virtual_proxy
        two_hundred_at_once_with_a_limit_of_five_make_five
        sessions_that_have_run_out_do_not_count
        ended_sessions_do_not_count
        a_creation_that_nobody_waits_for_leaves_nothing
    }
    ending {
        an_ended_session_is_gone_for_everybody
        a_session_ends_once
        a_users_sessions_end_at_one_virtual_proxy_only
        whatever_the_predicate_chooses_ends
        many_end_at_once
    }
    watching {
        a_watcher_hears_of_the_end
        an_end_between_finding_and_watching_is_heard
        an_end_races_with_watching_and_is_never_lost
        every_socket_of_a_session_hears_and_no_other
        waiting_can_be_broken_off_and_resumed
        dropping_a_watch_unregisters_it
    }
    sweeping {
        what_has_run_out_is_swept
        sessions_of_a_deleted_virtual_proxy_end
        a_touch_keeps_a_session
        sockets_hear_of_a_timeout
        sweeping_works_after_2038
    }
    tokens {
        a_token_counts_once_per_virtual_proxy
        of_a_hundred_at_once_one_counts
        a_token_is_forgotten_only_after_its_time
        a_token_that_never_runs_out_counts_once_and_keeps_nobody_else_out
    }
}

async fn in_memory() -> (Sessions, ()) {
    (Sessions::in_memory(), ())
}

async fn over_redis() -> (Sessions, RedisServer) {
    let server = RedisServer::start();
    let store = Sessions::open_shared(&support::shared(&server)).await;
    (store.unwrap(), server)
}

/// As `docs/OPERATIONS.md` has it.
async fn over_tls_as_a_user() -> (Sessions, (RedisServer, Authority)) {
    let authority = Authority::new();
    let (server, port) = authority.server("localhost");
    assert_eq!(server.ask(support::documented_user()), "+OK");
    let mut settings = support::shared(&server);
    settings.url = format!("rediss://jotgate:PASSWORD@localhost:{port}").into();
    settings.ca = Some(authority.pem().into());
    let store = Sessions::open_shared(&settings).await;
    (store.unwrap(), (server, authority))
}

/// The sentinel has no users, as with most sites; the servers have the documented one.
#[tokio::test]
async fn over_a_master_that_a_sentinel_names() {
    let redis = WatchedRedis::start(None, false);
    let master = &redis.master;
    assert_eq!(master.ask(support::documented_user()), "+OK");
    let settings = support::shared_at(redis.url("jotgate:PASSWORD@"));
    keeps_every_promise(async || {
        assert_eq!(master.ask("FLUSHALL"), "+OK");
        Sessions::open_shared(&settings).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn over_a_cluster() {
    let cluster = RedisCluster::start();
    let settings = support::shared_at(cluster.url("jotgate:PASSWORD@"));
    in_cluster(&cluster, &settings).await;
}

#[tokio::test]
async fn over_a_cluster_with_tls() {
    let authority = Authority::new();
    let cluster = RedisCluster::with_tls(&authority);
    let mut settings = support::shared_at(cluster.url("jotgate:PASSWORD@"));
    settings.ca = Some(authority.pem().into());
    in_cluster(&cluster, &settings).await;
}

async fn in_cluster(cluster: &RedisCluster, settings: &SharedStore) {
    cluster.tell(support::documented_user());
    keeps_every_promise(async || {
        cluster.tell("FLUSHALL");
        Sessions::open_shared(settings).await.unwrap()
    })
    .await;
}

async fn journaled() -> (Sessions, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let store = Sessions::open(&path, UnixTime(0)).await.unwrap();
    (store, folder)
}
