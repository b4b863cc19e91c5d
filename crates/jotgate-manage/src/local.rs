//! Local administrators: the users of the directory INTERNAL, whose passwords Jotgate keeps.
//!
//! Invariants:
//! - Nobody else can assert the directory: a session of it was opened with a password or a set-up link.
//! - Every attempt is counted before it is judged, for the account and for the address.
//! - An account that does not exist is answered like a wrong password, in the same time.
//! - A new password ends the sessions of its user; only the one that asked for it stays.
//! - A set-up link is kept as a hash, counts once, and the newest one is the only one.

mod link;
mod lockout;
mod password;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use jotgate_model::{ActorKind, INTERNAL_DIRECTORY, Role, Timestamp, User, UserKey};
use jotgate_repository::{AuditActor, AuditEntry, Outcome, StoredUser, Subject};
use jotgate_session::{EndReason, Session};

pub use self::link::make_set_up_secret;
pub(crate) use self::lockout::AddressFailures;
use self::lockout::Lockout;
use self::password::Passwords;
use crate::audit::entry;
use crate::management::{Inner, PERSEVERANCE};
use crate::revocations::carry_through;
use crate::users::{
    changed_elsewhere, check_name, later_than, local_root_administrators, user_entry,
};
use crate::{Actor, ManageError, Management};

/// Who changes what somebody does with a link.
const AUTHOR: &str = r"INTERNAL\set-up link";

/// Somebody whose password was right.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is.
    pub user: User,
    /// Of the password.
    hash: String,
}

/// The hash is for no log.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({})", self.user)
    }
}

/// What local sign-in remembers.
#[derive(Default)]
pub(crate) struct Local {
    passwords: Passwords,
    lockout: Lockout,
}

/// Why somebody with a password or a link is not let in. Each reads as a sentence for whoever tried;
/// none tells whether an account exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// Too many passwords are being checked.
    #[error("Too many people are signing in at the moment; try again soon.")]
    Busy,
    /// The link was used, has run out, was replaced, or never was one.
    #[error(
        "The link is not valid: it works once, for an hour, until a newer one is made. \
         `jotgate admin reset` on the server makes another."
    )]
    LinkInvalid,
    /// Somebody else than a local user wants another password.
    #[error(
        "Only whoever has signed in with a password of Jotgate's own can change it, through the gateway."
    )]
    NotLocal,
    /// The chosen name or password cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The database does not do its work.
    #[error("Signing in is not possible at the moment; the log says why.")]
    Unavailable,
    /// Too many attempts.
    #[error("There were too many attempts; try again in {0} seconds.")]
    Wait(u32),
    /// Not this name with this password.
    #[error("The name or the password is wrong.")]
    Wrong,
}

impl From<ManageError> for LocalError {
    fn from(error: ManageError) -> Self {
        tracing::error!(%error, "a local user could not be stored or read");
        Self::Unavailable
    }
}

/// The local user of that id.
fn local_user(id: &str) -> User {
    User::new(INTERNAL_DIRECTORY, id)
}

impl Management {
    /// Whether nobody could sign in with a password and do everything.
    #[must_use]
    pub fn needs_administrator(&self) -> bool {
        let people = self.inner.people.load();
        local_root_administrators(&people).next().is_none()
    }

