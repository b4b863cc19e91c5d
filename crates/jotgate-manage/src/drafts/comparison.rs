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
    /// The documents that differ, the kinds and their ids in order. Fields of new and deleted ones may be left
    /// out, as was asked for.
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

/// Says of the first `in_detail` documents which fields differ; of others that are new or gone, just that.
pub(crate) fn compare(before: &Snapshot, after: &Snapshot, in_detail: usize) -> Comparison {
    let documents = compare_documents(&before.documents, &after.documents, in_detail);
    Comparison {
        before: before.revision,
        after: after.revision,
        documents,
    }
}

/// What differs, document by document.
fn compare_documents(
    before: &Documents,
    after: &Documents,
    in_detail: usize,
) -> Vec<DocumentDifference> {
    let all = Document::all(before).chain(Document::all(after));
    let mut ids: Vec<(Kind, Uuid)> = all
        .map(|document| (document.kind(), document.id()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut differing = Vec::new();
    for (kind, id) in ids {
        let old = Document::find(before, kind, id);
        let new = Document::find(after, kind, id);
        let named = if new.is_some() { after } else { before };
        let is_detailed = differing.len() < in_detail;
        differing.extend(difference(old.as_ref(), new.as_ref(), named, is_detailed));
    }
    differing
}

/// What differs between a document before and after; nothing when only its dates do. `named` has the
/// documents that it is called after. The fields of one that is new or gone are looked for only when they are
/// wanted.
pub(crate) fn difference(
    old: Option<&Document>,
    new: Option<&Document>,
    named: &Documents,
    is_detailed: bool,
) -> Option<DocumentDifference> {
    if old == new {
        return None;
    }
    let document = new.or(old)?;
    let fields = if is_detailed || old.is_some() == new.is_some() {
        differences(old, new)
    } else {
        Vec::new()
    };
    let change = match (old, new) {
        (None, _) => DocumentChange::Created,
        (_, None) => DocumentChange::Deleted,
        _ if fields.is_empty() => return None,
        _ => DocumentChange::Updated,
    };
    let name = Some(name_of(document, named)).filter(|name| !name.is_empty());
    Some(DocumentDifference {
        kind: document.kind(),
        id: document.id(),
        name: name.unwrap_or_else(|| document.display_name()),
        change,
        fields,
    })
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
