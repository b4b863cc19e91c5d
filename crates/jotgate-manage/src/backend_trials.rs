//! Backends that are tried before they are saved.
//!
//! The gateway connects to what somebody writes: only those may ask who may save it.

use std::sync::Arc;

use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{BackendCheck, FieldErrors, Node, Scheme, Service, Snapshot, Uuid};
use jotgate_repository::{Document, Kind};
use tokio::task::JoinSet;

use crate::authority::check_may_change;
use crate::documents::with_stored_secrets;
use crate::material::check_node_tls;
use crate::{Actor, ManageError, Management};

/// How many services are tried at once; more are only counted.
pub const MAX_TRIED_BACKENDS: usize = 50;

/// Backends, tried.
#[derive(Clone, Debug, Default)]
pub struct BackendTrials {
    /// In the order of the nodes and their services.
    pub tried: Vec<BackendTrial>,
    /// How many more there are.
    pub not_tried: usize,
}

/// A service of a node, tried once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendTrial {
    /// The node; the nil id for one that is new.
    pub node: Uuid,
    /// Its name.
    pub node_name: String,
    /// The path of the service; `/` for the one that serves everything.
    pub service: String,
    /// Where it is, as `https://host:port`.
    pub address: String,
    /// What the try has shown.
    pub check: BackendCheck,
}

impl Management {
    /// Tries every service of a node, saved or not: connects to it as requests would and asks for its
    /// health path, all at once, in a few seconds at most. A client key that the draft of a stored
    /// node leaves out is the stored one. Changes nothing.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for those who may not save a node, [`ManageError::Invalid`] with every
    /// field that no connection could be made with, and [`ManageError::Unavailable`] where no requests
    /// are served.
    pub async fn try_node(
        &self,
        actor: &Actor,
        draft: ServerNodeConfiguration,
    ) -> Result<BackendTrials, ManageError> {
        check_may_change(actor)?;
        self.live()?;
        let (id, snapshot) = (draft.metadata.id, self.snapshot());
        let stored = Document::find(&snapshot.documents, Kind::Node, id);
        let draft = Document::Node(Arc::new(draft));
        let draft = match &stored {
            Some(stored) => with_stored_secrets(draft, stored),
            None => draft,
        };
        let Document::Node(draft) = draft else {
            return Ok(BackendTrials::default());
        };
        let mut errors = FieldErrors::default();
        check_node_tls(&draft, None, &mut errors);
        match Node::parse(&draft) {
            Ok(node) if errors.is_empty() => {
                let node = Arc::new(node);
                let services = node.services.iter();
                let services = services.map(|service| (node.clone(), service.clone()));
                Ok(self.try_services(services.collect()).await)
            }
            Ok(_) => Err(errors.into()),
            Err(found) => {
                errors.0.extend(found.0);
                Err(errors.into())
            }
        }
    }

    /// Tries the services, all at once; none where no requests are served.
    pub(crate) async fn try_services(
        &self,
        mut services: Vec<(Arc<Node>, Arc<Service>)>,
    ) -> BackendTrials {
        let Ok(live) = self.live() else {
            return BackendTrials::default();
        };
        let not_tried = services.len().saturating_sub(MAX_TRIED_BACKENDS);
        services.truncate(MAX_TRIED_BACKENDS);
        let mut running = JoinSet::new();
        for (at, (node, service)) in services.into_iter().enumerate() {
            let trying = (live.try_backend)(node.clone(), service.clone());
            running.spawn(async move { (at, trial(&node, &service, trying.await)) });
        }
        let mut tried = Vec::new();
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(trial) => tried.push(trial),
                Err(error) => tracing::error!(%error, "the try of a backend ended early"),
            }
        }
        tried.sort_unstable_by_key(|(at, _)| *at);
        BackendTrials {
            tried: tried.into_iter().map(|(_, trial)| trial).collect(),
            not_tried,
        }
    }
}

/// The services of `after` that connections are made to otherwise than in `before`, or not at all there.
pub(crate) fn changed_services(
    before: &Snapshot,
    after: &Snapshot,
) -> Vec<(Arc<Node>, Arc<Service>)> {
    let mut changed = Vec::new();
    for node in after.nodes() {
        let old = before.node(node.id);
        if old.is_some_and(|old| Arc::ptr_eq(old, node)) {
            continue;
        }
        let old = old.filter(|old| old.tls == node.tls);
        let is_known =
            |service: &Arc<Service>| old.is_some_and(|old| old.services.contains(service));
        let services = node.services.iter().filter(|service| !is_known(service));
        changed.extend(services.map(|service| (node.clone(), service.clone())));
    }
    changed.sort_by(|(a, _), (b, _)| (&a.name, a.id).cmp(&(&b.name, b.id)));
    changed
}

fn trial(node: &Node, service: &Service, check: BackendCheck) -> BackendTrial {
    let scheme = match service.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let path = match &*service.path {
        "" => "/",
        path => path,
    };
    BackendTrial {
        node: node.id,
        node_name: node.name.to_string(),
        service: path.to_owned(),
        address: format!("{scheme}://{}", service.authority),
        check,
    }
}

#[cfg(test)]
mod tests;
