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
/// The setting that holds the newest link.
const SETTING: &str = "set_up_link";
/// How long it works, in milliseconds.
const LIFETIME: i64 = 3_600_000;

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
    let secret = SessionSecret::generate();
    let kept = Kept {
        hash: hex(&secret.key()),
        until: now.as_millis().saturating_add(LIFETIME),
    };
    let text = serde_json::to_string(&kept)
        .map_err(|error| ManageError::Unavailable(error.to_string()))?;
    repository.set_setting(SETTING, &text).await?;
    // Without its row nobody gets the secret.
    let made = entry(
        actor.for_audit(),
        "set_up_link.make",
        Subject::default(),
        now,
    );
    repository.append_audit(&[made]).await?;
    Ok(secret)
}

impl Management {
    /// Makes a link for the first administrator; those before it no longer work.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn make_set_up_secret(&self, now: Timestamp) -> Result<SessionSecret, ManageError> {
        make_set_up_secret(&self.inner.repository, &Actor::system(), now).await
    }

    /// The same for somebody who asks for it.
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

    /// Whether a link with that secret would work now.
    ///
    /// # Errors
    /// [`LocalError::LinkInvalid`] when not, and [`LocalError::Unavailable`].
    pub async fn check_set_up_secret(
        &self,
        secret: &str,
        now: Timestamp,
    ) -> Result<(), LocalError> {
        self.valid_link(secret, now).await.map(drop)
    }

    /// Makes a local administrator with everything, or gives an existing one a new password, for
    /// whoever has the newest link. The link no longer works afterwards.
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

    /// What is kept of the link with that secret, if it works now.
    async fn valid_link(&self, secret: &str, now: Timestamp) -> Result<String, LocalError> {
        let stored = self.inner.repository.setting(SETTING).await;
        let stored = stored.map_err(ManageError::from)?;
        let text = stored.ok_or(LocalError::LinkInvalid)?;
        let works = serde_json::from_str::<Kept>(&text).is_ok_and(|kept| {
            // Hashes are compared: how long that takes tells nothing about the secret.
            SessionKey::from_cookie(secret.as_bytes()).is_some_and(|key| hex(&key) == kept.hash)
                && now.as_millis() < kept.until
        });
        if works {
            Ok(text)
        } else {
            Err(LocalError::LinkInvalid)
        }
    }
}

fn hex(key: &SessionKey) -> String {
    let bytes = key.as_bytes().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
