//! Sessions to test with.

use std::time::Duration;

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{NewSession, SessionSecret, SharedStore};
use jotgate_test_redis::RedisServer;
use uuid::Uuid;

/// When everything begins.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// The virtual proxy of [`new_session`].
pub(crate) const VP: Uuid = Uuid::from_u128(0x11);

/// Another virtual proxy.
pub(crate) const OTHER_VP: Uuid = Uuid::from_u128(0x22);

pub(crate) const RULES: SessionRules = SessionRules {
    inactivity: 1800,
    max_lifetime: None,
    ends_with_token: false,
    max_per_user: None,
};

pub(crate) fn user(id: &str) -> User {
    User::new("example", id)
}

/// A node at that server.
pub(crate) fn shared(server: &RedisServer) -> SharedStore {
    shared_at(server.url())
}

/// A node at that address.
pub(crate) fn shared_at(url: String) -> SharedStore {
    SharedStore {
        url: url.into(),
        ca: None,
        cluster_key: b"a cluster key of thirty-two bytes"[..].to_vec().into(),
        lease: Duration::from_secs(5),
    }
}

/// A session of `example\id` at [`VP`] from [`NOW`].
pub(crate) fn new_session(id: &str) -> NewSession {
    NewSession {
        virtual_proxy: VP,
        identity: Identity {
            user: user(id),
            attributes: vec![
                ("email".into(), "boz@example.com".into()),
                ("Group".into(), "sales".into()),
                ("Group".into(), "finance".into()),
            ],
        },
        now: NOW,
        expires: None,
        key_fingerprint: Some([7; 32]),
        token_issued: Some(UnixTime(1_799_999_990)),
        client_address: "192.0.2.1".into(),
        user_agent: "Mozilla/5.0".into(),
        secret: None,
        max_per_user: None,
        rules: RULES,
    }
}

/// The same with a limit.
pub(crate) fn limited(id: &str, limit: u32) -> NewSession {
    NewSession {
        max_per_user: Some(limit),
        ..new_session(id)
    }
}

/// The same with a secret that a program names.
pub(crate) fn named(id: &str, secret: &str) -> NewSession {
    NewSession {
        secret: SessionSecret::parse(secret.as_bytes()),
        ..new_session(id)
    }
}

/// The command of `docs/OPERATIONS.md` that makes a user with all rights that a node needs.
pub(crate) fn documented_user() -> &'static str {
    let text = include_str!("../../../../docs/OPERATIONS.md");
    let mut lines = text.lines();
    lines
        .find_map(|line| {
            line.strip_prefix("    ")
                .filter(|line| line.starts_with("ACL "))
        })
        .unwrap()
}
