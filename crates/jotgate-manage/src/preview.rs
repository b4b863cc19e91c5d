//! What a draft would do to those who are signed in. Nothing is changed by asking.

mod requests;

use std::collections::BTreeMap;

use jotgate_model::{People, Reason, Snapshot, Timestamp, UnixTime, Uuid, VirtualProxy};
use jotgate_policy::anonymous::fits_mode;
use jotgate_policy::authorize::{self, Who};
use jotgate_session::{Session, SessionState};

use crate::backend_trials::changed_services;
use crate::background::in_background;
use crate::drafts::compare;
use crate::key_sessions::{RemovedKeys, removed_keys};
use crate::{Actor, BackendTrials, Comparison, Draft, KeyTrials, ManageError, Management};
pub use requests::{RequestEffects, RequestGroup};

/// How many sessions are named in each group; all are counted.
pub const MAX_NAMED: usize = 100;

/// What applying a draft would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// To the configuration.
    pub comparison: Comparison,
    /// To those who are signed in.
    pub sessions: SessionEffects,
    /// To the requests of the live feed, were they sent again.
    pub requests: RequestEffects,
    /// How the backends answer that it adds, or that connections are made to otherwise.
    pub backends: BackendTrials,
    /// What is wrong with its keys, and which tokens they do not fit.
    pub keys: KeyTrials,
}

/// What would become of the sessions that there are.
#[derive(Clone, Debug, Default)]
pub struct SessionEffects {
    /// How many there are.
    pub looked_at: usize,
    /// How many would notice anything.
    pub affected: usize,
    /// Those, the worst first. Each session is in one group.
    pub groups: Vec<SessionGroup>,
}

/// The sessions at one virtual proxy to which the same would happen.
#[derive(Clone, Debug)]
pub struct SessionGroup {
    /// What would become of them.
    pub outcome: Outcome,
    /// Why.
    pub effect: SessionEffect,
    /// The virtual proxy.
    pub virtual_proxy: Uuid,
    /// Its prefix, as it is now.
    pub prefix: String,
    /// How many.
    pub count: usize,
    /// At most [`MAX_NAMED`] of them.
    pub sessions: Vec<AffectedSession>,
}

/// A session in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedSession {
    /// Its public id.
    pub id: String,
    /// Its user, as `DIRECTORY\id`.
    pub user: String,
    /// Since when.
    pub created: UnixTime,
    /// How many WebSockets it has open.
    pub sockets: usize,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ends, and its WebSockets are closed.
    Ends,
    /// It stays, its WebSockets are closed, and its next request is refused.
    Refused,
    /// It stays, and so do its WebSockets, but its next request does not reach it.
    OutOfReach,
    /// It goes on. It would end if the change asked for that.
    GoesOn,
}

/// Why something becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionEffect {
    /// Its virtual proxy is deleted.
    VirtualProxyDeleted,
    /// Its time is up under the new inactivity timeout.
    TimedOut,
    /// Its time is up under the new longest lifetime.
    LifetimeOver,
    /// The key that it was opened with is removed.
    KeyRemoved,
    /// Its user's directory is bound to other virtual proxies.
    DirectoryNotAllowed,
    /// The access rule does not let its user in any more.
    AccessDenied,
    /// The mode of anonymous access does not fit any more.
    AnonymousAccess,
    /// Its virtual proxy is not linked to this gateway any more.
    Unlinked,
    /// The cookie gets another name.
    CookieRenamed,
}

impl Outcome {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Refused => "refused",
            Self::OutOfReach => "out_of_reach",
            Self::GoesOn => "goes_on",
        }
    }
}

impl SessionEffect {
    /// The stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::VirtualProxyDeleted => "virtual_proxy_deleted",
            Self::TimedOut => "timed_out",
            Self::LifetimeOver => "lifetime_over",
            Self::KeyRemoved => "key_removed",
            Self::DirectoryNotAllowed => "directory_not_allowed",
            Self::AccessDenied => "access_denied",
            Self::AnonymousAccess => "anonymous_access",
            Self::Unlinked => "unlinked",
            Self::CookieRenamed => "cookie_renamed",
        }
    }

    /// The same as half a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::VirtualProxyDeleted => "the virtual proxy is deleted",
            Self::TimedOut => "they have been idle for longer than is allowed then",
            Self::LifetimeOver => "they are older than is allowed then",
            Self::KeyRemoved => "the key that they were opened with is removed",
            Self::DirectoryNotAllowed => "their user directory is bound to other virtual proxies",
            Self::AccessDenied => "the access rule does not let their users in",
            Self::AnonymousAccess => "anonymous access is configured otherwise",
            Self::Unlinked => "the virtual proxy is not linked to this gateway any more",
            Self::CookieRenamed => "the session cookie gets another name",
        }
    }
}

