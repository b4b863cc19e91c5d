//! Users: who is known, who is kept out, who may administer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use jotgate_model::{INTERNAL_DIRECTORY, People, Role, Roles, Timestamp, User, UserKey};
use jotgate_repository::{
    AuditActor, AuditEntry, Repository, RepositoryError, StoredUser, UserNarrowing, UserOrder,
};
use jotgate_session::{EndReason, Session};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::audit::{differing, entry, subject};
use crate::authority::check_user;
use crate::management::{Inner, PERSEVERANCE};
use crate::revocations::carry_through;
use crate::rules::check_sent;
use crate::{Actor, ManageError, Management};

/// What the trail calls it.
const CHANGE: &str = "user.change";
const DELETE: &str = "user.delete";

/// The longest directory, id or display name, in characters.
const MAX_NAME: usize = 255;

/// Which user a change is meant for, beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserBasis {
    /// One that is not known yet.
    New,
    /// The one of that id, as it was read.
    Read {
        /// The id.
        id: Uuid,
        /// The date of the version that was read.
        modified: Timestamp,
    },
}

/// What changes about a user. What is left out stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What the change is based on; nothing for whoever has that name, known or not.
    pub basis: Option<UserBasis>,
    /// The display name.
    pub name: Option<String>,
    /// All the roles that the user has from now on.
    pub roles: Option<Roles>,
    /// Whether the user is kept out.
    pub blocked: Option<bool>,
}

/// The few users that requests must know of, as the database has them.
pub(crate) async fn load_people(repository: &Repository) -> Result<People, RepositoryError> {
    let mut people = People::default();
    for user in repository.users_with_standing().await? {
        people.set(user.user.key(), user.blocked, user.roles);
    }
    Ok(people)
}

impl Management {
    /// The few users that requests must know of. What a use case below changes holds here when it
    /// returns.
    #[must_use]
    pub fn people(&self) -> Arc<ArcSwap<People>> {
        self.inner.people.clone()
    }

    /// A user by id.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn user(&self, id: Uuid) -> Result<Option<StoredUser>, ManageError> {
        Ok(self.inner.repository.user(id).await?)
    }

    /// A user by name, in any case of ASCII letters.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn user_of_name(&self, user: &User) -> Result<Option<StoredUser>, ManageError> {
        Ok(self.inner.repository.user_of_name(&user.key()).await?)
    }

    /// At most `limit` users without the first `offset`, ordered by directory and id.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn users(&self, offset: u32, limit: u32) -> Result<Vec<StoredUser>, ManageError> {
        Ok(self.inner.repository.users(offset, limit).await?)
    }

    /// At most `limit` users without the first `offset`, in that order or, `descending`, the other way round.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn ordered_users(
        &self,
        order: UserOrder,
        descending: bool,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<StoredUser>, ManageError> {
        let repository = &self.inner.repository;
        let page = repository.ordered_users(order, descending, offset, limit);
        Ok(page.await?)
    }

    /// At most `limit` users after `last` who are in `narrowing`, ordered by directory and id: for
    /// going through all of them without holding all of them.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn users_after(
        &self,
        last: Option<&UserKey>,
        limit: u32,
        narrowing: &UserNarrowing,
    ) -> Result<Vec<StoredUser>, ManageError> {
        let repository = &self.inner.repository;
        Ok(repository.users_after(last, limit, narrowing).await?)
    }

    /// How many users there are.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn count_users(&self) -> Result<u64, ManageError> {
        Ok(self.inner.repository.count_users().await?)
    }

    /// Changes a user, or makes one who has not signed in yet. It is on disk and holds for the next
    /// request when this returns. Blocking ends every session of the user, with its sockets.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] and [`ManageError::Unavailable`]; when the
    /// basis is no longer true, also [`ManageError::UserConflict`] and [`ManageError::UserNotFound`].
    pub async fn change_user(
        &self,
        actor: &Actor,
        user: User,
        change: UserChange,
        now: Timestamp,
    ) -> Result<StoredUser, ManageError> {
        check_names(&user, &change)?;
        let (inner, actor) = (self.inner.clone(), actor.clone());
        carry_through(async move {
            let _changing = inner.changing_people.lock().await;
            let name = user.to_string();
            let changed = inner.change_user(&actor, user, change, now).await;
            inner.audit_refusal(changed, || {
                entry(actor.for_audit(), CHANGE, subject("User", "", name), now)
            })
        })
        .await
    }

    /// Deletes a user: block and roles are gone with it. Sessions go on; whoever signs in again is a
    /// user again.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::UserNotFound`] and [`ManageError::Unavailable`].
    pub async fn delete_user(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let (inner, actor) = (self.inner.clone(), actor.clone());
        carry_through(async move {
            let _changing = inner.changing_people.lock().await;
            let deleted = inner.delete_user(&actor, id, now).await;
            inner.audit_refusal(deleted, || {
                entry(actor.for_audit(), DELETE, subject("User", id, ""), now)
            })
        })
        .await
    }
}

