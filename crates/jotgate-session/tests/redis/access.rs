//! Who a node is to the store, and whom it takes for the store: users with few rights, and TLS.

use jotgate_session::{OpenError, Sessions, SharedStore};
use jotgate_test_redis::{Authority, RedisServer};

use crate::support::{self, new_session, shared};

/// What `docs/OPERATIONS.md` says that a user needs, word for word.
fn documented_user() -> Vec<&'static str> {
    support::documented_user().split(' ').collect()
}

/// A server that knows the user with these rights, and the settings of a node that is this user.
fn with_user(words: &[&str]) -> (RedisServer, SharedStore) {
    let server = RedisServer::start();
    assert_eq!(server.ask(&words.join(" ")), "+OK");
    let mut settings = shared(&server);
    settings.url = format!("redis://jotgate:PASSWORD@127.0.0.1:{}", server.port()).into();
    (server, settings)
}

async fn refused(settings: &SharedStore) -> OpenError {
    Sessions::open_shared(settings).await.unwrap_err()
}

#[tokio::test]
async fn a_user_who_lacks_a_right_is_refused_at_the_start() {
    for lacking in ["+@read", "+@write", "+@scripting", "~{jotgate}:*"] {
        let mut words = documented_user();
        words.retain(|word| *word != lacking);
        let (_server, settings) = with_user(&words);
        let error = refused(&settings).await;
        let is_refusal = matches!(error, OpenError::StoreRefuses { .. });
        assert!(is_refusal, "{lacking}: {error}");
        let said = error.to_string();
        assert!(said.contains("docs/OPERATIONS.md"), "{said}");
        assert!(!said.contains("PASSWORD"), "{said}");
    }
}

#[tokio::test]
async fn the_documented_user_may_see_whether_the_store_keeps_what_it_is_given() {
    let (server, settings) = with_user(&documented_user());
    Sessions::open_shared(&settings).await.unwrap();
    assert_eq!(server.ask("CONFIG SET maxmemory 100mb"), "+OK");
    let evict = "CONFIG SET maxmemory-policy volatile-lru";
    assert_eq!(server.ask(evict), "+OK");
    let error = refused(&settings).await;
    assert!(matches!(error, OpenError::StoreEvicts { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_the_reason() {
    let (server, mut settings) = with_user(&documented_user());
    for login in ["jotgate:hunter2", "nobody:hunter2"] {
        settings.url = format!("redis://{login}@127.0.0.1:{}", server.port()).into();
        let error = refused(&settings).await;
        let is_refusal = matches!(error, OpenError::StoreRefuses { .. });
        assert!(is_refusal, "{error}");
        let said = error.to_string();
        assert!(said.contains("user and password"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_stranger_with_a_certificate_is_not_the_store() {
    let authority = Authority::new();
    let (server, port) = authority.server("localhost");
    let mut settings = shared(&server);
    settings.ca = Some(authority.pem().into());
    settings.url = format!("rediss://localhost:{port}").into();
    let node = Sessions::open_shared(&settings).await.unwrap();
    node.create(new_session("boz")).await.unwrap();
    // Another name than the certificate has.
    settings.url = format!("rediss://127.0.0.1:{port}").into();
    let error = refused(&settings).await;
    assert!(matches!(error, OpenError::StoreUntrusted { .. }), "{error}");
    // An authority that is not trusted, by name or because none was named.
    settings.url = format!("rediss://localhost:{port}").into();
    for ca in [Some(Authority::new().pem().into()), None] {
        settings.ca = ca;
        let error = refused(&settings).await;
        assert!(matches!(error, OpenError::StoreUntrusted { .. }), "{error}");
        assert!(error.to_string().contains("--session-store-ca-file"));
    }
    // It speaks TLS where none is expected, and the other way round.
    settings.url = format!("redis://localhost:{port}").into();
    refused(&settings).await;
    settings.url = format!("rediss://localhost:{}", server.port()).into();
    refused(&settings).await;
    settings.ca = Some(authority.pem().into());
    settings.url = server.url().into();
    let error = refused(&settings).await;
    assert!(error.to_string().contains("TLS only"), "{error}");
}
