//! What somebody who can read Redis learns: nothing that lets them in, and nobody's name.

use jotgate_model::{Identity, User};
use jotgate_session::{Sessions, Ticket};

use crate::support::{NOW, VP, limited, new_session, shared};
use crate::two_nodes;

#[tokio::test]
async fn neither_secrets_nor_people_can_be_read() {
    let (server, one, _other) = two_nodes().await;
    let (secret, session) = one.create(limited("boz-the-user", 3)).await.unwrap();
    let ticket = Ticket {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example-directory", "ticket-user"),
            attributes: vec![("Group".into(), "ticket-group".into())],
        },
    };
    let ticket = one.issue_ticket(ticket, NOW).await.unwrap();
    one.use_token_id(VP, "a-readable-jti", NOW.plus(60), NOW)
        .await
        .unwrap();
    let everything = server.dump();
    let has = |text: &[u8]| everything.windows(text.len()).any(|part| part == text);
    assert!(has(b"{jotgate}:sessions"), "the dump is one");
    assert!(
        has(session.key().as_bytes()),
        "values are stored as they are"
    );
    for hidden in [
        secret.expose(),
        ticket.expose(),
        "boz-the-user",
        "boz@example.com",
        "finance",
        "192.0.2.1",
        "Mozilla",
        "ticket-user",
        "ticket-group",
        "a-readable-jti",
    ] {
        assert!(!has(hidden.as_bytes()), "{hidden}");
    }
}

#[tokio::test]
async fn a_node_with_another_cluster_key_lets_nobody_in() {
    let (server, one, _other) = two_nodes().await;
    let (secret, _) = one.create(new_session("boz")).await.unwrap();
    let mut settings = shared(&server);
    settings.cluster_key = b"another cluster key of 32 bytes.."[..].to_vec().into();
    let stranger = Sessions::open_shared(&settings).await.unwrap();
    assert!(stranger.find(&secret.key()).is_none());
    one.create(new_session("mary")).await.unwrap();
    stranger.catch_up().await.unwrap();
    assert!(stranger.is_empty());
}

#[tokio::test]
async fn a_session_that_was_moved_to_another_key_lets_nobody_in() {
    let (server, one, _other) = two_nodes().await;
    one.create(new_session("boz")).await.unwrap();
    // Whoever can write puts the value of a session under the hash of a secret of their own.
    let forged = "EVAL redis.call('hset',KEYS[1],ARGV[1],redis.call('hget',KEYS[1],redis.call('hkeys',KEYS[1])[1]));return(redis.call('zadd',KEYS[2],'1800000000',ARGV[1])) 2 {jotgate}:sessions {jotgate}:activity 0123456789abcdef0123456789abcdef";
    assert_eq!(server.ask(forged), ":1");
    let node = Sessions::open_shared(&shared(&server)).await.unwrap();
    assert_eq!(node.len(), 1);
}

#[tokio::test]
async fn a_ticket_that_was_put_back_is_as_old_as_it_is() {
    let (server, one, other) = two_nodes().await;
    let ticket = Ticket {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example", "boz"),
            attributes: Vec::new(),
        },
    };
    let secret = one.issue_ticket(ticket.clone(), NOW).await.unwrap();
    let text = secret.expose().as_bytes();
    let copy = "EVAL return(redis.call('copy',redis.call('keys','*:ticket:*')[1],'copy')) 0";
    assert_eq!(server.ask(copy), ":1");
    let redeemed = other.redeem_ticket(VP, text, NOW.plus(50)).await;
    assert_eq!(redeemed, Ok(Some(ticket)));
    // Whoever can write puts it back when its minute is over.
    let key: String = secret
        .key()
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let back = format!("RENAME copy {{jotgate}}:ticket:{key}");
    assert_eq!(server.ask(&back), "+OK");
    let redeemed = other.redeem_ticket(VP, text, NOW.plus(70)).await;
    assert_eq!(redeemed, Ok(None));
}
