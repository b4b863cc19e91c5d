//! Sessions to test with.

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{NewSession, SessionSecret};
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
