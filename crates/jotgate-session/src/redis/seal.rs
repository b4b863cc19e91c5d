//! What makes values in Redis unreadable, and users in it unknown.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use jotgate_model::User;
use uuid::Uuid;

use super::key;
use crate::SessionKey;

/// What a value is: a session cannot be taken for a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    Session = 1,
    Ticket = 2,
    Note = 3,
}

/// Keys derived from the cluster key, one for each use (RFC 5869).
pub(crate) struct Seal {
    values: RandomizedNonceKey,
    users: hmac::Key,
}

impl Seal {
    pub(crate) fn new(cluster_key: &[u8]) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"jotgate session store 1");
        let secret = salt.extract(cluster_key);
        let values = derive(&secret, b"values");
        let users = derive(&secret, b"users");
        Self {
            // 32 bytes are what the algorithm takes; another length cannot come.
            values: RandomizedNonceKey::new(&AES_256_GCM, &values)
                .expect("AES-256 takes a key of 32 bytes"),
            users: hmac::Key::new(hmac::HMAC_SHA256, &users),
        }
    }

    /// `text`, readable only by who has the cluster key, and only as the value of `owner`.
    pub(crate) fn seal(&self, purpose: Purpose, owner: &SessionKey, text: Vec<u8>) -> Vec<u8> {
        let mut body = text;
        // Fails for texts of gigabytes only; nothing is sealed then, and nothing opens it.
        let Ok(nonce) = self
            .values
            .seal_in_place_append_tag(bound_to(purpose, owner), &mut body)
        else {
            return Vec::new();
        };
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut body);
        sealed
    }

    /// The text of a sealed value; `None` when it was sealed with another key, or for another owner,
    /// or was altered.
    pub(crate) fn open(
        &self,
        purpose: Purpose,
        owner: &SessionKey,
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let opened = self
            .values
            .open_in_place(nonce, bound_to(purpose, owner), &mut body);
        let length = opened.ok()?.len();
        body.truncate(length);
        Some(body)
    }

    /// The key of the set of a user's sessions at a virtual proxy.
    pub(crate) fn user(&self, virtual_proxy: Uuid, user: &User) -> String {
        let mut text = virtual_proxy.as_bytes().to_vec();
        text.extend_from_slice(&(user.directory.len() as u64).to_be_bytes());
        text.extend_from_slice(user.directory.as_bytes());
        text.extend_from_slice(user.id.as_bytes());
        key(&format!(
            "user:{}",
            hex(hmac::sign(&self.users, &text).as_ref())
        ))
    }
}

fn derive(secret: &hkdf::Prk, purpose: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let info = [purpose];
    secret
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|key| key.fill(&mut bytes))
        .expect("HKDF gives as many bytes as its digest has");
    bytes
}

fn bound_to(purpose: Purpose, owner: &SessionKey) -> Aad<[u8; 33]> {
    let mut bytes = [purpose as u8; 33];
    bytes[1..].copy_from_slice(owner.as_bytes());
    Aad::from(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
    const OWNER: SessionKey = SessionKey::from_bytes([7; 32]);

    #[test]
    fn a_value_opens_for_its_owner_only() {
        let seal = Seal::new(KEY);
        let sealed = seal.seal(Purpose::Session, &OWNER, b"boz".to_vec());
        assert_eq!(
            seal.open(Purpose::Session, &OWNER, &sealed).as_deref(),
            Some(&b"boz"[..])
        );
        let other = SessionKey::from_bytes([8; 32]);
        assert_eq!(seal.open(Purpose::Session, &other, &sealed), None);
        assert_eq!(seal.open(Purpose::Ticket, &OWNER, &sealed), None);
        let stranger = Seal::new(b"another key of thirty-two bytes.");
        assert_eq!(stranger.open(Purpose::Session, &OWNER, &sealed), None);
    }

    #[test]
    fn nothing_of_a_value_shows_and_no_two_are_the_same() {
        let seal = Seal::new(KEY);
        let text = b"boz@example.com boz@example.com".to_vec();
        let one = seal.seal(Purpose::Session, &OWNER, text.clone());
        let two = seal.seal(Purpose::Session, &OWNER, text);
        assert_ne!(one, two);
        assert!(!one.windows(3).any(|part| part == b"boz"));
    }

    #[test]
    fn users_of_two_directories_are_two() {
        let seal = Seal::new(KEY);
        let at = Uuid::from_u128(1);
        let names = [
            seal.user(at, &User::new("ab", "c")),
            seal.user(at, &User::new("a", "bc")),
            seal.user(Uuid::from_u128(2), &User::new("a", "bc")),
        ];
        assert!(names[0] != names[1] && names[1] != names[2]);
        assert!(names.iter().all(|name| name.starts_with("{jotgate}:user:")));
    }

    proptest! {
        #[test]
        fn nothing_that_was_not_sealed_opens(junk in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Seal::new(KEY).open(Purpose::Session, &OWNER, &junk), None);
        }

        #[test]
        fn an_altered_value_does_not_open(at in 0_usize..40, bit in 0_u8..8) {
            let seal = Seal::new(KEY);
            let mut sealed = seal.seal(Purpose::Session, &OWNER, b"twelve bytes".to_vec());
            let at = at % sealed.len();
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(seal.open(Purpose::Session, &OWNER, &sealed), None);
        }
    }
}
