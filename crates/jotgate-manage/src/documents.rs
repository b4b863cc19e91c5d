//! Creating, changing and deleting documents of any kind: one or many, all of them or none.

use std::collections::HashSet;
use std::sync::Arc;

use jotgate_model::{Documents, Snapshot, Timestamp};
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use crate::drafts::name_of;
use crate::labels::without_label;
use crate::management::Intent;
use crate::rules::{check_new_id, check_version};
use crate::{Actor, ManageError, Management};

impl Management {
    /// Creates documents in one save and answers them as they are stored. A draft without an id
    /// gets a new one; a node without a service cluster joins that of the central node. A virtual
    /// proxy serves nothing until a proxy service is linked to it.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] and [`ManageError::Unavailable`].
    pub async fn create_documents(
        &self,
        actor: &Actor,
        mut drafts: Vec<Document>,
        now: Timestamp,
    ) -> Result<Vec<Document>, ManageError> {
        for draft in &mut drafts {
            if draft.id().is_nil() {
                draft.metadata_mut().id = Uuid::new_v4();
            }
        }
        let ids = ids_of(&drafts);
        let intent = intent(actor, "create", &drafts, &self.snapshot(), now);
        let saved = self.save(intent, move |snapshot| {
            let mut new = HashSet::new();
            let changes = drafts.iter().map(|draft| {
                check_new_id(draft.kind(), draft.id(), &snapshot.documents)?;
                if !new.insert((draft.kind(), draft.id())) {
                    return Err(ManageError::field("id", "comes twice; choose another"));
                }
                Ok(Change::Put(completed(draft.clone(), &snapshot.documents)))
            });
            changes.collect()
        });
        find_all(&saved.await?.documents, &ids)
    }