/// A change is always later than the one before: the date is the version.
pub(crate) fn later_than(before: Option<&StoredUser>, now: Timestamp) -> Timestamp {
    let before = before.map(|before| before.modified.as_millis().saturating_add(1));
    before.map_or(now, |later| now.max(Timestamp::from_millis(later)))
}

/// Nodes that never stop changing the same user.
pub(crate) fn changed_elsewhere() -> ManageError {
    ManageError::Unavailable("the user keeps being changed elsewhere; try again".to_owned())
}

impl Inner {
    async fn change_user(
        &self,
        actor: &Actor,
        user: User,
        change: UserChange,
        now: Timestamp,
    ) -> Result<StoredUser, ManageError> {
        let end = Instant::now() + PERSEVERANCE;
        while Instant::now() < end {
            let change = change.clone();
            if let Some(changed) = self.try_to_change(actor, user.clone(), change, now).await? {
                return Ok(changed);
            }
        }
        Err(changed_elsewhere())
    }

    /// Nothing, and nothing is changed, when another node has changed the user meanwhile.
    async fn try_to_change(
        &self,
        actor: &Actor,
        user: User,
        change: UserChange,
        now: Timestamp,
    ) -> Result<Option<StoredUser>, ManageError> {
        let before = self.repository.user_of_name(&user.key()).await?;
        if let Some(basis) = change.basis {
            check_basis(basis, before.as_ref())?;
        }
        let stored = before.clone();
        let stored = stored.unwrap_or_else(|| StoredUser::new(user, &actor.name, now));
        let next = StoredUser {
            name: change.name.unwrap_or_else(|| stored.name.clone()),
            roles: change.roles.unwrap_or(stored.roles),
            blocked: change.blocked.unwrap_or(stored.blocked),
            modified: later_than(Some(&stored), now),
            modified_by: actor.name.clone(),
            ..stored.clone()
        };
        check_user(actor, &stored, &next)?;
        if !next.roles.contains(Role::RootAdmin) || next.blocked {
            self.check_not_last_administrator(&stored.user)?;
        }
        let sides = (before.as_ref(), Some(&next));
        let entry = user_entry(actor.for_audit(), CHANGE, sides, now);
        let put = self.repository.put_user(before.as_ref(), &next, entry);
        if !put.await? {
            return Ok(None);
        }
        self.set_standing(&next.user.key(), next.blocked, next.roles);
        tracing::info!(
            user.name = %next.user,
            user.roles = ?next.roles.iter().collect::<Vec<_>>(),
            user.blocked = next.blocked,
            user.changed_by = ?actor.name,
            user.changed_from = ?actor.source,
            "a user was changed"
        );
        if next.blocked {
            self.end_sessions_of_blocked(&next.user.key()).await;
        }
        Ok(Some(next))
    }

    async fn delete_user(
        &self,
        actor: &Actor,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let stored = self.repository.user(id).await?;
        let stored = stored.ok_or(ManageError::UserNotFound { id })?;
        check_user(actor, &stored, &stored)?;
        self.check_not_last_administrator(&stored.user)?;
        let entry = user_entry(actor.for_audit(), DELETE, (Some(&stored), None), now);
        self.repository.delete_user(id, entry).await?;
        self.set_standing(&stored.user.key(), false, Roles::default());
        if stored
            .user
            .directory
            .eq_ignore_ascii_case(INTERNAL_DIRECTORY)
        {
            // The password is gone. Whoever gets this name later is somebody else.
            self.end_local_sessions(&stored.user, None).await;
        }
        tracing::info!(user.name = %stored.user, user.deleted_by = ?actor.name, "a user was deleted");
        Ok(())
    }

    /// Somebody with a password must be left who may do everything.
    fn check_not_last_administrator(&self, user: &User) -> Result<(), ManageError> {
        let people = self.people.load();
        let mut local = local_root_administrators(&people);
        let only = local.next();
        if only == Some(&user.key()) && local.next().is_none() {
            return Err(ManageError::Forbidden(format!(
                "{user} is the last local administrator with the role RootAdmin: make another one \
                 before this one is blocked, deleted or loses the role."
            )));
        }
        Ok(())
    }

