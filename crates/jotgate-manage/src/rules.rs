//! What a save must fulfil, as a whole.

mod proxy_settings;

use jotgate_model::entity::{
    AuthenticationMethod, Metadata, ServerNodeConfiguration, VirtualProxyConfig,
};
use jotgate_model::{Documents, FieldErrors, Node, Snapshot, Timestamp, VirtualProxy};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::authority::check_change;
use crate::labels::{TakenNames, check_custom_property, check_labels, check_tag};
use crate::material::{check_jwt_keys, check_node_tls};
use crate::{Actor, ManageError};
use proxy_settings::check_proxy_settings;

/// Checks the changes against the current configuration and builds the next one.
///
/// What is wrong with fields is collected; what nobody may do, or this actor may not, ends the
/// check at once.
pub(crate) fn check(
    current: &Snapshot,
    changes: &[Change],
    actor: &Actor,
) -> Result<Snapshot, ManageError> {
    let mut next = current.documents.clone();
    for change in changes {
        change.apply_to(&mut next);
    }
    let mut errors = FieldErrors::default();
    let taken = TakenNames::default();
    for change in changes {
        check_change(actor, change, &current.documents)?;
        match change {
            Change::Put(Document::ProxyService(proxy))
                if !current
                    .documents
                    .proxy_services
                    .contains_key(&proxy.metadata.id) =>
            {
                // QRS of the real system has no POST for them either: a proxy makes its own.
                return Err(ManageError::Forbidden(
                    "A proxy service cannot be created: each gateway has its own.".to_owned(),
                ));
            }
            Change::Put(document) => {
                check_document(document, &current.documents, &next, &taken, &mut errors);
            }
            Change::Delete { kind, id } => check_delete(*kind, *id, &current.documents, &next)?,
        }
    }
    let revision = current.revision.saturating_add(1);
    match Snapshot::build(revision, next, current.proxy_id, Some(current)) {
        Ok(snapshot) if errors.is_empty() => Ok(snapshot),
        Ok(_) => Err(errors.into()),
        Err(found) => {
            errors.0.extend(found.0);
            Err(errors.into())
        }
    }
}

/// A change must be based on the stored version or a later one: clients move the date forward on
/// purpose (Qlik help, "QRS API: updating an entity").
pub(crate) fn check_version(
    kind: Kind,
    stored: &Metadata,
    sent: Timestamp,
) -> Result<(), ManageError> {
    check_sent(sent)?;
    if stored.modified_date <= sent {
        return Ok(());
    }
    Err(ManageError::Conflict {
        kind,
        id: stored.id,
        stored: stored.modified_date,
        stored_by: stored.modified_by_user_name.clone(),
        sent,
    })
}

/// A change must say which version it is based on.
pub(crate) fn check_sent(sent: Timestamp) -> Result<(), ManageError> {
    if sent == Timestamp::NEVER {
        let problem = "is missing; send the date of the version that the change is based on";
        return Err(ManageError::field("modifiedDate", problem));
    }
    Ok(())
}

/// Creating is not replacing.
pub(crate) fn check_new_id(kind: Kind, id: Uuid, documents: &Documents) -> Result<(), ManageError> {
    if Document::find(documents, kind, id).is_some() {
        let problem = format!("there is a {kind} with the id {id} already; update it instead");
        return Err(ManageError::field("id", problem));
    }
    Ok(())
}

/// What is wrong with a document itself, in the words of [`check`].
pub(crate) fn check_alone(
    document: &Document,
    stored: &Documents,
    next: &Documents,
    taken: &TakenNames,
) -> FieldErrors {
    let mut errors = FieldErrors::default();
    check_document(document, stored, next, taken, &mut errors);
    let found = match document {
        Document::Node(draft) => Node::parse(draft).err(),
        Document::VirtualProxy(draft) => VirtualProxy::parse(draft, 0).err(),
        Document::CustomProperty(_) | Document::ProxyService(_) | Document::Tag(_) => None,
    };
    errors
        .0
        .extend(found.map(|found| found.0).unwrap_or_default());
    errors
}

fn check_document(
    document: &Document,
    stored: &Documents,
    next: &Documents,
    taken: &TakenNames,
    errors: &mut FieldErrors,
) {
    let id = document.id();
    check_labels(document, next, errors);
    match document {
        Document::CustomProperty(draft) => check_custom_property(draft, next, taken, errors),
        Document::Tag(draft) => check_tag(draft, next, taken, errors),
        Document::Node(draft) => {
            let stored = stored.nodes.get(&id);
            check_node(draft, stored.map(|d| &**d), errors);
        }
        Document::ProxyService(draft) => check_proxy_settings(&draft.settings, errors),
        Document::VirtualProxy(draft) => {
            let stored = stored.virtual_proxies.get(&id);
            check_virtual_proxy(draft, stored.map(|d| &**d), errors);
        }
    }
}

