//! A site's configuration as its QRS lists it, made into one that Jotgate can serve.
//!
//! The other site may be the real system, of another version, or Jotgate. What Jotgate does not have
//! is left out and told; what it keeps without serving it (SAML, OIDC, external modules) is kept and
//! not linked. Nothing of the other site is changed or contacted here.

mod hints;
mod tolerant;

use std::sync::Arc;

use jotgate_manage::{Change, Document, file};
use jotgate_model::entity::{ProxyService, ServerNodeConfiguration, VirtualProxyConfig};
use jotgate_model::{Authentication, Documents, VirtualProxy};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::tolerant::{LeftOut, document};
use super::entity::EntityType;

/// The entities of which [`import`] takes the lists, in this order, as `GET /qrs/{entity}/full`
/// answers them.
pub const IMPORTED: [&str; 5] = [
    "tag",
    "custompropertydefinition",
    "servernodeconfiguration",
    "proxyservice",
    "virtualproxyconfig",
];
/// What the central node of a new gateway is called.
const CENTRAL: &str = "Central";
/// The entities that can have custom properties here.
const LABELLED: [&str; 3] = [
    "ProxyService",
    "ServerNodeConfiguration",
    "VirtualProxyConfig",
];

/// A configuration, and what of the site it does not have.
#[derive(Clone, Debug)]
pub struct ImportedSite {
    /// In the form of [`file`].
    pub configuration: Map<String, Value>,
    /// One line each.
    pub notes: Vec<String>,
}

/// Makes a configuration of the lists of a site.
///
/// # Errors
/// The lists are no lists of entities, or no site: one sentence.
pub fn import(lists: [Vec<Value>; 5]) -> Result<ImportedSite, String> {
    let count: usize = lists.iter().map(Vec::len).sum();
    if count > file::MAX_DOCUMENTS {
        return Err(format!(
            "the site has {count} entities; at most {} are possible",
            file::MAX_DOCUMENTS
        ));
    }
    let mut left_out = LeftOut::default();
    let mut documents = Documents::default();
    for (name, list) in IMPORTED.iter().zip(lists) {
        let entity = EntityType::from_segment(name)
            .ok_or_else(|| format!("{name} is no type of entities"))?;
        for item in list {
            let knows_administration = item.get("allowAdministration").is_some();
            let mut document = document(entity, item, &mut left_out)?;
            if let Document::VirtualProxy(vp) = &mut document
                && vp.default_virtual_proxy
                && !knows_administration
            {
                // Where administrators sign in, on a new gateway as well.
                Arc::make_mut(vp).allow_administration = true;
            }
            Change::Put(document).apply_to(&mut documents);
        }
    }
    let mut notes = left_out.into_notes();
    let central = name_central_node(&mut documents, &mut notes)?;
    join_proxies(&mut documents, central, &mut notes)?;
    leave_out_foreign_properties(&mut documents, &mut notes);
    unlink_unserved(&mut documents, &mut notes);
    hints::add(&documents, &mut notes);
    // Names are somebody else's; the lines are ours.
    for note in &mut notes {
        *note = note.replace(char::is_control, " ");
    }
    Ok(ImportedSite {
        configuration: file::export(&documents),
        notes,
    })
}

/// The central node is found by its name when the file is applied: that of a new gateway.
fn name_central_node(documents: &mut Documents, notes: &mut Vec<String>) -> Result<Uuid, String> {
    let mut nodes = documents.nodes.values();
    let central = nodes
        .clone()
        .find(|node| node.is_central)
        .or_else(|| nodes.next())
        .ok_or("the site has no node; look whether the user of the certificate may read them")?;
    let (id, name) = (central.metadata.id, central.name.clone());
    let taken =
        |node: &Arc<ServerNodeConfiguration>| node.name == CENTRAL && node.metadata.id != id;
    if documents.nodes.values().any(taken) {
        return Err(format!(
            "a node that is not the central one is called \"{CENTRAL}\"; give it another name first"
        ));
    }
    for (other, node) in &mut documents.nodes {
        let node = Arc::make_mut(node);
        node.is_central = *other == id;
        if node.is_central {
            CENTRAL.clone_into(&mut node.name);
        }
    }
    if name != CENTRAL {
        notes.push(format!(
            "the central node \"{name}\" is called \"{CENTRAL}\", as that of a new gateway is"
        ));
    }
    Ok(id)
}

/// One gateway takes the place of all proxies of the site.
fn join_proxies(
    documents: &mut Documents,
    central: Uuid,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let proxies = std::mem::take(&mut documents.proxy_services);
    let on_central = |proxy: &&Arc<ProxyService>| proxy.server_node_configuration == central;
    let first = proxies
        .values()
        .find(on_central)
        .or_else(|| proxies.values().next());
    let mut one = ProxyService::clone(
        first
            .ok_or("the site has no proxy; look whether the user of the certificate may read it")?,
    );
    one.server_node_configuration = central;
    for proxy in proxies.values() {
        let links = &mut one.settings.virtual_proxies;
        for id in &proxy.settings.virtual_proxies {
            if !links.contains(id) {
                links.push(*id);
            }
        }
    }
    if proxies.len() > 1 {
        notes.push(format!(
            "the site has {} proxies; one gateway has what is linked to any of them",
            proxies.len()
        ));
    }
    documents
        .proxy_services
        .insert(one.metadata.id, Arc::new(one));
    Ok(())
}

/// Custom properties of apps, streams and the like.
fn leave_out_foreign_properties(documents: &mut Documents, notes: &mut Vec<String>) {
    documents.custom_properties.retain(|_, definition| {
        let mut types = definition.object_types.iter();
        let has_one_of_ours = types.any(|object| LABELLED.contains(&object.as_str()));
        if !has_one_of_ours {
            notes.push(format!(
                "the custom property \"{}\" was left out: it is of {} only",
                definition.name,
                definition.object_types.join(", ")
            ));
        }
        has_one_of_ours
    });
}

/// A virtual proxy that cannot be served is kept and not linked; one that cannot be accepted is
/// told.
fn unlink_unserved(documents: &mut Documents, notes: &mut Vec<String>) {
    let mut unserved = Vec::new();
    for (id, document) in &documents.virtual_proxies {
        match VirtualProxy::parse(document, 0) {
            Ok(parsed) => {
                if let Authentication::Unserved(missing) = &parsed.authentication {
                    unserved.push((
                        *id,
                        format!("{} is kept but not linked: {missing}", name(document)),
                    ));
                }
            }
            Err(errors) => notes.push(format!(
                "{} will not be accepted as it is, correct it in the file: {errors}",
                name(document)
            )),
        }
    }
    for proxy in documents.proxy_services.values_mut() {
        let links = &mut Arc::make_mut(proxy).settings.virtual_proxies;
        for (id, note) in &unserved {
            if links.contains(id) {
                notes.push(note.clone());
            }
        }
        let known = &documents.virtual_proxies;
        links.retain(|id| known.contains_key(id) && unserved.iter().all(|(other, _)| other != id));
    }
}

/// What people call a virtual proxy.
fn name(document: &VirtualProxyConfig) -> String {
    format!(
        "the virtual proxy \"{}\" (prefix \"{}\")",
        document.description, document.prefix
    )
}
