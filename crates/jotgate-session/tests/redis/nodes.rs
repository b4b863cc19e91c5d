//! What one node does, the other knows.

use jotgate_model::{Identity, User};
use std::time::Duration;

use jotgate_session::{EndReason, Note, SessionError, Sessions, Ticket};

use crate::support::{NOW, OTHER_VP, RULES, VP, limited, named, new_session, shared};
use crate::{eventually, node, two_nodes};

#[tokio::test]
async fn a_session_of_one_node_is_found_at_the_other_with_all_that_it_was_made_from() {
    let (_server, one, other) = two_nodes().await;
    let (secret, session) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    let found = other.find(&secret.key()).unwrap();
    assert_eq!(found.public_id(), session.public_id());
    assert_eq!(found.user(), session.user());
    assert!(found.attributes().eq(session.attributes()));
    assert_eq!(found.created(), session.created());
    assert_eq!(found.key_fingerprint(), session.key_fingerprint());
    assert_eq!(found.token_issued(), session.token_issued());
    assert_eq!(found.client_address(), session.client_address());
    assert_eq!(found.user_agent(), session.user_agent());
    assert_eq!(other.of_user(VP, &session.user()).len(), 1);
}

#[tokio::test]
async fn an_end_at_one_node_reaches_the_sockets_of_the_other() {
    let (_server, one, other) = two_nodes().await;
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    let found = other.find(&secret.key()).unwrap();
    let mut watch = other.watch(&found);
    let ended = one.end(&secret.key(), EndReason::LoggedOut).await.unwrap();
    assert!(ended.is_some());
    assert_eq!(watch.ended().await, EndReason::LoggedOut);
    assert!(other.find(&secret.key()).is_none());
    // The other way round, and of a session that this node did not make.
    let (secret, session) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    let user = session.user();
    let ended = other.end_user(VP, &user, EndReason::UserBlocked).await;
    assert_eq!(ended.unwrap().len(), 1);
    eventually("the first node hears of it", || {
        session.ended() == Some(EndReason::UserBlocked)
    })
    .await;
    assert!(one.find(&secret.key()).is_none());
}

#[tokio::test]
async fn a_node_that_starts_later_has_everything() {
    let (server, one, _other) = two_nodes().await;
    let users: Vec<_> = (0..2_500).map(|number| format!("user{number}")).collect();
    let created = users.iter().map(|user| one.create(new_session(user)));
    let mut secrets = Vec::new();
    for created in futures_util::future::join_all(created).await {
        let (secret, session) = created.unwrap();
        session.touch(NOW.plus(100));
        secrets.push(secret);
    }
    one.end(&secrets[7].key(), EndReason::LoggedOut)
        .await
        .unwrap();
    one.flush().await.unwrap();
    let third = node(&server).await;
    assert_eq!(third.len(), 2_499);
    for (number, secret) in secrets.iter().enumerate() {
        let found = third.find(&secret.key());
        assert_eq!(found.is_some(), number != 7, "{number}");
        let used = found.map(|session| session.last_activity());
        assert!(used.is_none_or(|at| at == NOW.plus(120)), "rounded up");
    }
}

#[tokio::test]
async fn a_use_at_one_node_keeps_the_session_at_the_other() {
    let (_server, one, other) = two_nodes().await;
    let (secret, session) = one.create(new_session("boz")).await.unwrap();
    other.catch_up().await.unwrap();
    session.touch(NOW.plus(1_000));
    one.flush().await.unwrap();
    other.catch_up().await.unwrap();
    let found = other.find(&secret.key()).unwrap();
    assert!(found.state(&RULES, NOW.plus(2_799)).is_live());
    assert_eq!(other.sweep(NOW.plus(2_799), |_| Some(RULES)).await, 0);
    // It is not written once more for a use within the time that it was rounded up by.
    assert_eq!(found.last_activity(), NOW.plus(1_020));
    session.touch(NOW.plus(1_019));
    assert_eq!(session.last_activity(), NOW.plus(1_020));
}

#[tokio::test]
async fn a_limit_counts_the_sessions_of_all_nodes() {
    let (_server, one, other) = two_nodes().await;
    let creations = (0..100).map(|number| {
        let store = if number % 2 == 0 { &one } else { &other };
        store.create(limited("boz", 5))
    });
    let results = futures_util::future::join_all(creations).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    let refused = results.iter().filter_map(|result| result.as_ref().err());
    assert!(
        refused
            .into_iter()
            .all(|error| *error == SessionError::Exhausted)
    );
    one.catch_up().await.unwrap();
    other.catch_up().await.unwrap();
    assert_eq!((one.len(), other.len()), (5, 5));
    // What has run out does not count, nor does what has ended.
    let user = User::new("example", "boz");
    one.end_user(VP, &user, EndReason::LoggedOut).await.unwrap();
    other.create(limited("boz", 1)).await.unwrap();
    let mut later = limited("boz", 1);
    later.now = NOW.plus(10_000);
    one.catch_up().await.unwrap();
    one.create(later).await.unwrap();
}

