//! Issuing tickets: a program vouches for somebody, who signs in with what it hands out.

use jotgate_model::{Authentication, Identity, Timestamp, UnixTime};
use jotgate_policy::directory;
use jotgate_repository::AuditEntry;
use jotgate_session::{SessionSecret, Ticket};
use uuid::Uuid;

use crate::audit::{entry, subject};
use crate::authority::check_opening;
use crate::{Actor, ManageError, Management};

/// What the trail calls it.
const ISSUE: &str = "ticket.issue";

/// The longest directory or id, in characters.
const MAX_NAME: usize = 255;
/// How much text the attributes may have, in bytes: what a session can hold.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

impl Management {
    /// Makes a ticket with which that user signs in at a virtual proxy, once and within a minute. It
    /// is shown here and kept nowhere.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] for a virtual proxy that takes no tickets,
    /// names that cannot be a user's or are not for this virtual proxy, and too many attributes;
    /// [`ManageError::Unavailable`] when too many tickets are under way.
    pub async fn issue_ticket(
        &self,
        actor: &Actor,
        virtual_proxy: Uuid,
        identity: Identity,
        now: Timestamp,
    ) -> Result<SessionSecret, ManageError> {
        let snapshot = self.snapshot();
        let Some(vp) = snapshot.virtual_proxy(virtual_proxy) else {
            return Err(ManageError::field("virtualProxy", "does not exist"));
        };
        let named = identity.user.to_string();
        let attempt = || entry(actor.for_audit(), ISSUE, subject("User", "", &named), now);
        self.inner
            .audit_refusal(check_opening(actor, vp), attempt)?;
        if !matches!(vp.authentication, Authentication::Ticket) {
            let problem = "signs nobody in with tickets (authenticationMethod)";
            return Err(ManageError::field("virtualProxy", problem));
        }
        let user = &identity.user;
        for (field, name) in [("UserDirectory", &user.directory), ("UserId", &user.id)] {
            check_name(field, name)?;
        }
        let foreign =
            directory::may_assert(user).is_err() || !snapshot.may_assert(vp.id, &user.directory);
        if foreign {
            let problem = "cannot be asserted at this virtual proxy";
            return Err(ManageError::field("UserDirectory", problem));
        }
        let size = |(name, value): &(Box<str>, Box<str>)| name.len() + value.len();
        let size: usize = identity.attributes.iter().map(size).sum();
        if size > MAX_ATTRIBUTE_BYTES {
            let problem = format!("have {size} bytes; at most {MAX_ATTRIBUTE_BYTES} are possible");
            return Err(ManageError::field("Attributes", problem));
        }
        let ticket = Ticket {
            virtual_proxy,
            identity,
        };
        let at = UnixTime(now.as_millis().div_euclid(1000));
        let secret = self.inner.sessions.issue_ticket(ticket, at).await;
        let secret = secret.map_err(|error| ManageError::Unavailable(error.to_string()))?;
        let entry = AuditEntry {
            reason: format!("at \"{}\"", vp.description),
            ..attempt()
        };
        self.inner.audit.note(entry);
        tracing::info!(ticket.user = ?named, ticket.issued_by = ?actor.name, "a ticket was issued");
        Ok(secret)
    }
}

/// Qlik help, "Add ticket": neither blank nor with a backslash.
fn check_name(field: &str, name: &str) -> Result<(), ManageError> {
    let usable = !name.trim().is_empty()
        && name.trim() == name
        && name.chars().count() <= MAX_NAME
        && !name.contains('\\')
        && !name.chars().any(char::is_control);
    if usable {
        return Ok(());
    }
    let problem = format!(
        "must have 1 to {MAX_NAME} visible characters, no backslash, and no blank at its ends"
    );
    Err(ManageError::field(field, problem))
}

#[cfg(test)]
mod tests {
    use jotgate_model::User;
    use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};

    use super::*;
    use crate::testing::{Site, at, auditor, draft, forbidden, invalid, root, security, site};

    fn identity(directory: &str, id: &str) -> Identity {
        Identity {
            user: User::new(directory, id),
            attributes: vec![("Group".into(), "sales".into())],
        }
    }

    async fn create(site: &Site, prefix: &str, method: AuthenticationMethod) -> Uuid {
        let vp = VirtualProxyConfig {
            authentication_method: method,
            ..draft(prefix)
        };
        let created = site.management.create_virtual_proxy(root(), vp, at(1));
        created.await.unwrap().metadata.id
    }

    #[tokio::test]
    async fn a_ticket_is_redeemed_where_it_was_issued_for() {
        let site = site().await;
        let vp = create(&site, "ticket", AuthenticationMethod::Ticket).await;
        let issue = site
            .management
            .issue_ticket(security(), vp, identity("a", "b"), at(0));
        let secret = issue.await.unwrap();
        let now = UnixTime(1_700_000_030);
        let ticket = site
            .sessions
            .redeem_ticket(vp, secret.expose().as_bytes(), now);
        assert_eq!(ticket.await.unwrap().unwrap().identity, identity("a", "b"));
    }

    #[tokio::test]
    async fn nobody_climbs_with_a_ticket() {
        let site = site().await;
        let vp = create(&site, "ticket", AuthenticationMethod::Ticket).await;
        let jwt = create(&site, "jwt", AuthenticationMethod::JWT).await;
        let default = site.default_virtual_proxy().metadata.id;
        let issue = async |actor: &Actor, vp, directory: &str, id: &str| {
            site.management
                .issue_ticket(actor, vp, identity(directory, id), at(0))
                .await
        };
        // Where roles count, it takes everything to sign somebody in.
        forbidden(issue(security(), default, "a", "b").await);
        forbidden(issue(auditor(), vp, "a", "b").await);
        for directory in ["INTERNAL", "internal", "NONE", "", " a", "a\\b", "a\n"] {
            invalid(issue(root(), vp, directory, "b").await);
        }
        invalid(issue(root(), jwt, "a", "b").await);
        invalid(issue(root(), Uuid::nil(), "a", "b").await);
    }
}