    /// Checks a password that somebody at `address` sent, and gives the user. Whoever opens a session for it asks
    /// [`Self::check_still`] afterwards.
    ///
    /// # Errors
    /// Why the user is not let in.
    pub async fn check_password(
        &self,
        id: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<SignedIn, LocalError> {
        let judged = self.judge_password(id, password, address, now).await;
        let actor = signing_in(id, address);
        let attempt = entry(actor, "sign_in", Subject::default(), now);
        match &judged {
            Ok(_) => self.inner.audit.note(attempt),
            Err(error) => self.inner.audit.refused(not_let_in(attempt, error)),
        }
        judged
    }

    /// Whether the password that was checked is the user's password now.
    ///
    /// # Errors
    /// [`LocalError::Wrong`] and [`LocalError::Unavailable`].
    pub async fn check_still(&self, signed_in: &SignedIn) -> Result<(), LocalError> {
        let key = signed_in.user.key();
        let hash = self.inner.repository.password_hash(&key).await;
        let is_same = hash.map_err(ManageError::from)?.as_deref() == Some(&*signed_in.hash);
        is_same.then_some(()).ok_or(LocalError::Wrong)
    }

    async fn judge_password(
        &self,
        id: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<SignedIn, LocalError> {
        let inner = &self.inner;
        let key = local_user(id).key();
        inner.local.lockout.begin(&key, address, now)?;
        let stored = inner.repository.user_of_name(&key).await;
        let hash = inner.repository.password_hash(&key).await;
        let stored = stored.map_err(ManageError::from)?;
        let hash = hash.map_err(ManageError::from)?;
        let mut right = inner.local.passwords.verify(password, hash.clone()).await?;
        if right {
            // Checking takes a while. Whoever knew a password that was replaced meanwhile comes too
            // late: the sessions that it opened have been ended already.
            let still = inner.repository.password_hash(&key).await;
            right = still.map_err(ManageError::from)? == hash;
        }
        let stored = stored.filter(|stored| right && !stored.blocked);
        match stored.zip(hash) {
            Some((StoredUser { user, .. }, hash)) => {
                inner.local.lockout.succeeded(&key, address);
                tracing::info!(user.name = %user, client.address = %address, "a local user signed in");
                Ok(SignedIn { user, hash })
            }
            None => {
                tracing::warn!(user.id = ?id, client.address = %address, "a wrong name or password");
                Err(LocalError::Wrong)
            }
        }
    }

    /// Replaces a password by another one, for whoever knows it. The user's sessions end, but for the
    /// one with the public id `kept`.
    ///
    /// # Errors
    /// As [`Self::check_password`], and [`LocalError::Unusable`].
    pub async fn change_password(
        &self,
        id: &str,
        (password, new): (&str, &str),
        kept: Option<&str>,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), LocalError> {
        let SignedIn { user, .. } = self.check_password(id, password, address, now).await?;
        let actor = signing_in(id, address);
        let attempt = (actor, "password.change");
        let wanted = (new, None);
        self.set_password(user, wanted, kept, attempt, now).await
    }

    /// Replaces the password of the local user who asks, in the session with the public id
    /// `session`. Every other session of this user ends.
    ///
    /// # Errors
    /// As [`Self::change_password`], and [`LocalError::NotLocal`].
    pub async fn change_own_password(
        &self,
        actor: &Actor,
        session: Option<&str>,
        passwords: (&str, &str),
        now: Timestamp,
    ) -> Result<(), LocalError> {
        let id = match actor.name.split_once('\\') {
            Some((_, id)) if actor.kind == ActorKind::LocalAdministrator => id,
            _ => return Err(LocalError::NotLocal),
        };
        let address = actor.source.parse().map_err(|_| LocalError::NotLocal)?;
        self.change_password(id, passwords, session, address, now)
            .await
    }

    /// Makes a local administrator with the role RootAdmin, or gives an existing one that role and
    /// this password, without asking anybody: for whoever has the machine.
    ///
    /// # Errors
    /// [`LocalError::Unusable`] and [`LocalError::Unavailable`].
    pub async fn make_administrator(
        &self,
        id: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<(), LocalError> {
        let user = local_user(id.trim());
        let attempt = (Actor::system().for_audit(), "administrator.make");
        let wanted = (password, Some(Role::RootAdmin));
        self.set_password(user, wanted, None, attempt, now).await
    }

    async fn set_password(
        &self,
        user: User,
        (password, role): (&str, Option<Role>),
        kept: Option<&str>,
        (actor, action): (AuditActor, &'static str),
        now: Timestamp,
    ) -> Result<(), LocalError> {
        let hash = self.hash_for(&user, password).await?;
        let (inner, kept) = (self.inner.clone(), kept.map(str::to_owned));
        let work = async move {
            let _changing = inner.changing_people.lock().await;
            let end = Instant::now() + PERSEVERANCE;
            let stored = loop {
                let (before, stored) = inner.local_user_with(&user, role, now).await?;
                let sides = (before.as_ref(), Some(&stored));
                let entry = user_entry(actor.clone(), action, sides, now);
                let repository = &inner.repository;
                let put = repository.put_user_with_password(sides.0, &stored, &hash, now, entry);
                if put.await? {
                    break stored;
                }
                // Another node has blocked this user, say: that must not be undone.
                if Instant::now() > end {
                    return Err(changed_elsewhere());
                }
            };
            inner.set_standing(&stored.user.key(), stored.blocked, stored.roles);
            inner
                .end_local_sessions(&stored.user, kept.as_deref())
                .await;
            Ok(())
        };
        Ok(carry_through(work).await?)
    }

    /// The hash of a password that this user may have.
    async fn hash_for(&self, user: &User, password: &str) -> Result<String, LocalError> {
        check_name(&user.id)
            .map_err(|problem| LocalError::Unusable(format!("The name {problem}.")))?;
        password::check(password, &user.id).map_err(LocalError::Unusable)?;
        self.inner.local.passwords.hash(password).await
    }
}

impl Inner {
    /// The user as stored, and as stored or new; with `role`, one who has it and is let in.
    async fn local_user_with(
        self: &Arc<Self>,
        user: &User,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<(Option<StoredUser>, StoredUser), ManageError> {
        let before = self.repository.user_of_name(&user.key()).await?;
        let stored = before.clone();
        let stored = stored.unwrap_or_else(|| StoredUser::new(user.clone(), AUTHOR, now));
        let after = match role {
            None => stored,
            Some(role) => StoredUser {
                roles: stored.roles.iter().chain([role]).collect(),
                blocked: false,
                modified: later_than(before.as_ref(), now),
                modified_by: AUTHOR.to_owned(),
                ..stored
            },
        };
        Ok((before, after))
    }

    /// Ends the sessions of a local user whose password has changed or is gone, those included that
    /// are being opened; `kept` is the public id of one that stays. The change is on disk already: an
    /// end that could not be written holds too.
    pub(crate) async fn end_local_sessions(&self, user: &User, kept: Option<&str>) {
        let of_user = |session: &Session| {
            UserKey::of(session.user_directory(), session.user_id()) == user.key()
                && Some(session.public_id()) != kept
        };
        let reason = EndReason::ClosedByServer;
        // Another node may have let somebody in with the old password a moment ago.
        let mut results = vec![self.sessions.catch_up().await.map(|()| Vec::new())];
        results.push(self.sessions.end_where(reason, of_user).await);
        // Passwords open sessions there only.
        if let Some(vp) = self.snapshot.load_full().default_virtual_proxy() {
            let ended = self.sessions.end_user_but(vp.id, user, kept, reason);
            results.push(ended.await);
        }
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "the ends of a local user's sessions were not all written");
        }
    }
}

/// Whoever says to be that local user.
fn signing_in(id: &str, address: IpAddr) -> AuditActor {
    AuditActor {
        name: local_user(id).to_string(),
        kind: ActorKind::LocalAdministrator,
        source: address.to_string(),
    }
}

/// What the trail has of somebody who is not let in.
fn not_let_in(attempt: AuditEntry, error: &LocalError) -> AuditEntry {
    AuditEntry {
        outcome: match error {
            LocalError::Unavailable => Outcome::Failed,
            _ => Outcome::Refused,
        },
        // That one waits shorter or longer says nothing more.
        reason: match error {
            LocalError::Wait(_) => "There were too many attempts.".to_owned(),
            error => error.to_string(),
        },
        ..attempt
    }
}

#[cfg(test)]
mod tests;
