//! The store: what the rest of Jotgate sees.

mod memory;
mod notes;
mod reservation;
mod sweep;
mod table;
mod tokens;
mod upgrade;
mod users;
mod watch;

use std::path::Path;
use std::sync::Arc;

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use uuid::Uuid;

pub(crate) use self::memory::{Beginning, Memory, Restored, Stored};
pub use self::notes::Note;
use self::reservation::Reservation;
use self::sweep::Sweeper;
pub(crate) use self::table::SHARDS;
pub(crate) use self::tokens::TokenId;
use self::tokens::Use;
pub use self::upgrade::SharedSessions;
pub use self::watch::SessionWatch;
use crate::journal::Journal;
use crate::redis::{Asker, Limit, Pulse, SharedStore};
use crate::tickets::{TICKET_LIFETIME, Ticket, Tickets};
use crate::{EndReason, OpenError, Session, SessionError, SessionKey, SessionSecret, redis};

/// How many sessions one store holds; the next one gets [`SessionError::Unavailable`].
pub const MAX_SESSIONS: usize = 4_000_000;

/// How many used token ids one store remembers; the next one gets [`SessionError::Unavailable`].
pub const MAX_USED_TOKENS: usize = 1_000_000;

/// What a session is made from.
#[derive(Debug)]
pub struct NewSession {
    /// Where the user signed in.
    pub virtual_proxy: Uuid,
    /// Who, with which attributes; at most 64 KiB of text.
    pub identity: Identity,
    /// When.
    pub now: UnixTime,
    /// The fixed end: the token's `exp` or the longest lifetime, whichever comes first.
    pub expires: Option<UnixTime>,
    /// The SHA-256 of the key that verified the token.
    pub key_fingerprint: Option<[u8; 32]>,
    /// The token's `iat`.
    pub token_issued: Option<UnixTime>,
    /// Where the client called from; cut to 64 bytes.
    pub client_address: Box<str>,
    /// What the client calls itself; cut to 256 bytes.
    pub user_agent: Box<str>,
    /// A secret that a program names (QPS `POST /session`), or nothing to get a random one.
    pub secret: Option<SessionSecret>,
    /// How many sessions the user may have at the virtual proxy, this one included.
    pub max_per_user: Option<u32>,
    /// The rules of the virtual proxy: sessions that have run out under them do not count.
    pub rules: SessionRules,
}

/// All sessions of this gateway. A clone is another handle to the same ones; any thread and any
/// runtime may use it.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    memory: Arc<Memory>,
    journal: Option<Journal>,
    sweeper: Sweeper,
    tickets: Tickets,
    remembers_tokens_since: UnixTime,
    shared: Option<Shared>,
}

/// What there is beside the journal when several nodes share it.
struct Shared {
    asker: Asker,
    pulse: Arc<Pulse>,
}