fn check_virtual_proxy(
    draft: &VirtualProxyConfig,
    stored: Option<&VirtualProxyConfig>,
    errors: &mut FieldErrors,
) {
    let was_default = stored.is_some_and(|stored| stored.default_virtual_proxy);
    if draft.default_virtual_proxy != was_default {
        let problem = if was_default {
            "cannot be cleared: a site has exactly one default virtual proxy"
        } else {
            "is taken: a site has exactly one default virtual proxy"
        };
        errors.push("defaultVirtualProxy", problem);
    }
    // Qlik help, "Creating a virtual proxy": header and SAML authentication cannot be used for a
    // default virtual proxy. The same reason holds for every method that shuts the sign-in form out.
    if draft.default_virtual_proxy && draft.authentication_method != AuthenticationMethod::Ticket {
        errors.push(
            "authenticationMethod",
            "must be ticket for the default virtual proxy; create another virtual proxy for this \
             method",
        );
    }
    errors.0.extend(VirtualProxy::check_idle_jwt(draft).0);
    let pem = &draft.jwt_public_key_certificate;
    if stored.is_none_or(|stored| stored.jwt_public_key_certificate != *pem) {
        check_jwt_keys("jwtPublicKeyCertificate", pem, errors);
    }
    let known = stored.map(|stored| stored.jwt_issuers.as_slice());
    let is_known = |pem: &str| {
        let mut known = known.into_iter().flatten();
        known.any(|issuer| issuer.public_key_certificate == pem)
    };
    for (i, issuer) in draft.jwt_issuers.iter().enumerate() {
        let pem = &issuer.public_key_certificate;
        if !is_known(pem) {
            let field = format!("jwtIssuers[{i}].publicKeyCertificate");
            check_jwt_keys(&field, pem, errors);
        }
    }
}

fn check_node(
    draft: &ServerNodeConfiguration,
    stored: Option<&ServerNodeConfiguration>,
    errors: &mut FieldErrors,
) {
    if draft.is_central != stored.is_some_and(|stored| stored.is_central) {
        errors.push(
            "isCentral",
            "cannot be changed: a site has exactly one central node",
        );
    }
    if draft.node_purpose > 2 {
        let problem = format!(
            "is {}; use 0 (production), 1 (development) or 2 (both)",
            draft.node_purpose
        );
        errors.push("nodePurpose", problem);
    }
    check_node_tls(draft, stored, errors);
}

/// What must stay, and what must stay while something refers to it.
fn check_delete(
    kind: Kind,
    id: Uuid,
    current: &Documents,
    next: &Documents,
) -> Result<(), ManageError> {
    match kind {
        // They are taken off what has them.
        Kind::CustomProperty | Kind::Tag => Ok(()),
        Kind::Node => check_node_is_unused(id, current, next),
        Kind::ProxyService => Err(ManageError::Forbidden(
            "A proxy service cannot be deleted.".to_owned(),
        )),
        Kind::VirtualProxy => {
            let stored = current.virtual_proxies.get(&id);
            if stored.is_some_and(|stored| stored.default_virtual_proxy) {
                return Err(ManageError::Forbidden(
                    "The default virtual proxy cannot be deleted.".to_owned(),
                ));
            }
            Ok(())
        }
    }
}

fn check_node_is_unused(
    id: Uuid,
    current: &Documents,
    next: &Documents,
) -> Result<(), ManageError> {
    let mut virtual_proxies = next.virtual_proxies.values();
    let mut proxies = next.proxy_services.values();
    let user = virtual_proxies
        .find(|vp| vp.load_balancing_server_nodes.contains(&id))
        .map(|vp| format!("the virtual proxy \"{}\" forwards to it", vp.description))
        .or_else(|| {
            let proxy = proxies.find(|proxy| proxy.server_node_configuration == id)?;
            Some(format!(
                "the proxy service {} runs on it",
                proxy.metadata.id
            ))
        });
    let Some(user) = user else {
        return Ok(());
    };
    let name = current.nodes.get(&id).map_or("", |node| &node.name);
    let problem = format!("the node \"{name}\" cannot be deleted while {user}");
    Err(ManageError::field("id", problem))
}

#[cfg(test)]
mod tests;
