//! Who may change what.

use jotgate_model::Documents;
use jotgate_model::entity::{Metadata, VirtualProxyConfig};
use jotgate_repository::Document;

use crate::{Actor, ManageError, Privilege};

/// Checks that the actor may write `document`.
///
/// Where roles count, whoever decides how users prove who they are, or which pages may act for
/// them, could become any administrator. That takes RootAdmin.
pub(crate) fn check_authority(
    actor: &Actor,
    document: &Document,
    stored: &Documents,
) -> Result<(), ManageError> {
    let Document::VirtualProxy(draft) = document else {
        return Ok(());
    };
    let stored = stored.virtual_proxies.get(&draft.metadata.id);
    let administered = |vp: &VirtualProxyConfig| vp.allow_administration;
    if !administered(draft) && !stored.is_some_and(|stored| administered(stored)) {
        return Ok(());
    }
    if stored.is_some_and(|stored| guarded_part(stored) == guarded_part(draft)) {
        return Ok(());
    }
    match actor.privilege {
        Privilege::RootAdmin => Ok(()),
        Privilege::SecurityAdmin => Err(ManageError::Forbidden(format!(
            "The virtual proxy \"{}\" allows administration: changing it takes the role RootAdmin.",
            draft.description
        ))),
    }
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
