//! One session, small enough for a million of them.

mod text;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering};

use jotgate_model::{SessionRules, UnixTime, User};
use uuid::Uuid;

pub(crate) use self::text::PackedText;
use crate::redis::ACTIVITY_GRAIN;
use crate::{EndReason, SessionKey, SessionState, state};

/// Waiting to be on disk: nobody may find it yet.
const PENDING: u8 = 0;
/// Anybody with the secret may use it. Greater values are the code of an [`EndReason`].
const LIVE: u8 = 1;

/// Its last activity is newer than what the journal has.
const DIRTY: u8 = 1;
/// Its secret was named by a program.
const NAMED: u8 = 2;
/// Other nodes have it too: its last use is rounded up, see [`Session::touch`].
const SHARED: u8 = 4;

/// The journal does not have it.
const NOT_JOURNALED: i64 = 0;

/// No time was given.
const NO_EXPIRY: u32 = u32::MAX;
const NO_ISSUE: i32 = i32::MIN;

/// A user who has signed in. Shared as `Arc<Session>`; only its last activity and its end change.
///
/// Two allocations and two shared ones: what many sessions have in common ([`Origin`], the user
/// agent) exists once, the texts are packed into one, times are seconds since the creation.
pub struct Session {
    key: SessionKey,
    origin: Arc<Origin>,
    user_agent: Arc<Box<str>>,
    /// Public id, user id, client address, then the values of the attributes.
    text: PackedText,
    created: i64,
    /// Its row in the journal, or [`NOT_JOURNALED`].
    number: AtomicI64,
    /// Seconds after `created`, or [`NO_EXPIRY`].
    expires: u32,
    /// Seconds after `created`, which is usually a little later, or [`NO_ISSUE`].
    token_issued: i32,
    /// Seconds after `created`.
    last_activity: AtomicU32,
    /// [`PENDING`], [`LIVE`] or the code of an [`EndReason`]; leaves the first two once.
    state: AtomicU8,
    flags: AtomicU8,
}

/// What the sessions of one virtual proxy, directory and key have in common.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) virtual_proxy: Uuid,
    pub(crate) directory: Box<str>,
    pub(crate) key_fingerprint: Option<[u8; 32]>,
    pub(crate) attribute_names: PackedText,
}

/// Everything that a session is made from.
pub(crate) struct Parts<'a> {
    pub(crate) key: SessionKey,
    pub(crate) public_id: Uuid,
    pub(crate) named: bool,
    pub(crate) shared: bool,
    pub(crate) origin: Arc<Origin>,
    pub(crate) user_agent: Arc<Box<str>>,
    pub(crate) user_id: &'a str,
    pub(crate) attributes: &'a [(Box<str>, Box<str>)],
    pub(crate) client_address: &'a str,
    pub(crate) created: UnixTime,
    pub(crate) expires: Option<UnixTime>,
    pub(crate) token_issued: Option<UnixTime>,
}

impl Session {
    /// The hash of its secret.
    #[must_use]
    pub const fn key(&self) -> SessionKey {
        self.key
    }

    /// The id that backends, programs, the console and logs see: a UUID, and no secret.
    #[must_use]
    pub fn public_id(&self) -> &str {
        self.texts().next().unwrap_or_default()
    }

    /// The virtual proxy that it was opened at. It counts nowhere else.
    #[must_use]
    pub fn virtual_proxy(&self) -> Uuid {
        self.origin.virtual_proxy
    }

    /// The directory of its user.
    #[must_use]
    pub fn user_directory(&self) -> &str {
        &self.origin.directory
    }

