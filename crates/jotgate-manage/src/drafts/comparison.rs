//! What differs between two configurations.

use jotgate_model::{Documents, Snapshot};
use jotgate_repository::{Difference, Document, Kind, differences};
use uuid::Uuid;

/// What differs between two configurations, or would.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The revision before.
    pub before: u64,
    /// The revision after; the same where nothing differs.
    pub after: u64,
    /// The documents that differ, the kinds and their ids in order.
    pub documents: Vec<DocumentDifference>,
}

/// How a document differs.
#[derive(Clone, Debug)]
pub struct DocumentDifference {
    /// What it describes.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// Its name for people: of a node its name, of a virtual proxy its description.
    pub name: String,
    /// What happened to it.
    pub change: DocumentChange,
    /// The fields that differ, secrets masked.
    pub fields: Vec<Difference>,
}

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    /// It is new.
    Created,
    /// It is gone.
    Deleted,
    /// It is another.
    Updated,
}

pub(crate) fn compare(before: &Snapshot, after: &Snapshot) -> Comparison {
    let documents = compare_documents(&before.documents, &after.documents);
    Comparison {
        before: before.revision,
        after: after.revision,
        documents,
    }
}

/// What differs, document by document.
pub(crate) fn compare_documents(before: &Documents, after: &Documents) -> Vec<DocumentDifference> {
    let all = Document::all(before).chain(Document::all(after));
    let mut ids: Vec<(Kind, Uuid)> = all
        .map(|document| (document.kind(), document.id()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut documents = Vec::new();
    for (kind, id) in ids {
        let old = Document::find(before, kind, id);
        let new = Document::find(after, kind, id);
        if old == new {
            continue;
        }
        let fields = differences(old.as_ref(), new.as_ref());
        let change = match (&old, &new) {
            (None, _) => DocumentChange::Created,
            (_, None) => DocumentChange::Deleted,
            // Only the dates differ.
            _ if fields.is_empty() => continue,
            _ => DocumentChange::Updated,
        };
        let name = match (&new, &old) {
            (Some(document), _) => name_of(document, after),
            (None, Some(document)) => name_of(document, before),
            (None, None) => String::new(),
        };
        documents.push(DocumentDifference {
            kind,
            id,
            name,
            change,
            fields,
        });
    }
    documents
}

/// What people call a document. A proxy has the name of its node.
pub(crate) fn name_of(document: &Document, documents: &Documents) -> String {
    match document {
        Document::ProxyService(proxy) => {
            let node = documents.nodes.get(&proxy.server_node_configuration);
            node.map(|node| node.name.clone()).unwrap_or_default()
        }
        Document::VirtualProxy(vp) if vp.description.is_empty() => vp.prefix.clone(),
        document => document.display_name(),
    }
}
