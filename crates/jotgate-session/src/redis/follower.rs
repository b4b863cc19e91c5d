//! Reading what the nodes change, so that every node has the same sessions in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redis::streams::{StreamId, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands as _, Cmd, RedisError, Value, cmd};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::connect::{Connection, Link};
use super::pulse::Store;
use super::record::{key_of, public_id, restore_session, split_public_id};
use super::seal::hex;
use super::storage::Operation;
use super::{Site, VERSION, key};
use crate::secret::fill_random;
use crate::store::{Memory, Restored};
use crate::{EndReason, OpenError, Session, SessionKey};

/// How long a read waits for something new. Each answer says that nothing is missing.
pub(super) const BLOCK: usize = 300;

/// How many changes are read at once.
const AT_ONCE: usize = 1_000;

/// How many sessions are taken over at once.
const PAGE: usize = 1_000;

/// How often clock and id of the store are asked for.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// After a longer silence, the stream may have been cut behind this node's back.
const LONG_SILENCE: Duration = Duration::from_secs(5);

/// How long a session waits for its key: longer than a creation takes.
const WAIT: Duration = Duration::from_secs(10);

/// How soon a lost store is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// A place in the stream: milliseconds and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64, u64);

impl Position {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (millis, number) = text.split_once('-')?;
        Some(Self(millis.parse().ok()?, number.parse().ok()?))
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// The task that reads the stream.
pub(super) struct Follower {
    site: Site,
    memory: Arc<Memory>,
    link: Link,
    position: Position,
    checked: Option<Instant>,
    unsealable: bool,
    /// Sessions whose key a creation at this node holds that the store will refuse.
    waiting: Vec<Waiting>,
}

/// A session that memory could not take yet.
struct Waiting {
    key: SessionKey,
    value: Vec<u8>,
    at: i64,
    until: Instant,
}

/// Key and value of a session, as Redis has them.
type Pair = (Vec<u8>, Vec<u8>);

/// Why following stopped.
enum Broken {
    Redis(RedisError),
    /// What is in the store is not what Jotgate wrote.
    Senseless(&'static str),
    Version(String),
}

impl From<RedisError> for Broken {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Kind and code, never arguments: those of a failed login are secret.
            Self::Redis(error) => write!(f, "{}", describe(error)),
            Self::Senseless(what) => write!(f, "the store has {what}, which Jotgate did not write"),
            Self::Version(found) => write!(
                f,
                "the store is of version {found} and this Jotgate knows version {VERSION}"
            ),
        }
    }
}

/// What is said of an error: its detail comes from the server and holds no secret of ours.
pub(super) fn describe(error: &RedisError) -> String {
    error.to_string()
}

impl Follower {
    pub(super) fn new(site: Site, memory: Arc<Memory>) -> Self {
        Self {
            site,
            memory,
            link: Link::new(),
            position: Position::default(),
            checked: None,
            unsealable: false,
            waiting: Vec::new(),
        }
    }

    /// Connects for the first time and takes over all sessions.
    pub(super) async fn begin(&mut self) -> Result<(), OpenError> {
        self.check_eviction().await?;
        self.connect().await.map_err(|broken| match broken {
            Broken::Version(found) => OpenError::StoreVersion { found },
            other => OpenError::of_store(other.to_string()),
        })
    }

