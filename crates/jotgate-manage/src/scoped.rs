//! What programs with an API key see and do beside the keys: virtual proxies and sessions, at those
//! that their key names. Administrators do the same everywhere.

use std::collections::HashSet;
use std::sync::Arc;

use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Timestamp, User, VirtualProxy};
use uuid::Uuid;

use crate::{Asker, KeyAction, ManageError, Management, Session};

/// Whose sessions are meant.
#[derive(Clone, Debug, Default)]
pub struct SessionChoice {
    /// Those at the virtual proxy of that id or prefix; nothing: at all that the caller may ask for.
    pub virtual_proxy: Option<String>,
    /// Those of that user; nothing: of everybody.
    pub user: Option<User>,
}

impl Management {
    /// The virtual proxies that the asker may read, in the order of their prefixes.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub fn readable_virtual_proxies(
        &self,
        asker: &Asker,
    ) -> Result<Vec<Arc<VirtualProxyConfig>>, ManageError> {
        let places = self.allowed_places(asker, KeyAction::ReadConfiguration)?;
        let snapshot = self.snapshot();
        let stored = &snapshot.documents.virtual_proxies;
        Ok(places
            .iter()
            .filter_map(|vp| stored.get(&vp.id).cloned())
            .collect())
    }

    /// The virtual proxy of that id or prefix.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] and [`ManageError::NoVirtualProxy`].
    pub fn readable_virtual_proxy(
        &self,
        asker: &Asker,
        name: &str,
    ) -> Result<Arc<VirtualProxyConfig>, ManageError> {
        let (_, vp) = self.allowed_at(asker, KeyAction::ReadConfiguration, name)?;
        let snapshot = self.snapshot();
        let stored = snapshot.documents.virtual_proxies.get(&vp.id).cloned();
        stored.ok_or_else(|| ManageError::NoVirtualProxy(name.to_owned()))
    }

    /// The sessions that are neither ended nor over, oldest first.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] and [`ManageError::NoVirtualProxy`].
    pub fn readable_sessions(
        &self,
        asker: &Asker,
        choice: &SessionChoice,
        now: Timestamp,
    ) -> Result<Vec<Arc<Session>>, ManageError> {
        let action = KeyAction::ReadSessions;
        let places = match &choice.virtual_proxy {
            Some(name) => vec![self.allowed_at(asker, action, name)?.1],
            None => self.allowed_places(asker, action)?,
        };
        let mut found: Vec<_> = match (&choice.user, &*places) {
            (Some(user), places) => {
                let of_user = |vp: &Arc<VirtualProxy>| self.sessions_of_user(vp, user, now);
                places.iter().flat_map(of_user).collect()
            }
            (None, [vp]) => self.sessions_at(vp, now),
            (None, places) => {
                let allowed: HashSet<Uuid> = places.iter().map(|vp| vp.id).collect();
                let mut all = self.live_sessions(now);
                all.retain(|session| allowed.contains(&session.virtual_proxy()));
                all
            }
        };
        // The store has no order.
        found.sort_unstable_by(|a, b| {
            let by_id = || a.public_id().cmp(b.public_id());
            a.created().cmp(&b.created()).then_with(by_id)
        });
        Ok(found)
    }

    /// Ends the session of that public id, and its sockets with it.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Missing`], also for one at a virtual proxy that
    /// the key of the asker does not name, and [`ManageError::Unavailable`].
    pub async fn end_readable_session(
        &self,
        asker: &Asker,
        id: &str,
        now: Timestamp,
    ) -> Result<Arc<Session>, ManageError> {
        let places = self.allowed_places(asker, KeyAction::EndSessions)?;
        let vp = places
            .iter()
            .find(|vp| self.session_at(vp, id, now).is_some())
            .ok_or(ManageError::Missing("session"))?;
        let actor = asker.at(KeyAction::EndSessions, vp.id)?;
        let ended = self.end_session(&actor, vp, id, now).await?;
        Ok(ended.ok_or(ManageError::Missing("session"))?.session)
    }

    /// Ends the chosen sessions, and their sockets with them. Gives those that have ended.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::NoVirtualProxy`], [`ManageError::Invalid`] when
    /// neither a virtual proxy nor a user is chosen, and [`ManageError::Unavailable`].
    pub async fn end_chosen_sessions(
        &self,
        asker: &Asker,
        choice: &SessionChoice,
        now: Timestamp,
    ) -> Result<Vec<Arc<Session>>, ManageError> {
        let action = KeyAction::EndSessions;
        let places = match (&choice.virtual_proxy, &choice.user) {
            (Some(name), _) => vec![self.allowed_at(asker, action, name)?.1],
            (None, Some(_)) => self.allowed_places(asker, action)?,
            (None, None) => {
                let problem = "is missing; name a virtual proxy, a user, or both";
                return Err(ManageError::field("virtualProxy", problem));
            }
        };
        let mut ended = Vec::new();
        for vp in places {
            let actor = asker.at(action, vp.id)?;
            let sessions = match &choice.user {
                Some(user) => self.end_sessions_of_user(&actor, &vp, user, now).await?,
                None => self.end_sessions_at(&actor, &vp, now).await?,
            };
            ended.extend(sessions);
        }
        Ok(ended)
    }

    /// The prefix of a virtual proxy, for showing sessions.
    #[must_use]
    pub fn prefix_of(&self, virtual_proxy: Uuid) -> Option<String> {
        let snapshot = self.snapshot();
        let vp = snapshot.virtual_proxy(virtual_proxy)?;
        Some(vp.prefix.as_str().to_owned())
    }
}