impl Management {
    /// Checks a draft as a whole, and says what applying it, with or without an end for the sessions
    /// of removed keys, would change and do. Changes nothing, and holds nobody up: sessions are looked
    /// at on a thread of its own. The fields of the first `in_detail` documents are told, and of those that
    /// are changed; of others that are new or gone, just that. Backends and key sets that it changes are asked meanwhile, in a few
    /// seconds at most.
    ///
    /// # Errors
    /// Those of [`Self::apply_draft`].
    pub async fn preview_draft(
        &self,
        actor: &Actor,
        draft: &Draft,
        end_sessions: bool,
        in_detail: usize,
        now: Timestamp,
    ) -> Result<Preview, ManageError> {
        let (before, after) = self.tried(actor, draft, now).await?;
        let now = UnixTime(now.as_millis().div_euclid(1000));
        let backends = self.try_services(changed_services(&before, &after));
        let sources = self.try_sources(&before, &after);
        let (management, old, new) = (self.clone(), before.clone(), after.clone());
        let trying = in_background(move || {
            let trial = Trial {
                people: management.inner.people.load_full(),
                removed: removed_keys(&old, &new, &management.inner.known_keys()),
                before: &old,
                after: &new,
                end_sessions,
                now,
            };
            let comparison = compare(&old, &new, in_detail);
            let sessions = management.try_sessions(&trial);
            (comparison, sessions, management.try_requests(&trial))
        });
        let (tried, backends, sources) = tokio::join!(trying, backends, sources);
        let (comparison, sessions, requests) = tried?;
        let management = self.clone();
        let judging = move || management.try_keys((&before, &after), &sources, now);
        Ok(Preview {
            comparison,
            sessions,
            requests,
            backends,
            keys: in_background(judging).await?,
        })
    }

    fn try_sessions(&self, trial: &Trial<'_>) -> SessionEffects {
        let all = self.inner.sessions.list(None);
        let (mut looked_at, mut affected) = (0, 0);
        let mut groups: BTreeMap<_, (usize, Vec<AffectedSession>)> = BTreeMap::new();
        for session in all {
            let Some(vp) = trial.before.virtual_proxy(session.virtual_proxy()) else {
                continue;
            };
            if !session.state(&vp.session, trial.now).is_live() {
                continue;
            }
            looked_at += 1;
            let Some((outcome, effect)) = trial.of(&session, vp) else {
                continue;
            };
            affected += 1;
            let (count, named) = groups.entry((outcome, effect, vp.id)).or_default();
            *count += 1;
            if named.len() < MAX_NAMED {
                named.push(AffectedSession {
                    id: session.public_id().to_owned(),
                    user: session.user().to_string(),
                    created: session.created(),
                    sockets: self.inner.sessions.open_sockets(&session),
                });
            }
        }
        let groups = groups.into_iter();
        let groups = groups.map(|((outcome, effect, id), (count, mut sessions))| {
            sessions.sort_unstable_by(|a, b| (&a.user, &a.id).cmp(&(&b.user, &b.id)));
            let vp = trial.before.virtual_proxy(id);
            SessionGroup {
                outcome,
                effect,
                virtual_proxy: id,
                prefix: vp
                    .map(|vp| vp.prefix.as_str().to_owned())
                    .unwrap_or_default(),
                count,
                sessions,
            }
        });
        SessionEffects {
            looked_at,
            affected,
            groups: groups.collect(),
        }
    }
}

/// What sessions are tried against.
struct Trial<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    people: std::sync::Arc<People>,
    removed: RemovedKeys,
    end_sessions: bool,
    now: UnixTime,
}

impl Trial<'_> {
    /// The worst that would become of a session at `old`; nothing when nothing would.
    fn of(&self, session: &Session, old: &VirtualProxy) -> Option<(Outcome, SessionEffect)> {
        let Some(new) = self.after.virtual_proxy(old.id) else {
            return Some((Outcome::Ends, SessionEffect::VirtualProxyDeleted));
        };
        match session.state(&new.session, self.now) {
            SessionState::Live => {}
            SessionState::TimedOut => return Some((Outcome::Ends, SessionEffect::TimedOut)),
            SessionState::LifetimeOver => {
                return Some((Outcome::Ends, SessionEffect::LifetimeOver));
            }
        }
        let lost_key = self.removed.opened(session);
        if lost_key && self.end_sessions {
            return Some((Outcome::Ends, SessionEffect::KeyRemoved));
        }
        if let Some(effect) = self.refusal(session, old, new) {
            return Some((Outcome::Refused, effect));
        }
        if self.before.is_linked(old.id) && !self.after.is_linked(old.id) {
            return Some((Outcome::OutOfReach, SessionEffect::Unlinked));
        }
        let renamed = |tls| old.cookie.form(tls).name != new.cookie.form(tls).name;
        if renamed(true) || renamed(false) {
            return Some((Outcome::OutOfReach, SessionEffect::CookieRenamed));
        }
        lost_key.then_some((Outcome::GoesOn, SessionEffect::KeyRemoved))
    }

    /// Why the next request of a session is refused that would not be refused now.
    fn refusal(
        &self,
        session: &Session,
        old: &VirtualProxy,
        new: &VirtualProxy,
    ) -> Option<SessionEffect> {
        let directory = session.user_directory();
        if fits_mode(directory, old.anonymous) && !fits_mode(directory, new.anonymous) {
            return Some(SessionEffect::AnonymousAccess);
        }
        let allowed = |snapshot: &Snapshot, vp: &VirtualProxy| {
            let attributes: Vec<_> = match vp.access_rule {
                Some(_) => session.attributes().collect(),
                None => Vec::new(),
            };
            let who = Who {
                directory,
                id: session.user_id(),
                attributes: attributes.iter().copied(),
            };
            authorize::check(snapshot, &self.people, vp, &who)
        };
        let refusal = allowed(self.after, new).err()?;
        allowed(self.before, old).ok()?;
        match refusal.reason {
            Reason::DirectoryNotAllowed => Some(SessionEffect::DirectoryNotAllowed),
            _ => Some(SessionEffect::AccessDenied),
        }
    }
}

#[cfg(test)]
mod tests;
