//! The tables that belong together: a session is in all of them or in none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jotgate_model::{Identity, UnixTime};
use uuid::Uuid;

use super::NewSession;
use super::table::{SHARDS, Table, belong_together, new_public_id};
use super::tokens::UsedTokens;
use super::users::Users;
use super::watch::Watches;
use crate::intern::Interner;
use crate::session::{Origin, PackedText, Parts};
use crate::{EndReason, Session, SessionError, SessionKey, SessionSecret};

/// Bytes that user name and attributes may have together.
const MAX_IDENTITY: usize = 64 * 1024;
const MAX_ADDRESS: usize = 64;
const MAX_USER_AGENT: usize = 256;

/// Everything that requests look at.
pub(crate) struct Memory {
    pub(crate) table: Table,
    pub(crate) users: Users,
    pub(crate) watches: Arc<Watches>,
    pub(crate) used_tokens: UsedTokens,
    origins: Interner<Origin>,
    user_agents: Interner<Box<str>>,
    count: AtomicUsize,
    max_sessions: usize,
    /// Whether other nodes have the same sessions.
    pub(crate) is_shared: bool,
}

/// What a session knows of its beginning.
pub(crate) struct Beginning<'a> {
    pub(crate) virtual_proxy: Uuid,
    pub(crate) identity: &'a Identity,
    pub(crate) created: UnixTime,
    pub(crate) expires: Option<UnixTime>,
    pub(crate) key_fingerprint: Option<[u8; 32]>,
    pub(crate) token_issued: Option<UnixTime>,
    pub(crate) client_address: &'a str,
    pub(crate) user_agent: &'a str,
}

/// A session as the journal has it.
pub(crate) struct Stored<'a> {
    /// Its row.
    pub(crate) number: i64,
    pub(crate) key: SessionKey,
    pub(crate) public_id: Uuid,
    pub(crate) named: bool,
    pub(crate) beginning: Beginning<'a>,
    pub(crate) last_activity: UnixTime,
}

/// What became of a session of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restored {
    Yes,
    /// There is one with its key already.
    KeyTaken,
    /// Key and public id do not belong together.
    Senseless,
}

impl Memory {
    pub(crate) fn new(max_sessions: usize, max_used_tokens: usize) -> Self {
        Self {
            table: Table::new(),
            users: Users::new(),
            watches: Arc::new(Watches::new()),
            used_tokens: UsedTokens::new(max_used_tokens),
            origins: Interner::new(),
            user_agents: Interner::new(),
            count: AtomicUsize::new(0),
            max_sessions,
            is_shared: false,
        }
    }

    /// The same for sessions that other nodes have, too.
    pub(crate) fn shared(max_sessions: usize, max_used_tokens: usize) -> Self {
        Self {
            is_shared: true,
            ..Self::new(max_sessions, max_used_tokens)
        }
    }

    /// Every session that the journal has.
    pub(crate) fn kept(&self) -> Vec<Arc<Session>> {
        let mut kept = Vec::new();
        for shard in 0..SHARDS {
            let choose = |session: &Arc<Session>| {
                (session.is_live() && session.number().is_some()).then(|| Arc::clone(session))
            };
            self.table.collect(shard, &mut kept, choose);
        }
        kept
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Makes a session with that secret that nobody finds until it is published.
    pub(crate) fn reserve(
        &self,
        new: &NewSession,
        secret: &SessionSecret,
    ) -> Result<Arc<Session>, SessionError> {
        check_identity(&new.identity)?;
        let named = new.secret.is_some();
        // A named secret is an id as well, and must not be somebody else's public id.
        if named && self.table.find_public(secret.expose()).is_some() {
            return Err(SessionError::IdTaken);
        }
        let key = secret.key();
        let beginning = Beginning::of(new);
        let session = Arc::new(self.build(key, new_public_id(&key), named, &beginning));
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count < self.max_sessions).then_some(count + 1)
            })
            .map_err(|_| SessionError::Unavailable)?;
        let counts =
            |other: &Session| other.ended().is_none() && other.state(&new.rules, new.now).is_live();
        if !self.users.add(&session, new.max_per_user, counts) {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(SessionError::Exhausted);
        }
        if !self.table.insert(&session) {
            self.users.remove(&session);
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(SessionError::IdTaken);
        }
        Ok(session)
    }

    /// Takes over what the journal has.
    pub(crate) fn restore(&self, stored: &Stored<'_>) -> Restored {
        if !belong_together(&stored.key, &stored.public_id) {
            return Restored::Senseless;
        }
        let session = self.build(
            stored.key,
            stored.public_id,
            stored.named,
            &stored.beginning,
        );
        session.see_use(stored.last_activity);
        session.set_number(stored.number);
        session.publish();
        let session = Arc::new(session);
        if !self.table.insert(&session) {
            return Restored::KeyTaken;
        }
        self.users.add(&session, None, |_| true);
        self.count.fetch_add(1, Ordering::Relaxed);
        Restored::Yes
    }

    /// Ends a session: from here on nobody finds it, and its sockets know. `false` when it had
    /// ended before.
    pub(crate) fn finish(&self, session: &Arc<Session>, reason: EndReason) -> bool {
        if !session.finish(reason) {
            return false;
        }
        self.table.remove(session);
        self.users.remove(session);
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.watches.wake(session);
        true
    }

    fn build(
        &self,
        key: SessionKey,
        public_id: Uuid,
        named: bool,
        beginning: &Beginning<'_>,
    ) -> Session {
        let Identity { user, attributes } = beginning.identity;
        Session::pending(&Parts {
            key,
            public_id,
            named,
            shared: self.is_shared,
            origin: self.origins.intern(Origin {
                virtual_proxy: beginning.virtual_proxy,
                directory: user.directory.clone(),
                key_fingerprint: beginning.key_fingerprint,
                attribute_names: PackedText::pack(attributes.iter().map(|(name, _)| &**name)),
            }),
            user_agent: self
                .user_agents
                .intern(cut(beginning.user_agent, MAX_USER_AGENT).into()),
            user_id: &user.id,
            attributes,
            client_address: cut(beginning.client_address, MAX_ADDRESS),
            created: beginning.created,
            expires: beginning.expires,
            token_issued: beginning.token_issued,
        })
    }
}

impl<'a> Beginning<'a> {
    fn of(new: &'a NewSession) -> Self {
        Self {
            virtual_proxy: new.virtual_proxy,
            identity: &new.identity,
            created: new.now,
            expires: new.expires,
            key_fingerprint: new.key_fingerprint,
            token_issued: new.token_issued,
            client_address: &new.client_address,
            user_agent: &new.user_agent,
        }
    }
}

fn check_identity(identity: &Identity) -> Result<(), SessionError> {
    let user = &identity.user;
    let attributes = identity.attributes.iter();
    let length = attributes
        .map(|(name, value)| name.len() + value.len())
        .fold(user.directory.len() + user.id.len(), usize::saturating_add);
    if length > MAX_IDENTITY {
        return Err(SessionError::IdentityTooLarge);
    }
    Ok(())
}

/// The longest beginning of `text` that has at most `length` bytes.
fn cut(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}
