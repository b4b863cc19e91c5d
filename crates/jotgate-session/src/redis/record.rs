//! A session as it is sealed.

use jotgate_model::{Attributes, Identity, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Pulse;
use super::seal::{Purpose, Seal};
use crate::store::{Beginning, Memory, Restored, Stored};
use crate::{Session, SessionKey};

/// Where the journal has the number of a row, a session that Redis has says so.
pub(super) const KEPT: i64 = 1;

/// One letter a field: there are millions. Unknown fields are ignored: a newer version may have more.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    #[serde(rename = "i")]
    public_id: Uuid,
    #[serde(rename = "n", default)]
    named: bool,
    #[serde(rename = "v")]
    virtual_proxy: Uuid,
    #[serde(rename = "d")]
    directory: Box<str>,
    #[serde(rename = "u")]
    user: Box<str>,
    #[serde(rename = "a", default)]
    attributes: Attributes,
    /// By the store's clock, as the other times.
    #[serde(rename = "c")]
    created: i64,
    #[serde(rename = "e", default)]
    expires: Option<i64>,
    #[serde(rename = "t", default)]
    token_issued: Option<i64>,
    #[serde(rename = "f", default)]
    key_fingerprint: Option<[u8; 32]>,
    #[serde(rename = "p", default)]
    client_address: std::borrow::Cow<'a, str>,
    #[serde(rename = "g", default)]
    user_agent: std::borrow::Cow<'a, str>,
}

/// The form of a session in Redis: its public id, by which an end knows it, then the sealed rest.
pub(super) fn seal_session(seal: &Seal, pulse: &Pulse, session: &Session) -> Vec<u8> {
    let attributes = session.attributes();
    let public_id = public_id(session);
    let record = Record {
        public_id,
        named: session.is_named(),
        virtual_proxy: session.virtual_proxy(),
        directory: session.user_directory().into(),
        user: session.user_id().into(),
        attributes: attributes.map(|(n, v)| (n.into(), v.into())).collect(),
        created: pulse.to_store(session.created()),
        expires: session.expires().map(|time| pulse.to_store(time)),
        token_issued: session.token_issued().map(|time| pulse.to_store(time)),
        key_fingerprint: session.key_fingerprint().copied(),
        client_address: session.client_address().into(),
        user_agent: session.user_agent().into(),
    };
    // Fails for maps with keys that are no text; there are none.
    let text = serde_json::to_vec(&record).unwrap_or_default();
    let sealed = seal.seal(Purpose::Session, &session.key(), text);
    [public_id.as_bytes().as_slice(), &sealed].concat()
}

/// The public id as Redis has it.
pub(super) fn public_id(session: &Session) -> Uuid {
    Uuid::try_parse(session.public_id()).unwrap_or_default()
}

/// The public id of a value.
pub(super) fn split_public_id(value: &[u8]) -> Option<(Uuid, &[u8])> {
    let (id, rest) = value.split_at_checked(16)?;
    Some((Uuid::from_slice(id).ok()?, rest))
}

/// Gives a session as Redis has it to `memory`. One that cannot be opened makes no sense: nobody gets in
/// with it.
pub(super) fn restore_session(
    seal: &Seal,
    pulse: &Pulse,
    memory: &Memory,
    key: SessionKey,
    value: &[u8],
    last_activity: i64,
) -> Restored {
    let opened =
        split_public_id(value).and_then(|(_, sealed)| seal.open(Purpose::Session, &key, sealed));
    let Some(text) = opened else {
        return Restored::Senseless;
    };
    let Ok(record) = serde_json::from_slice::<Record<'_>>(&text) else {
        return Restored::Senseless;
    };
    let identity = Identity {
        user: User::new(&*record.directory, &*record.user),
        attributes: record.attributes,
    };
    let stored = Stored {
        number: KEPT,
        key,
        public_id: record.public_id,
        named: record.named,
        beginning: Beginning {
            virtual_proxy: record.virtual_proxy,
            identity: &identity,
            created: pulse.to_local(record.created),
            expires: record.expires.map(|time| pulse.to_local(time)),
            key_fingerprint: record.key_fingerprint,
            token_issued: record.token_issued.map(|time| pulse.to_local(time)),
            client_address: &record.client_address,
            user_agent: &record.user_agent,
        },
        last_activity: pulse.to_local(last_activity),
    };
    memory.restore(&stored)
}

/// A key as Redis has it.
pub(super) fn key_of(bytes: &[u8]) -> Option<SessionKey> {
    bytes.try_into().ok().map(SessionKey::from_bytes)
}
