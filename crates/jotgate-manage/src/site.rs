//! The first configuration, and which gateway of the site this process is.

use std::sync::Arc;

use jotgate_model::entity::{
    Metadata, ProxyService, ServerNodeConfiguration, ServiceConfig, VirtualProxyConfig,
};
use jotgate_model::{Documents, Snapshot, Timestamp};
use jotgate_repository::{Change, ChangeSet, Document, Repository, RepositoryError, Stored};
use uuid::Uuid;

use crate::{Actor, ManageError};

/// The author of what nobody asked for.
const AUTHOR: &str = r"INTERNAL\jotgate";
/// The setting that names the gateway which this process is.
const LOCAL_PROXY: &str = "local_proxy";

/// What the first configuration is made of, when the database is empty.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// The name or address of this machine, as backends and clients know it.
    pub host_name: String,
    /// The backends of the central node. When there are any, the default virtual proxy forwards to
    /// them; else it has no node, and the node's services follow from the host name.
    pub node_services: Vec<ServiceConfig>,
    /// The date of it all.
    pub now: Timestamp,
    /// Which gateway this process is, in a database that several nodes share: it is made when it is
    /// missing. Nothing for a database of one's own, which remembers it.
    pub proxy: Option<Uuid>,
}

/// Reads what is stored, after creating the site in an empty database, and finds this gateway.
pub(crate) async fn load_or_create(
    repository: &Repository,
    site: &NewSite,
) -> Result<(Stored, Uuid), ManageError> {
    let mut stored = repository.load().await?;
    if stored.revision == 0 {
        let set = default_site(site);
        check(&set)?;
        match repository.apply(0, &set).await {
            // Another process was faster: its site is as good.
            Ok(_) | Err(RepositoryError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        stored = repository.load().await?;
    }
    if let Some(id) = site.proxy {
        return Ok((join(repository, stored, site, id).await?, id));
    }
    let remembered = repository.setting(LOCAL_PROXY).await?;
    let remembered = remembered
        .and_then(|id| id.parse().ok())
        .filter(|id| stored.documents.proxy_services.contains_key(id));
    let proxy_id = match remembered {
        Some(id) => id,
        None => {
            let id = central_proxy(&stored.documents)?;
            repository.set_setting(LOCAL_PROXY, &id.to_string()).await?;
            id
        }
    };
    Ok((stored, proxy_id))
}

/// Makes the gateway `proxy` unless it is there: a node of its own, with the virtual proxies that the
/// gateway of the central node has. Behind one load balancer all nodes are to serve the same;
/// who wants it otherwise unlinks what a node is not to serve.
async fn join(
    repository: &Repository,
    mut stored: Stored,
    site: &NewSite,
    proxy: Uuid,
) -> Result<Stored, ManageError> {
    while !stored.documents.proxy_services.contains_key(&proxy) {
        let set = joining(&stored.documents, site, proxy)?;
        match repository.apply(stored.revision, &set).await {
            // Another node joins at the same time.
            Ok(_) | Err(RepositoryError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        stored = repository.load().await?;
    }
    Ok(stored)
}

fn joining(documents: &Documents, site: &NewSite, proxy: Uuid) -> Result<ChangeSet, ManageError> {
    let central = central_proxy(documents)?;
    let central = documents.proxy_services.get(&central);
    let of_central = central.and_then(|proxy| {
        let node = documents.nodes.get(&proxy.server_node_configuration)?;
        Some(node.service_cluster)
    });
    let is_taken = |name: &str| documents.nodes.values().any(|node| node.name == name);
    let mut name = site.host_name.clone();
    if is_taken(&name) {
        name = format!("{name} ({proxy})");
    }
    let node = ServerNodeConfiguration {
        metadata: metadata(Uuid::new_v4(), site.now),
        name,
        host_name: site.host_name.clone(),
        service_cluster: of_central.unwrap_or_default(),
        services: site.node_services.clone(),
        ..Default::default()
    };
    let mut joined = ProxyService {
        metadata: metadata(proxy, site.now),
        server_node_configuration: node.metadata.id,
        ..Default::default()
    };
    if let Some(central) = central {
        joined.settings = central.settings.clone();
    }
    let set = ChangeSet {
        changes: vec![
            Change::Put(Document::Node(Arc::new(node))),
            Change::Put(Document::ProxyService(Arc::new(joined))),
        ],
        author: Actor::system().for_audit(),
        note: format!("{} joins", site.host_name),
        at: site.now,
    };
    let mut next = documents.clone();
    for change in &set.changes {
        change.apply_to(&mut next);
    }
    Snapshot::build(1, next, proxy, None)?;
    Ok(set)
}

/// What cannot be served must not be stored: it would stop every later start.
fn check(set: &ChangeSet) -> Result<(), ManageError> {
    let mut documents = Documents::default();
    for change in &set.changes {
        change.apply_to(&mut documents);
    }
    Snapshot::build(1, documents, Uuid::nil(), None)?;
    Ok(())
}

/// The gateway of the central node, or else the first.
fn central_proxy(documents: &Documents) -> Result<Uuid, ManageError> {
    let central = |proxy: &&Arc<ProxyService>| {
        let node = documents.nodes.get(&proxy.server_node_configuration);
        node.is_some_and(|node| node.is_central)
    };
    let mut proxies = documents.proxy_services.values();
    let found = proxies.clone().find(central).or_else(|| proxies.next());
    found.map(|proxy| proxy.metadata.id).ok_or_else(|| {
        let reason = "the database holds a configuration without a proxy service";
        ManageError::Unavailable(reason.to_owned())
    })
}

fn metadata(id: Uuid, now: Timestamp) -> Metadata {
    Metadata {
        id,
        created_date: now,
        modified_date: now,
        modified_by_user_name: AUTHOR.to_owned(),
    }
}

/// One node, one gateway on it, and the default virtual proxy.
fn default_site(site: &NewSite) -> ChangeSet {
    let new = || metadata(Uuid::new_v4(), site.now);
    let node = ServerNodeConfiguration {
        metadata: new(),
        name: "Central".to_owned(),
        host_name: site.host_name.clone(),
        is_central: true,
        service_cluster: Uuid::new_v4(),
        services: site.node_services.clone(),
        ..Default::default()
    };
    let virtual_proxy = VirtualProxyConfig {
        metadata: new(),
        description: "Central Proxy (Default)".to_owned(),
        session_cookie_header_name: "X-Qlik-Session".to_owned(),
        default_virtual_proxy: true,
        allow_administration: true,
        load_balancing_server_nodes: if site.node_services.is_empty() {
            Vec::new()
        } else {
            vec![node.metadata.id]
        },
        ..Default::default()
    };
    let mut proxy = ProxyService {
        metadata: metadata(site.proxy.unwrap_or_else(Uuid::new_v4), site.now),
        server_node_configuration: node.metadata.id,
        ..Default::default()
    };
    proxy.settings.virtual_proxies = vec![virtual_proxy.metadata.id];
    ChangeSet {
        changes: vec![
            Change::Put(Document::Node(Arc::new(node))),
            Change::Put(Document::VirtualProxy(Arc::new(virtual_proxy))),
            Change::Put(Document::ProxyService(Arc::new(proxy))),
        ],
        author: Actor::system().for_audit(),
        note: "first start".to_owned(),
        at: site.now,
    }
}

#[cfg(test)]
mod tests;