impl Sessions {
    /// A store that forgets everything with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        let memory = Memory::new(MAX_SESSIONS, MAX_USED_TOKENS);
        Self::new(Arc::new(memory), None, UnixTime(i64::MIN), None)
    }

    /// A store with the journal at `path`, which is made when it does not exist. Must be called on
    /// the tokio runtime, with timers, that the writing task is to live on; the store itself can be
    /// used from any. Takes about 5 µs for each session in the journal.
    ///
    /// # Errors
    /// When the journal is not usable; the file is left as it is.
    pub async fn open(path: &Path, now: UnixTime) -> Result<Self, OpenError> {
        let memory = Arc::new(Memory::new(MAX_SESSIONS, MAX_USED_TOKENS));
        let (journal, began) = Journal::open(path, now, &memory).await?;
        Ok(Self::new(memory, Some(journal), began, None))
    }

    /// A store that other nodes share. Must be called on the tokio runtime, with timers, that its tasks
    /// are to live on; the store itself can be used from any. Reads all sessions first.
    ///
    /// # Errors
    /// The URL cannot be read, nobody answers there, or it is a store that cannot be used.
    pub async fn open_shared(settings: &SharedStore) -> Result<Self, OpenError> {
        let memory = Arc::new(Memory::shared(MAX_SESSIONS, MAX_USED_TOKENS));
        let opened = redis::open(settings, &memory).await?;
        let journal = Journal::over_redis(opened.storage, &memory);
        let shared = Shared {
            asker: opened.asker,
            pulse: opened.pulse,
        };
        let since = UnixTime(i64::MIN);
        Ok(Self::new(memory, Some(journal), since, Some(shared)))
    }

    fn new(
        memory: Arc<Memory>,
        journal: Option<Journal>,
        since: UnixTime,
        shared: Option<Shared>,
    ) -> Self {
        Self(Arc::new(Inner {
            shared,
            memory,
            journal,
            sweeper: Sweeper::default(),
            tickets: Tickets::default(),
            remembers_tokens_since: since,
        }))
    }

    /// The session of that key, if it is there and has not ended. Its time may be up all the same:
    /// see [`Session::state`].
    #[must_use]
    pub fn find(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.0.memory.table.find(key)
    }

    /// Whether what [`Sessions::find`] gives may be relied on. Where several nodes share sessions, it may
    /// not once nothing was heard of the store for the lease: another node may have ended them.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let shared = self.0.shared.as_ref();
        shared.is_none_or(|shared| shared.pulse.is_current())
    }

    /// Whether [`Sessions::find`] may not know of a session that another node has just created: then
    /// [`Sessions::catch_up`] helps.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// Waits until this node knows of everything that was written anywhere before this was called. At
    /// once when nobody else writes. However many wait at a time, the store is asked once.
    ///
    /// # Errors
    /// The shared store does not answer.
    pub async fn catch_up(&self) -> Result<(), SessionError> {
        match &self.0.shared {
            Some(shared) => shared.asker.catch_up().await,
            None => Ok(()),
        }
    }

    /// The session with that public id, or with that secret if a program named it.
    #[must_use]
    pub fn find_public(&self, public_id: &str) -> Option<Arc<Session>> {
        self.0.memory.table.find_public(public_id).or_else(|| {
            let key = SessionKey::from_cookie(public_id.as_bytes())?;
            self.find(&key).filter(|session| session.is_named())
        })
    }

    /// The sessions of a user at a virtual proxy.
    #[must_use]
    pub fn of_user(&self, virtual_proxy: Uuid, user: &User) -> Vec<Arc<Session>> {
        let mut sessions = self.0.memory.users.sessions_of(virtual_proxy, user);
        sessions.retain(|session| session.is_live());
        sessions
    }

    /// Opens a session. When this returns, the session is on disk and can be found; on an error, or
    /// when the future is dropped before it is done, there is none. The secret is handed out here
    /// and nowhere else.
    ///
    /// # Errors
    /// The user has too many, the named id is taken, the identity is too large, or nothing can be
    /// kept at the moment.
    pub async fn create(
        &self,
        mut new: NewSession,
    ) -> Result<(SessionSecret, Arc<Session>), SessionError> {
        if !self.is_current() {
            return Err(SessionError::Unavailable);
        }
        let generated = SessionSecret::generate();
        let limit = self.limit(&new);
        let session = {
            let secret = new.secret.as_ref().unwrap_or(&generated);
            self.0.memory.reserve(&new, secret)?
        };
        let secret = new.secret.take().unwrap_or(generated);
        let reservation = Reservation {
            store: &self.0,
            session: Some(session),
        };
        let written = reservation.write(limit).await;
        // One that has ended meanwhile is not written, and its writer says no more than that.
        written.map_err(|error| reservation.ended().map_or(error, SessionError::Ended))?;
        Ok((secret, reservation.publish()?))
    }

    /// What other nodes' sessions of the user have to be counted with.
    fn limit(&self, new: &NewSession) -> Option<Limit> {
        let max = new.max_per_user.filter(|_| self.is_shared())?;
        let users = &self.0.memory.users;
        let known = users.sessions_of(new.virtual_proxy, &new.identity.user);
        let run_out = known
            .iter()
            .filter(|session| !session.state(&new.rules, new.now).is_live());
        Some(Limit {
            max,
            run_out: run_out.map(|session| session.key()).collect(),
        })
    }

    /// Ends the session of that key and gives it back; `None` when there is none. It is over for
    /// requests and sockets at once, and on disk when this returns.
    ///
    /// # Errors
    /// The end could not be written. It holds all the same, and is written as soon as possible; a
    /// crash before that brings the session back.
    pub async fn end(
        &self,
        key: &SessionKey,
        reason: EndReason,
    ) -> Result<Option<Arc<Session>>, SessionError> {
        let ended = self.end_all(self.find(key).into_iter().collect(), reason);
        Ok(ended.await?.pop())
    }

    /// Ends every session for which `predicate` is true, and gives those back. Looks at all;
    /// `predicate` must be quick and not call the store.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn end_where(
        &self,
        reason: EndReason,
        predicate: impl Fn(&Session) -> bool,
    ) -> Result<Vec<Arc<Session>>, SessionError> {
        let chosen = self.collect(|session| predicate(session));
        self.end_all(chosen, reason).await
    }

    /// Ends the sessions of a user at a virtual proxy, those included that are being created.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn end_user(
        &self,
        virtual_proxy: Uuid,
        user: &User,
        reason: EndReason,
    ) -> Result<Vec<Arc<Session>>, SessionError> {
        self.end_user_but(virtual_proxy, user, None, reason).await
    }

    /// As [`Sessions::end_user`], without the session that has the public id `kept`.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn end_user_but(
        &self,
        virtual_proxy: Uuid,
        user: &User,
        kept: Option<&str>,
        reason: EndReason,
    ) -> Result<Vec<Arc<Session>>, SessionError> {
        let mut chosen = self.0.memory.users.sessions_of(virtual_proxy, user);
        chosen.retain(|session| Some(session.public_id()) != kept);
        self.end_all(chosen, reason).await
    }

    /// The sessions of one virtual proxy, or all. Looks at all.
    #[must_use]
    pub fn list(&self, virtual_proxy: Option<Uuid>) -> Vec<Arc<Session>> {
        self.collect(|session| {
            session.is_live() && virtual_proxy.is_none_or(|id| session.virtual_proxy() == id)
        })
    }

    /// How many sessions there are, with those whose time is up but that were not swept yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.memory.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Registers a socket of the session.
    #[must_use]
    pub fn watch(&self, session: &Arc<Session>) -> SessionWatch {
        self.0.memory.watches.watch(session)
    }

    /// Closes the sockets of every session for which `must_close` is true; the sessions go on. Looks at
    /// all sessions with sockets; `must_close` must be quick and not call the store.
    pub fn close_sockets(&self, must_close: impl Fn(&Session) -> bool) {
        self.0.memory.watches.close(must_close);
    }

    /// How many sockets of the session are registered.
    #[must_use]
    pub fn open_sockets(&self, session: &Arc<Session>) -> usize {
        self.0.memory.watches.sockets(session)
    }

    /// Ends what has run out, and gives how many that were. `rules` gives the current rules of a
    /// virtual proxy, or `None` when it no longer exists.
    ///
    /// Looks at every session with sockets, and at about 16,000 of the others; the next call goes
    /// on with the next ones. Meant to be called a few times a second. `rules` must be quick and
    /// not call the store. Does not wait for the disk: what has run out has also run out after a
    /// crash.
    #[expect(clippy::unused_async, reason = "a store over the network has to wait")]
    pub async fn sweep(
        &self,
        now: UnixTime,
        rules: impl Fn(Uuid) -> Option<SessionRules>,
    ) -> usize {
        if let Some(shared) = &self.0.shared
            && shared.pulse.sockets_must_close()
        {
            self.close_sockets(|_| true);
        }
        let ended = self.0.sweeper.sweep(&self.0.memory, now, rules);
        let count = ended.len();
        if let Some(journal) = &self.0.journal {
            journal.end_later(ended);
            journal.forget_tokens(now);
        }
        count
    }

    /// Uses a token that counts once: `true` the first time that this `jti` comes to this virtual
    /// proxy. On disk when this returns, and remembered until `until`, when the token runs out. A
    /// token counts as used when the future is dropped before it is done.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when it could not be written or [`MAX_USED_TOKENS`] are
    /// remembered: the caller refuses the token.
    pub async fn use_token_id(
        &self,
        virtual_proxy: Uuid,
        jti: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, SessionError> {
        let id = TokenId::new(virtual_proxy, jti);
        let until = match self.0.memory.used_tokens.take(id, until, now) {
            Use::First(until) => until,
            Use::Again => return Ok(false),
            Use::Full => return Err(SessionError::Unavailable),
        };
        let Some(journal) = &self.0.journal else {
            return Ok(true);
        };
        let written = journal.use_token(id, until, now).await;
        if written.is_err() {
            self.0.memory.used_tokens.give_back(id);
        }
        written
    }

    /// Makes a ticket, which is good for [`TICKET_LIFETIME`](crate::TICKET_LIFETIME) seconds. A restart forgets it.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when too many are under way, or the store does not answer.
    pub async fn issue_ticket(
        &self,
        ticket: Ticket,
        now: UnixTime,
    ) -> Result<SessionSecret, SessionError> {
        let Some(shared) = &self.0.shared else {
            return self.0.tickets.issue(ticket, now);
        };
        let secret = SessionSecret::generate();
        let until = shared.pulse.to_store(now.plus(TICKET_LIFETIME));
        let text = ticket.to_text(until);
        let kept = shared
            .asker
            .keep_ticket(secret.key(), text, TICKET_LIFETIME);
        kept.await.map(|()| secret)
    }

    /// What a ticket stands for, once: it is gone, also when it was brought too late or to the wrong
    /// virtual proxy.
    ///
    /// # Errors
    /// The shared store does not answer: whether the ticket is good is not known.
    pub async fn redeem_ticket(
        &self,
        virtual_proxy: Uuid,
        ticket: &[u8],
        now: UnixTime,
    ) -> Result<Option<Ticket>, SessionError> {
        let Some(shared) = &self.0.shared else {
            return Ok(self.0.tickets.redeem(virtual_proxy, ticket, now));
        };
        let Some(key) = SessionKey::from_cookie(ticket) else {
            return Ok(None);
        };
        let text = shared.asker.take_ticket(key).await?;
        let now = shared.pulse.to_store(now);
        let ticket = text.and_then(|text| Ticket::from_text(&text, now));
        Ok(ticket.filter(|ticket| ticket.virtual_proxy == virtual_proxy))
    }

    /// Since when no used token was forgotten: when the journal began. A token issued before may
    /// have been used without this store knowing; a virtual proxy with single use refuses it. A
    /// store without a journal gives the beginning of time.
    #[must_use]
    pub fn remembers_tokens_since(&self) -> UnixTime {
        match &self.0.shared {
            Some(shared) => shared.pulse.to_local(shared.pulse.store().began),
            None => self.0.remembers_tokens_since,
        }
    }

    /// Whether nobody can sign in: the last attempt to write to the journal failed, or it is
    /// closed. Becomes false within a second or two of the disk taking writes again.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        !self.is_current() || self.0.journal.as_ref().is_some_and(Journal::is_failing)
    }

    /// Writes everything that is not on disk yet, last activity included.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn flush(&self) -> Result<(), SessionError> {
        match &self.0.journal {
            Some(journal) => journal.flush().await,
            None => Ok(()),
        }
    }

    /// Writes everything and closes the journal. Sessions can still be found and, in memory, ended;
    /// no new ones can be created.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn close(&self) -> Result<(), SessionError> {
        match &self.0.journal {
            Some(journal) => journal.close().await,
            None => Ok(()),
        }
    }

    fn collect(&self, choose: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let choose = |session: &Arc<Session>| choose(session).then(|| Arc::clone(session));
            self.0.memory.table.collect(shard, &mut found, choose);
        }
        found
    }

    async fn end_all(
        &self,
        mut sessions: Vec<Arc<Session>>,
        reason: EndReason,
    ) -> Result<Vec<Arc<Session>>, SessionError> {
        sessions.retain(|session| self.0.memory.finish(session, reason));
        if let Some(journal) = &self.0.journal {
            // Also with nothing to end: the caller may ask again after a failed attempt.
            journal.end(sessions.clone()).await?;
        }
        Ok(sessions)
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