    /// Replaces documents in one save and answers them as they are stored. Nobody's session ends.
    /// The virtual proxies in a proxy service are the ones that it serves: naming one links it,
    /// leaving one out unlinks it. Secrets that are never shown stay where a draft leaves them out
    /// and keeps what they belong to.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] when a stored date is more recent than the draft's, and
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`], [`ManageError::NotFound`] and
    /// [`ManageError::Unavailable`].
    pub async fn update_documents(
        &self,
        actor: &Actor,
        drafts: Vec<Document>,
        now: Timestamp,
    ) -> Result<Vec<Document>, ManageError> {
        let ids = ids_of(&drafts);
        let intent = intent(actor, "update", &drafts, &self.snapshot(), now);
        let saved = self.save(intent, move |snapshot| {
            let changes = drafts.iter().map(|draft| {
                let stored = find(&snapshot.documents, draft.kind(), draft.id())?;
                let based_on = draft.metadata().modified_date;
                check_version(draft.kind(), stored.metadata(), based_on)?;
                let draft = completed(draft.clone(), &snapshot.documents);
                Ok(Change::Put(with_stored_secrets(draft, &stored)))
            });
            changes.collect()
        });
        find_all(&saved.await?.documents, &ids)
    }

    /// Deletes documents of one kind in one save. A virtual proxy is unlinked everywhere, and its
    /// sessions end; a tag or a custom property is taken off everything that has it.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for what a site cannot be without, [`ManageError::Invalid`] for
    /// what others refer to, [`ManageError::NotFound`] and [`ManageError::Unavailable`].
    pub async fn delete_documents(
        &self,
        actor: &Actor,
        kind: Kind,
        ids: Vec<Uuid>,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let snapshot = self.snapshot();
        let doomed = ids.iter().map(|id| find(&snapshot.documents, kind, *id));
        let doomed = doomed.collect::<Result<Vec<_>, _>>()?;
        let intent = intent(actor, "delete", &doomed, &snapshot, now);
        self.save(intent, move |snapshot| {
            for id in &ids {
                find(&snapshot.documents, kind, *id)?;
            }
            let mut changes = without_references(kind, &ids, &snapshot.documents);
            changes.extend(ids.iter().map(|id| Change::Delete { kind, id: *id }));
            Ok(changes)
        })
        .await?;
        Ok(())
    }
}

/// The document of that kind and id.
pub(crate) fn find(documents: &Documents, kind: Kind, id: Uuid) -> Result<Document, ManageError> {
    Document::find(documents, kind, id).ok_or(ManageError::NotFound { kind, id })
}

fn find_all(documents: &Documents, ids: &[(Kind, Uuid)]) -> Result<Vec<Document>, ManageError> {
    let found = ids.iter().map(|(kind, id)| find(documents, *kind, *id));
    found.collect()
}

/// The one document of a save that had one, as its own type.
pub(crate) fn one<T>(
    saved: Vec<Document>,
    own: impl Fn(Document) -> Option<Arc<T>>,
) -> Result<Arc<T>, ManageError> {
    let mut saved = saved.into_iter();
    let one = saved.next().and_then(own);
    one.ok_or_else(|| ManageError::Unavailable("of an error in Jotgate itself".to_owned()))
}

fn ids_of(drafts: &[Document]) -> Vec<(Kind, Uuid)> {
    drafts.iter().map(|d| (d.kind(), d.id())).collect()
}

fn intent(
    actor: &Actor,
    verb: &str,
    documents: &[Document],
    current: &Snapshot,
    now: Timestamp,
) -> Intent {
    let named = |document: &Document| {
        let name = name_of(document, &current.documents);
        format!("{} \"{name}\"", document.kind())
    };
    let what = match documents {
        [one] => named(one),
        [first, ..] => format!("{} documents, the first: {}", documents.len(), named(first)),
        [] => "nothing".to_owned(),
    };
    Intent {
        actor: actor.clone(),
        // A name may hold anything; a note is one line, and PostgreSQL stores no NUL.
        note: format!("{verb} {what}").replace(char::is_control, " "),
        now,
    }
}

/// What follows from the rest of the site.
pub(crate) fn completed(mut draft: Document, documents: &Documents) -> Document {
    match &mut draft {
        Document::Node(node) if node.service_cluster.is_nil() => {
            let central = documents.nodes.values().find(|n| n.is_central);
            let cluster = central.map(|n| n.service_cluster).unwrap_or_default();
            Arc::make_mut(node).service_cluster = cluster;
        }
        // A client that links what is linked already means no harm.
        Document::ProxyService(proxy) => {
            let mut seen = HashSet::new();
            let settings = &mut Arc::make_mut(proxy).settings;
            settings.virtual_proxies.retain(|id| seen.insert(*id));
        }
        _ => {}
    }
    draft
}

pub(crate) fn with_stored_secrets(mut draft: Document, stored: &Document) -> Document {
    match (&mut draft, stored) {
        (Document::Node(draft), Document::Node(stored))
            if draft.client_key.is_empty() && !draft.client_certificate.is_empty() =>
        {
            Arc::make_mut(draft)
                .client_key
                .clone_from(&stored.client_key);
        }
        (Document::VirtualProxy(draft), Document::VirtualProxy(stored))
            if draft.oidc_client_secret.is_empty() && !draft.oidc_client_id.is_empty() =>
        {
            Arc::make_mut(draft)
                .oidc_client_secret
                .clone_from(&stored.oidc_client_secret);
        }
        _ => {}
    }
    draft
}

/// What refers to documents that go, changed so that it does not.
pub(crate) fn without_references(kind: Kind, ids: &[Uuid], documents: &Documents) -> Vec<Change> {
    let changed = match kind {
        Kind::VirtualProxy => unlinked(ids, documents),
        Kind::CustomProperty | Kind::Tag => Document::all(documents)
            .filter_map(|document| without_label(document, ids))
            .collect(),
        // Whoever refers to a node must be changed first.
        Kind::Node | Kind::ProxyService => Vec::new(),
    };
    changed.into_iter().map(Change::Put).collect()
}

/// The proxy services that are linked to one of them, without the links.
fn unlinked(ids: &[Uuid], documents: &Documents) -> Vec<Document> {
    let proxies = documents.proxy_services.values().cloned();
    proxies
        .filter_map(|mut proxy| {
            let linked = &proxy.settings.virtual_proxies;
            linked.iter().any(|id| ids.contains(id)).then(|| {
                let settings = &mut Arc::make_mut(&mut proxy).settings;
                settings.virtual_proxies.retain(|id| !ids.contains(id));
                Document::ProxyService(proxy)
            })
        })
        .collect()
}
