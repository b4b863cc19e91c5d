//! Who may change what: the one place.
//!
//! Everybody with a role may read everything. AuditAdmin changes nothing. SecurityAdmin changes
//! everything but what would make an administrator: users with roles, and the virtual proxies whose
//! users roles or bound directories hang on.

use jotgate_model::entity::{Metadata, VirtualProxyConfig};
use jotgate_model::{Documents, VirtualProxy};
use jotgate_repository::{Change, Document, Kind, StoredUser};

use crate::{Actor, ManageError, Privilege};

/// Checks that the actor may change anything at all.
pub(crate) fn check_may_change(actor: &Actor) -> Result<(), ManageError> {
    match actor.privilege {
        Privilege::RootAdmin | Privilege::SecurityAdmin => Ok(()),
        Privilege::AuditAdmin => Err(ManageError::Forbidden(
            "The role AuditAdmin reads everything and changes nothing: this takes another role."
                .to_owned(),
        )),
    }
}

/// Checks that the actor may make a change of the configuration.
///
/// Where roles count, whoever decides how users prove who they are, or which pages may act for
/// them, could become any administrator; where a directory is bound, any of its users. That takes
/// RootAdmin.
pub(crate) fn check_change(
    actor: &Actor,
    change: &Change,
    stored: &Documents,
) -> Result<(), ManageError> {
    check_may_change(actor)?;
    let (id, draft) = match change {
        Change::Put(Document::VirtualProxy(draft)) => (draft.metadata.id, Some(draft)),
        Change::Delete {
            kind: Kind::VirtualProxy,
            id,
        } => (*id, None),
        Change::Put(_) | Change::Delete { .. } => return Ok(()),
    };
    let stored = stored.virtual_proxies.get(&id);
    let mut both = draft.into_iter().chain(stored);
    let Some(guarded) = both.find(|vp| is_guarded(vp)) else {
        return Ok(());
    };
    if let (Some(stored), Some(draft)) = (stored, draft)
        && guarded_part(stored) == guarded_part(draft)
    {
        return Ok(());
    }
    let why = if guarded.allow_administration {
        "allows administration"
    } else {
        "has user directories of its own (boundUserDirectories)"
    };
    check_root(actor, || {
        format!(
            "The virtual proxy \"{}\" {why}: changing it takes the role RootAdmin.",
            guarded.description
        )
    })
}

/// Checks that the actor may open a session for somebody else.
pub(crate) fn check_opening(actor: &Actor, vp: &VirtualProxy) -> Result<(), ManageError> {
    check_may_change(actor)?;
    if !vp.allow_administration && vp.bound_directories.is_empty() {
        return Ok(());
    }
    check_root(actor, || {
        format!(
            "At the virtual proxy \"{}\" users can have roles: to sign somebody in takes the role \
             RootAdmin.",
            vp.description
        )
    })
}

/// Checks that the actor may make `next` of the user `stored`.
pub(crate) fn check_user(
    actor: &Actor,
    stored: &StoredUser,
    next: &StoredUser,
) -> Result<(), ManageError> {
    check_may_change(actor)?;
    if stored.roles.is_empty() && next.roles.is_empty() {
        return Ok(());
    }
    check_root(actor, || {
        format!(
            "{} is an administrator: to make or change one takes the role RootAdmin.",
            stored.user
        )
    })
}

/// Checks that the actor may do everything.
pub(crate) fn check_root(
    actor: &Actor,
    sentence: impl FnOnce() -> String,
) -> Result<(), ManageError> {
    match actor.privilege {
        Privilege::RootAdmin => Ok(()),
        Privilege::SecurityAdmin | Privilege::AuditAdmin => Err(ManageError::Forbidden(sentence())),
    }
}

fn is_guarded(vp: &VirtualProxyConfig) -> bool {
    vp.allow_administration || !vp.bound_user_directories.is_empty()
}

/// Everything but what can do no harm, so that a new field is guarded until somebody thinks about
/// it.
fn guarded_part(document: &VirtualProxyConfig) -> VirtualProxyConfig {
    VirtualProxyConfig {
        metadata: Metadata::default(),
        custom_properties: Vec::new(),
        description: String::new(),
        jwt_attribute_map: document
            .jwt_attribute_map
            .iter()
            .cloned()
            .map(|mut row| {
                row.metadata = Metadata::default();
                row
            })
            .collect(),
        max_sessions_per_user: 0,
        requests_per_second: 0,
        requests_per_second_per_user: 0,
        max_requests_in_flight: 0,
        max_sockets_per_session: 0,
        tags: Vec::new(),
        ..document.clone()
    }
}

#[cfg(test)]
mod tests;