    /// Follows for ever.
    pub(super) async fn run(mut self) {
        let mut failed = false;
        loop {
            let step = self.step().await;
            match &step {
                Err(broken) if !failed => {
                    tracing::error!(
                        error = %broken,
                        "the shared session store cannot be read: nobody can sign in, and after the lease no session counts"
                    );
                }
                Ok(()) if failed => tracing::info!("the shared session store can be read again"),
                _ => {}
            }
            failed = step.is_err();
            if failed {
                self.link.forget();
                self.site.pulse.note_loss();
                sleep(RETRY).await;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Broken> {
        let due = self.checked.is_none_or(|at| at.elapsed() >= CHECK_INTERVAL);
        let (_, is_new) = self.link.get(&self.site).await?;
        if is_new || due || self.site.pulse.silence() > LONG_SILENCE {
            self.connect().await?;
        }
        self.read().await
    }

    /// Makes sure that it is the store that is known, at the place that is known.
    async fn connect(&mut self) -> Result<(), Broken> {
        let (connection, _) = self.link.get(&self.site).await?;
        let (store, millis) = open(connection, &self.site).await?;
        self.site.pulse.set_clock(millis, local_millis());
        self.checked = Some(Instant::now());
        let known = self.site.pulse.store();
        if known.id != store.id {
            if !known.id.is_empty() {
                tracing::error!(
                    "the shared session store has lost its memory: every session has ended, and tokens that count once are refused when they are older"
                );
                self.end_everything();
            }
            self.site.pulse.set_store(store);
            return self.load().await;
        }
        if self.is_continuous().await? {
            return Ok(());
        }
        tracing::warn!("the shared session store was read anew: changes were missed");
        self.load().await
    }

    /// Whether everything after the place that was read last is still in the stream.
    async fn is_continuous(&mut self) -> Result<bool, Broken> {
        let place = self.position.to_string();
        let (connection, _) = self.link.get(&self.site).await?;
        let found: Vec<Value> = cmd("XRANGE")
            .arg(key("changes"))
            .arg(&place)
            .arg(&place)
            .query_async(connection)
            .await?;
        Ok(!found.is_empty())
    }

    /// Reads what is new, or finds that nothing is.
    async fn read(&mut self) -> Result<(), Broken> {
        let asked = Instant::now();
        let options = StreamReadOptions::default().block(BLOCK).count(AT_ONCE);
        let (connection, _) = self.link.get(&self.site).await?;
        let reply: Option<StreamReadReply> = connection
            .xread_options(&[key("changes")], &[self.position.to_string()], &options)
            .await?;
        let entries = reply.into_iter().flat_map(|reply| reply.keys);
        let entries: Vec<StreamId> = entries.flat_map(|key| key.ids).collect();
        if entries.iter().any(|entry| entry.contains_key("o")) {
            // Somebody has found no stream and begun a new one: what stood in the old one may be missing.
            self.position = Position::default();
            return self.connect().await;
        }
        let is_all = entries.len() < AT_ONCE;
        for entry in entries {
            self.take_over(&entry)?;
        }
        self.restore_waiting();
        self.site.pulse.set_position(self.position);
        // Last: from here on a node that was away counts on its memory again, which must not have a session
        // whose end is among the entries.
        if is_all {
            self.site.pulse.heard_at(asked);
        }
        Ok(())
    }

    fn take_over(&mut self, entry: &StreamId) -> Result<(), Broken> {
        let position = Position::parse(&entry.id).ok_or(Broken::Senseless("a strange id"))?;
        let is_own = entry
            .get::<String>("n")
            .is_some_and(|node| node == self.site.pulse.node());
        if !is_own {
            self.apply(entry);
        }
        self.position = position;
        Ok(())
    }

    /// A change of another node. One that makes no sense is passed over: it may be of a newer version.
    fn apply(&mut self, entry: &StreamId) {
        let at: i64 = entry.get("a").unwrap_or_default();
        let field = |name| entry.get::<Vec<u8>>(name);
        if let Some((key, sealed)) = field("c").as_deref().and_then(split_key) {
            self.restore(key, sealed, at);
        } else if let Some((key, rest)) = field("e").as_deref().and_then(split_key)
            && let Some((id, reason)) = split_public_id(rest)
        {
            let reason = reason.first().copied().and_then(EndReason::from_code);
            self.waiting
                .retain(|w| w.key != key || !w.value.starts_with(id.as_bytes()));
            if let Some(session) = self.memory.table.find(&key)
                && public_id(&session) == id
            {
                self.memory
                    .finish(&session, reason.unwrap_or(EndReason::ClosedByServer));
                self.site.recent.add(&[Operation::End(session)]);
            }
        } else if let Some(key) = field("u").as_deref().and_then(key_of)
            && let Some(session) = self.memory.table.find(&key)
        {
            session.see_use(self.site.pulse.to_local(at));
        }
    }

    fn restore(&mut self, key: SessionKey, value: &[u8], at: i64) {
        let Site { seal, pulse, .. } = &self.site;
        match restore_session(seal, pulse, &self.memory, key, value, at) {
            Restored::Yes => {}
            Restored::KeyTaken => {
                let known = self.memory.table.find(&key);
                if known.is_none_or(|known| !is_of(&known, value)) {
                    self.waiting.push(Waiting {
                        key,
                        value: value.to_vec(),
                        at,
                        until: Instant::now() + WAIT,
                    });
                }
            }
            Restored::Senseless if self.unsealable => {}
            Restored::Senseless => {
                self.unsealable = true;
                tracing::error!(
                    "the shared session store has sessions that were sealed with another cluster key, or altered; nobody gets in with them"
                );
            }
        }
    }

    /// Tries once more what memory could not take.
    fn restore_waiting(&mut self) {
        let now = Instant::now();
        for waiting in std::mem::take(&mut self.waiting) {
            let Waiting {
                key,
                value,
                at,
                until,
            } = waiting;
            if now < until {
                let before = self.waiting.len();
                self.restore(key, &value, at);
                if let Some(again) = self.waiting.get_mut(before) {
                    again.until = until;
                }
            }
        }
    }

    /// Takes over every session, ends those that are no longer there, and begins to follow at the place
    /// where the stream was before.
    async fn load(&mut self) -> Result<(), Broken> {
        let position = {
            let (connection, _) = self.link.get(&self.site).await?;
            last_position(connection).await?
        };
        let known: Vec<Arc<Session>> = self.memory.kept();
        let ended = self.site.recent.ended();
        let mut seen = HashMap::new();
        let mut cursor = 0_u64;
        loop {
            let (next, page) = self.page(cursor).await?;
            for (key, (value, at)) in page {
                let id = split_public_id(&value).map(|(id, _)| id);
                seen.insert(key, id.unwrap_or_default());
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                if !ended.contains(&(key, id)) {
                    self.restore(key, &value, at);
                }
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        self.end_what_is_gone(known, &seen).await?;
        self.position = position;
        self.site.pulse.next_generation();
        self.site.pulse.set_position(position);
        Ok(())
    }

    async fn page(
        &mut self,
        cursor: u64,
    ) -> Result<(u64, HashMap<SessionKey, (Vec<u8>, i64)>), Broken> {
        let (connection, _) = self.link.get(&self.site).await?;
        let (next, pairs): (u64, Vec<Pair>) = cmd("HSCAN")
            .arg(key("sessions"))
            .arg(cursor)
            .arg("COUNT")
            .arg(PAGE)
            .query_async(connection)
            .await?;
        let mut page = HashMap::with_capacity(pairs.len());
        if pairs.is_empty() {
            return Ok((next, page));
        }
        let mut ask = cmd("ZMSCORE");
        ask.arg(key("activity"));
        for (key, _) in &pairs {
            ask.arg(key.as_slice());
        }
        let times: Vec<Option<f64>> = ask.query_async(connection).await?;
        for ((key, sealed), at) in pairs.into_iter().zip(times) {
            // One without a time has ended between the two questions.
            if let (Some(key), Some(at)) = (key_of(&key), at) {
                #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
                page.insert(key, (sealed, at as i64));
            }
        }
        Ok((next, page))
    }

    /// A session that was being written while the pages were read may be in none of them: those are
    /// asked for by name. One whose key another session has by now is gone, too: a program had named both.
    async fn end_what_is_gone(
        &mut self,
        known: Vec<Arc<Session>>,
        seen: &HashMap<SessionKey, Uuid>,
    ) -> Result<(), Broken> {
        let missing: Vec<_> = known
            .into_iter()
            .filter(|session| seen.get(&session.key()) != Some(&public_id(session)))
            .collect();
        for some in missing.chunks(PAGE) {
            let mut ask = cmd("HMGET");
            ask.arg(key("sessions"));
            for session in some {
                ask.arg(session.key().as_bytes().as_slice());
            }
            let (connection, _) = self.link.get(&self.site).await?;
            let found: Vec<Option<Vec<u8>>> = ask.query_async(connection).await?;
            for (session, found) in some.iter().zip(found) {
                if !found.is_some_and(|value| is_of(session, &value)) {
                    self.memory.finish(session, EndReason::ClosedByServer);
                }
            }
        }
        Ok(())
    }

    fn end_everything(&self) {
        for session in self.memory.kept() {
            self.memory.finish(&session, EndReason::ClosedByServer);
        }
    }

    /// Refuses a Redis that would throw away sessions or used tokens when its memory is full. One that
    /// does not tell is believed.
    async fn check_eviction(&mut self) -> Result<(), OpenError> {
        let connected = self.link.get(&self.site).await;
        let (connection, _) = connected.map_err(|error| OpenError::of_store(describe(&error)))?;
        let mut ask = cmd("INFO");
        ask.arg("memory");
        let told: Result<String, _> = connection.ask_server_of(&key("store"), ask).await;
        let told = match told {
            Ok(told) => told,
            Err(error) if error.is_io_error() => return Err(OpenError::of_store(describe(&error))),
            Err(error) => {
                tracing::warn!(
                    error = describe(&error),
                    "whether the session store keeps what it is given cannot be seen; its user may lack +info"
                );
                return Ok(());
            }
        };
        let field = |name: &str| {
            let mut lines = told.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        let policy = field("maxmemory_policy").unwrap_or("noeviction").trim();
        let is_limited = field("maxmemory").is_some_and(|limit| limit.trim() != "0");
        if is_limited && policy != "noeviction" {
            return Err(OpenError::StoreEvicts {
                policy: policy.to_owned(),
            });
        }
        Ok(())
    }
}

/// Which store it is, and the time there in milliseconds. Makes it when there is none.
async fn open(connection: &mut Connection, site: &Site) -> Result<(Store, i64), Broken> {
    let mut id = [0; 16];
    fill_random(&mut id);
    let (id, began, version, millis): (String, i64, String, i64) = site
        .scripts
        .open
        .key(key("store"))
        .key(key("changes"))
        .arg(hex(&id))
        .arg(VERSION)
        .invoke_async(connection)
        .await?;
    if version != VERSION.to_string() {
        return Err(Broken::Version(version));
    }
    Ok((Store { id, began }, millis))
}

/// The newest place in the stream.
async fn last_position(connection: &mut Connection) -> Result<Position, RedisError> {
    position_of(ask_for_last().query_async(connection).await?)
}

/// Asks for the newest entry of the stream.
pub(super) fn ask_for_last() -> Cmd {
    let mut ask = cmd("XREVRANGE");
    ask.arg(key("changes")).arg("+").arg("-");
    ask.arg("COUNT").arg(1);
    ask
}

/// The place of the entry that [`ask_for_last`] asked for.
pub(super) fn position_of(answer: Value) -> Result<Position, RedisError> {
    let newest: Vec<(String, Value)> = redis::from_redis_value(answer)?;
    let newest = newest.first().and_then(|(id, _)| Position::parse(id));
    Ok(newest.unwrap_or_default())
}

fn split_key(bytes: &[u8]) -> Option<(SessionKey, &[u8])> {
    let (key, rest) = bytes.split_at_checked(32)?;
    Some((key_of(key)?, rest))
}

fn is_of(session: &Session, value: &[u8]) -> bool {
    value.starts_with(public_id(session).as_bytes())
}

fn local_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_and_number() {
        let place = |text| Position::parse(text).unwrap();
        assert!(place("9-9") < place("10-0") && place("10-0") < place("10-1"));
        assert_eq!(place("1700000000000-3").to_string(), "1700000000000-3");
        for bad in ["", "-", "1", "1-", "-1", "1-x", "1-2-3"] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