    /// Lets requests know.
    pub(crate) fn set_standing(&self, key: &UserKey, blocked: bool, roles: Roles) {
        let mut people = People::clone(&self.people.load());
        people.set(key.clone(), blocked, roles);
        self.people.store(Arc::new(people));
    }

    /// Lets requests know what other processes have stored of users, and ends the sessions of those
    /// who are blocked now and were not.
    pub(crate) async fn reload_people(&self) -> Result<(), ManageError> {
        let _changing = self.changing_people.lock().await;
        let next = Arc::new(load_people(&self.repository).await?);
        let before = self.people.swap(next.clone());
        let known: HashSet<&UserKey> = before.blocked().collect();
        if next.blocked().all(|key| known.contains(key)) {
            return Ok(());
        }
        let newly_blocked = |session: &Session| {
            let (directory, id) = (session.user_directory(), session.user_id());
            next.is_blocked(directory, id) && !before.is_blocked(directory, id)
        };
        let ended = self
            .sessions
            .end_where(EndReason::UserBlocked, newly_blocked);
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the ends of blocked users' sessions were not all written");
        }
        Ok(())
    }

    /// The block is on disk and holds for every request already. An end that could not be written
    /// holds too.
    async fn end_sessions_of_blocked(&self, key: &UserKey) {
        let of_user =
            |session: &Session| UserKey::of(session.user_directory(), session.user_id()) == *key;
        let ended = self.sessions.end_where(EndReason::UserBlocked, of_user);
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the ends of a blocked user's sessions were not all written");
        }
    }
}

/// What the trail has of a user.
fn fields(user: &StoredUser) -> Map<String, Value> {
    let roles: Vec<&str> = user.roles.iter().map(Role::name).collect();
    let name = Value::from(user.name.as_str());
    let fields = [
        ("name", name),
        ("roles", Value::from(roles)),
        ("blocked", Value::from(user.blocked)),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// The row for what somebody makes of a user; nothing stands for one who is not there.
pub(crate) fn user_entry(
    actor: AuditActor,
    action: &'static str,
    (before, after): (Option<&StoredUser>, Option<&StoredUser>),
    now: Timestamp,
) -> AuditEntry {
    let named = after.or(before);
    let of = named.map(|user| subject("User", user.id, &user.user));
    let (before, after) = differing(before.map(fields), after.map(fields));
    AuditEntry {
        before,
        after,
        ..entry(actor, action, of.unwrap_or_default(), now)
    }
}

/// Those who can sign in with a password and may do everything.
pub(crate) fn local_root_administrators(people: &People) -> impl Iterator<Item = &UserKey> {
    let is_local = |key: &UserKey| {
        let directory = key.as_str().split('\n').next().unwrap_or_default();
        directory.eq_ignore_ascii_case(INTERNAL_DIRECTORY)
    };
    people
        .administrators()
        .filter(move |(key, roles)| roles.contains(Role::RootAdmin) && is_local(key))
        .map(|(key, _)| key)
}

fn check_basis(basis: UserBasis, stored: Option<&StoredUser>) -> Result<(), ManageError> {
    match (basis, stored) {
        (UserBasis::New, None) => Ok(()),
        (UserBasis::New, Some(stored)) => Err(ManageError::field(
            "userId",
            format!("names a user who exists already, with the id {}", stored.id),
        )),
        (UserBasis::Read { id, modified }, Some(stored)) if stored.id == id => {
            check_sent(modified)?;
            if stored.modified <= modified {
                return Ok(());
            }
            Err(ManageError::UserConflict {
                stored: stored.modified,
                stored_by: stored.modified_by.clone(),
                sent: modified,
            })
        }
        (UserBasis::Read { id, .. }, _) => Err(ManageError::UserNotFound { id }),
    }
}

fn check_names(user: &User, change: &UserChange) -> Result<(), ManageError> {
    let names = [
        ("userDirectory", Some(&*user.directory)),
        ("userId", Some(&*user.id)),
        ("name", change.name.as_deref()),
    ];
    for (field, name) in names {
        let checked = name.map_or(Ok(()), check_name);
        checked.map_err(|problem| ManageError::field(field, problem))?;
    }
    Ok(())
}

/// Whether a name can be a user's; else what it must be.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let usable = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME
        && !name.chars().any(char::is_control);
    if usable {
        Ok(())
    } else {
        Err(format!("must have 1 to {MAX_NAME} visible characters"))
    }
}

#[cfg(test)]
mod tests;