#[tokio::test]
async fn a_named_id_is_taken_at_all_nodes() {
    const NAME: &str = "a-name-of-a-program";
    let (_server, one, other) = two_nodes().await;
    let (one_result, other_result) =
        futures_util::future::join(one.create(named("a", NAME)), other.create(named("b", NAME)))
            .await;
    assert_eq!(
        [one_result.is_ok(), other_result.is_ok()]
            .iter()
            .filter(|ok| **ok)
            .count(),
        1
    );
    for store in [&one, &other] {
        eventually("both know it", || store.find_public(NAME).is_some()).await;
    }
    // After its end another session may have the name, also at the other node.
    let key = one.find_public(NAME).unwrap().key();
    one.end(&key, EndReason::LoggedOut).await.unwrap();
    other.catch_up().await.unwrap();
    let (_, session) = other.create(named("c", NAME)).await.unwrap();
    one.catch_up().await.unwrap();
    assert_eq!(one.find_public(NAME).unwrap().user_id(), "c");
    assert_eq!(
        session.ended(),
        None,
        "the end of the older one is not its own"
    );
}

#[tokio::test]
async fn a_token_counts_once_at_all_nodes() {
    let (server, one, other) = two_nodes().await;
    let uses = (0..100).map(|number| {
        let store = if number % 2 == 0 { &one } else { &other };
        store.use_token_id(VP, "one", NOW.plus(60), NOW)
    });
    let results = futures_util::future::join_all(uses).await;
    assert_eq!(results.iter().filter(|r| **r == Ok(true)).count(), 1);
    let elsewhere = other.use_token_id(OTHER_VP, "one", NOW.plus(60), NOW).await;
    assert_eq!(elsewhere, Ok(true));
    // What a node tried its rights with is gone in a millisecond.
    let kept = || server.ask("EVAL return(#redis.call('keys','*token*')) 0");
    eventually("the two tokens alone", || kept() == ":2").await;
    // Remembered for as long as the token counts and a margin, by the clock of the store.
    let scan = server.ask("EVAL return(redis.call('pttl',redis.call('keys','*token*')[1])) 0");
    let left: i64 = scan.trim_start_matches(':').parse().unwrap();
    assert!((300_000..=360_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_ticket_of_one_node_is_redeemed_at_the_other_once() {
    let (_server, one, other) = two_nodes().await;
    let ticket = Ticket {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example", "boz"),
            attributes: vec![("Group".into(), "sales".into())],
        },
    };
    let secret = one.issue_ticket(ticket.clone(), NOW).await.unwrap();
    let text = secret.expose().as_bytes();
    let redeemed = other.redeem_ticket(VP, text, NOW).await.unwrap();
    assert_eq!(redeemed, Some(ticket.clone()));
    for store in [&one, &other] {
        assert_eq!(store.redeem_ticket(VP, text, NOW).await, Ok(None));
    }
    // Shown at the wrong place, it is gone.
    let secret = one.issue_ticket(ticket, NOW).await.unwrap();
    let text = secret.expose().as_bytes();
    assert_eq!(other.redeem_ticket(OTHER_VP, text, NOW).await, Ok(None));
    assert_eq!(one.redeem_ticket(VP, text, NOW).await, Ok(None));
}

#[tokio::test]
async fn a_note_of_one_node_is_read_at_the_other_under_its_name_only() {
    let (server, one, other) = two_nodes().await;
    let claim = Duration::from_secs(10);
    assert_eq!(one.note_or_claim("keys", claim).await, Ok(Note::ToWrite));
    assert_eq!(other.note_or_claim("keys", claim).await, Ok(Note::Awaited));
    assert_eq!(other.note_or_claim("more", claim).await, Ok(Note::ToWrite));
    let keep = Duration::from_secs(60);
    one.leave_note("keys", b"the text", keep).await.unwrap();
    for node in [&one, &other] {
        match node.note_or_claim("keys", claim).await.unwrap() {
            Note::Text(text, age) => {
                assert_eq!(text, b"the text");
                assert!(age < Duration::from_secs(10), "{age:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    // Who reads Redis learns nothing, and who writes there can pass nothing off as a note.
    let everything = server.dump();
    assert!(!everything.windows(8).any(|part| part == b"the text"));
    let mut settings = shared(&server);
    settings.cluster_key = b"another cluster key of 32 bytes.."[..].to_vec().into();
    let stranger = Sessions::open_shared(&settings).await.unwrap();
    let found = stranger.note_or_claim("keys", claim).await;
    assert_eq!(found, Ok(Note::Awaited), "it cannot be read");
}
