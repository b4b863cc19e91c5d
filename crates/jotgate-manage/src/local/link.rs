//! The set-up link: whoever has it may make an administrator, once.

use std::net::IpAddr;

use jotgate_model::{Role, Timestamp, User};
use jotgate_repository::{Repository, Subject};
use jotgate_session::{SessionKey, SessionSecret};
use serde::{Deserialize, Serialize};

use super::{LocalError, local_user, not_let_in, signing_in};
use crate::audit::entry;
use crate::authority::check_root;
use crate::revocations::carry_through;
use crate::users::user_entry;
use crate::{Actor, ManageError, Management};

/// What the trail calls it.
const USE: &str = "set_up_link.use";
/// The setting that holds the links: one, or one of each gateway that has started since the last was
/// asked for.
const SETTING: &str = "set_up_link";
/// How long a link works, in milliseconds.
const LIFETIME: i64 = 3_600_000;
/// How many links work at a time: a gateway that starts again and again makes one each time.
const LINKS: usize = 100;

/// What is kept of a link.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The SHA-256 of its secret, in hexadecimal digits.
    hash: String,
    /// When it stops working, in milliseconds since the Unix epoch.
    until: i64,
}

/// Makes a link; those before it no longer work. Gives the secret, which is kept nowhere. It works on
/// the repository alone, so that it can be done beside a running gateway, which sees it at once.
///
/// # Errors
/// [`ManageError::Unavailable`].
pub async fn make_set_up_secret(
    repository: &Repository,
    actor: &Actor,
    now: Timestamp,
) -> Result<SessionSecret, ManageError> {
    let (secret, kept) = new_link(now);
    repository.set_setting(SETTING, &text(&[kept])?).await?;
    note(repository, actor, now).await?;
    Ok(secret)
}

/// Without its row in the trail nobody gets the secret.
async fn note(repository: &Repository, actor: &Actor, now: Timestamp) -> Result<(), ManageError> {
    let subject = Subject::default();
    let made = entry(actor.for_audit(), "set_up_link.make", subject, now);
    Ok(repository.append_audit(&[made]).await?)
}

fn new_link(now: Timestamp) -> (SessionSecret, Kept) {
    let secret = SessionSecret::generate();
    let kept = Kept {
        hash: hex(&secret.key()),
        until: now.as_millis().saturating_add(LIFETIME),
    };
    (secret, kept)
}

fn text(links: &[Kept]) -> Result<String, ManageError> {
    serde_json::to_string(links).map_err(|error| ManageError::Unavailable(error.to_string()))
}

/// Those that work now. What cannot be read was made by another version: its hour is soon over.
fn working(stored: &str, now: Timestamp) -> Vec<Kept> {
    let mut links: Vec<Kept> = serde_json::from_str(stored).unwrap_or_default();
    links.retain(|kept| now.as_millis() < kept.until);
    links
}

impl Management {
    /// Makes a link for the first administrator. Those of other nodes work on, whose gateways start at
    /// the same time as this one: nobody can know which of them is read.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn invite(&self, now: Timestamp) -> Result<SessionSecret, ManageError> {
        let repository = &self.inner.repository;
        loop {
            let (secret, kept) = new_link(now);
            let stored = repository.setting(SETTING).await?;
            let mut links = working(stored.as_deref().unwrap_or_default(), now);
            links.drain(..links.len().saturating_sub(LINKS - 1));
            links.push(kept);
            let links = text(&links)?;
            let placed = match stored {
                None => repository.first_setting(SETTING, &links).await? == links,
                Some(stored) => repository.replace_setting(SETTING, &stored, &links).await?,
            };
            if placed {
                note(repository, &Actor::system(), now).await?;
                return Ok(secret);
            }
        }
    }

    /// Makes a link for somebody who asks for it; those before it no longer work.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin, and [`ManageError::Unavailable`].
    pub async fn issue_set_up_secret(
        &self,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<SessionSecret, ManageError> {
        let allowed = check_root(actor, || {
            "To make a set-up link takes the role RootAdmin.".to_owned()
        });
        let attempt = || {
            let subject = Subject::default();
            entry(actor.for_audit(), "set_up_link.make", subject, now)
        };
        self.inner.audit_refusal(allowed, attempt)?;
        let secret = make_set_up_secret(&self.inner.repository, actor, now).await?;
        tracing::info!(link.made_by = ?actor.name, link.made_from = ?actor.source, "a set-up link was made");
        Ok(secret)
    }

    /// Makes a local administrator with everything, or gives an existing one a new password, for
    /// whoever has a link. No link works afterwards.
    ///
    /// # Errors
    /// [`LocalError::LinkInvalid`], [`LocalError::Unusable`], after which the link still works, and
    /// [`LocalError::Unavailable`].
    pub async fn use_set_up_secret(
        &self,
        secret: &str,
        id: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<User, LocalError> {
        let made = self.trade_link(secret, id, password, address, now).await;
        if let Err(error) = &made {
            let attempt = entry(signing_in(id, address), USE, Subject::default(), now);
            self.inner.audit.refused(not_let_in(attempt, error));
        }
        made
    }

    async fn trade_link(
        &self,
        secret: &str,
        id: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<User, LocalError> {
        let kept = self.valid_link(secret, now).await?;
        let user = local_user(id.trim());
        let hash = self.hash_for(&user, password).await?;
        let (inner, actor) = (self.inner.clone(), signing_in(id.trim(), address));
        let work = async move {
            let _changing = inner.changing_people.lock().await;
            let role = Some(Role::RootAdmin);
            let (before, stored) = inner.local_user_with(&user, role, now).await?;
            let entry = user_entry(actor, USE, (before.as_ref(), Some(&stored)), now);
            let repository = &inner.repository;
            let traded =
                repository.trade_setting_for_user((SETTING, &kept), &stored, &hash, now, entry);
            if !traded.await? {
                return Ok(None);
            }
            inner.set_standing(&stored.user.key(), false, stored.roles);
            inner.end_local_sessions(&stored.user, None).await;
            tracing::warn!(user.name = %stored.user, "a set-up link made an administrator");
            Ok(Some(stored.user))
        };
        carry_through(work).await?.ok_or(LocalError::LinkInvalid)
    }

    /// The links as they are kept, if the one with that secret works now.
    async fn valid_link(&self, secret: &str, now: Timestamp) -> Result<String, LocalError> {
        let stored = self.inner.repository.setting(SETTING).await;
        let stored = stored.map_err(ManageError::from)?;
        let stored = stored.ok_or(LocalError::LinkInvalid)?;
        let key = SessionKey::from_cookie(secret.as_bytes()).ok_or(LocalError::LinkInvalid)?;
        // Hashes are compared: how long that takes tells nothing about the secret.
        let hash = hex(&key);
        let works = working(&stored, now).iter().any(|kept| kept.hash == hash);
        works.then_some(stored).ok_or(LocalError::LinkInvalid)
    }
}

fn hex(key: &SessionKey) -> String {
    let bytes = key.as_bytes().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