    /// The id of its user within the directory.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.texts().nth(1).unwrap_or_default()
    }

    /// Its user.
    #[must_use]
    pub fn user(&self) -> User {
        User::new(self.user_directory(), self.user_id())
    }

    /// Whether it belongs to that user.
    #[must_use]
    pub fn is_of(&self, user: &User) -> bool {
        self.user_id() == &*user.id && self.user_directory() == &*user.directory
    }

    /// The attributes of its user, in the order in which they came. Names may repeat.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.origin.attribute_names.iter().zip(self.texts().skip(3))
    }

    /// When it was created.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        UnixTime(self.created)
    }

    /// Its fixed end: the token's `exp` or the longest lifetime, whichever comes first. An end
    /// before the creation is kept as the creation; one more than 136 years after it is none.
    #[must_use]
    pub fn expires(&self) -> Option<UnixTime> {
        (self.expires != NO_EXPIRY).then(|| self.created().plus(i64::from(self.expires)))
    }

    /// When it was last used.
    #[must_use]
    pub fn last_activity(&self) -> UnixTime {
        self.created()
            .plus(i64::from(self.last_activity.load(Ordering::Relaxed)))
    }

    /// Notes that it is used at `now`. Never moves backwards. Two atomic reads, and writes at most
    /// once a second.
    ///
    /// Where several nodes share sessions, the last use is rounded up by 20 s: it has to be written
    /// only when it is older than that, and meanwhile no node takes the session for idle.
    pub fn touch(&self, now: UnixTime) {
        let mut seconds = seconds_after(self.created, now.0);
        if self.last_activity.load(Ordering::Relaxed) < seconds {
            if self.flags.load(Ordering::Relaxed) & SHARED != 0 {
                seconds = seconds.saturating_add(ACTIVITY_GRAIN);
            }
            self.last_activity.fetch_max(seconds, Ordering::Relaxed);
            // After the time, so that whoever takes the mark sees it.
            self.flags.fetch_or(DIRTY, Ordering::Release);
        }
    }

    /// Why it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        EndReason::from_code(self.state.load(Ordering::Acquire))
    }

    /// What time has made of it, under the current rules of its virtual proxy. Somebody may have
    /// ended it nevertheless: see [`Session::ended`].
    #[must_use]
    pub fn state(&self, rules: &SessionRules, now: UnixTime) -> SessionState {
        state(
            self.created(),
            self.last_activity(),
            self.expires(),
            rules,
            now,
        )
    }

    /// The SHA-256 of the key that verified the token it was opened with.
    #[must_use]
    pub fn key_fingerprint(&self) -> Option<&[u8; 32]> {
        self.origin.key_fingerprint.as_ref()
    }

    /// When the token it was opened with was issued, to the second within 68 years of the creation.
    #[must_use]
    pub fn token_issued(&self) -> Option<UnixTime> {
        (self.token_issued != NO_ISSUE).then(|| self.created().plus(i64::from(self.token_issued)))
    }

    /// The address of the client that opened it; at most 64 bytes.
    #[must_use]
    pub fn client_address(&self) -> &str {
        self.texts().nth(2).unwrap_or_default()
    }

    /// What the client that opened it called itself; at most 256 bytes.
    #[must_use]
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.text.iter()
    }
}

/// What only the store does.
impl Session {
    /// A session that nobody can find yet.
    pub(crate) fn pending(parts: &Parts<'_>) -> Self {
        let mut buffer = Uuid::encode_buffer();
        let public_id = parts.public_id.hyphenated().encode_lower(&mut buffer);
        let first = [&*public_id, parts.user_id, parts.client_address];
        let values = parts.attributes.iter().map(|(_, value)| &**value);
        let created = parts.created.0;
        Self {
            key: parts.key,
            origin: Arc::clone(&parts.origin),
            user_agent: Arc::clone(&parts.user_agent),
            text: PackedText::pack(first.into_iter().chain(values)),
            created,
            number: AtomicI64::new(NOT_JOURNALED),
            expires: parts
                .expires
                .map_or(NO_EXPIRY, |time| seconds_after(created, time.0)),
            token_issued: parts.token_issued.map_or(NO_ISSUE, |time| {
                let seconds = time.0.saturating_sub(created);
                i32::try_from(seconds.clamp(-i64::from(i32::MAX), i64::from(i32::MAX)))
                    .unwrap_or(NO_ISSUE)
            }),
            last_activity: AtomicU32::new(0),
            state: AtomicU8::new(PENDING),
            flags: AtomicU8::new(
                if parts.named { NAMED } else { 0 } | if parts.shared { SHARED } else { 0 },
            ),
        }
    }

    /// Lets everybody find it. `false` when it has ended meanwhile.
    pub(crate) fn publish(&self) -> bool {
        self.state
            .compare_exchange(PENDING, LIVE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Ends it. `false` when it had ended before.
    pub(crate) fn finish(&self, reason: EndReason) -> bool {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                (state <= LIVE).then_some(reason as u8)
            })
            .is_ok()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.state.load(Ordering::Acquire) == LIVE
    }

    /// Whether a program named its secret, so that the secret also serves as an id.
    pub(crate) fn is_named(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & NAMED != 0
    }

    /// Notes that the journal has it, as the row of that number.
    pub(crate) fn set_number(&self, number: i64) {
        self.number.store(number, Ordering::Release);
    }

    /// The number of its row in the journal, once it is there.
    pub(crate) fn number(&self) -> Option<i64> {
        let number = self.number.load(Ordering::Acquire);
        (number != NOT_JOURNALED).then_some(number)
    }

    /// Takes the mark that its last activity has to be written.
    pub(crate) fn take_dirty(&self) -> bool {
        // Most sessions are not marked; a read alone leaves their cache lines shared.
        self.flags.load(Ordering::Relaxed) & DIRTY != 0
            && self.flags.fetch_and(!DIRTY, Ordering::AcqRel) & DIRTY != 0
    }

    /// Takes over what another node, or the journal, knows of its last use.
    pub(crate) fn see_use(&self, at: UnixTime) {
        let seconds = seconds_after(self.created, at.0);
        self.last_activity.fetch_max(seconds, Ordering::Relaxed);
    }

    /// Gives the mark back after a failed write.
    pub(crate) fn set_dirty(&self) {
        self.flags.fetch_or(DIRTY, Ordering::Release);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("public_id", &self.public_id())
            .field("virtual_proxy", &self.virtual_proxy())
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}

/// Whole seconds from `start` to `time`, within what 32 bits hold.
fn seconds_after(start: i64, time: i64) -> u32 {
    let seconds = time.saturating_sub(start).clamp(0, i64::from(u32::MAX));
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
