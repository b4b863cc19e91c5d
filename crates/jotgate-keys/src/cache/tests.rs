use jotgate_model::{Algorithm, Identity, User};

use super::*;

fn good(user: &str, more: usize) -> Good {
    let verified = Verified {
        identity: Identity {
            user: User::new("example", user),
            attributes: vec![("email".into(), "a".repeat(more).into())],
        },
        expires: Some(UnixTime(1000)),
        not_before: Some(UnixTime(100)),
        issued: Some(UnixTime(50)),
        jti: None,
        issuer: None,
        key_fingerprint: "".into(),
        kid: None,
        algorithm: Algorithm::RS256,
        presented: Arc::default(),
    };
    Good {
        verified: Arc::new(verified),
        hash: TokenHash::of(user.as_bytes()),
    }
}

fn user(found: Option<Good>) -> Option<String> {
    found.map(|good| good.verified.identity.user.id.to_string())
}

#[test]
fn a_verdict_is_found_by_generation_and_whole_token() {
    let cache = VerifiedTokens::default();
    cache.insert(7, b"token-a", good("a", 0));
    cache.insert(7, b"token-b", good("b", 0));
    let at = UnixTime(500);
    assert_eq!(user(cache.get(7, b"token-a", 0, at)).as_deref(), Some("a"));
    assert_eq!(user(cache.get(7, b"token-b", 0, at)).as_deref(), Some("b"));
    assert_eq!(user(cache.get(8, b"token-a", 0, at)), None);
    assert_eq!(user(cache.get(7, b"token-c", 0, at)), None);
    assert_eq!(user(cache.get(7, b"token-", 0, at)), None);
    cache.keep(|generation| generation != 7);
    assert_eq!(cache.len(), 0);
}

/// K2.
#[test]
fn a_verdict_ends_with_its_token() {
    let cache = VerifiedTokens::default();
    let at = |time, skew| {
        cache.insert(1, b"t", good("a", 0));
        cache.get(1, b"t", skew, UnixTime(time)).is_some()
    };
    assert!(at(999, 0));
    assert!(!at(1000, 0));
    assert!(at(1059, 60));
    assert!(!at(1060, 60));
    // The clock was set back.
    assert!(at(100, 0));
    assert!(!at(99, 0));
    assert!(at(40, 60));
    assert!(!at(39, 60));
}

/// K3: bounded in entries and in bytes, and a flood does not push out what is used.
#[test]
fn the_cache_is_bounded_and_keeps_what_is_used() {
    let cache = VerifiedTokens::default();
    let at = UnixTime(500);
    cache.insert(1, b"used", good("used", 0));
    for i in 0..3 * MAX_ENTRIES {
        cache.insert(1, &i.to_le_bytes(), good("a", 0));
        cache.get(1, b"used", 0, at);
    }
    assert!(cache.len() <= MAX_ENTRIES, "{}", cache.len());
    assert!(cache.get(1, b"used", 0, at).is_some());
    let cache = VerifiedTokens::default();
    for i in 0..MAX_ENTRIES {
        cache.insert(2, &i.to_le_bytes(), good("a", 16 * 1024));
    }
    assert!(cache.0.weight() <= MAX_BYTES);
    assert!(cache.len() < 3000, "{}", cache.len());
}
