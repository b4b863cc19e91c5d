//! What documents are called in a file.

use std::collections::HashMap;

use jotgate_model::Documents;
use jotgate_repository::{Document, Kind};
use uuid::Uuid;

use super::KINDS;

/// The natural keys of all documents, in both directions. A key that several documents of a kind
/// have, or that looks like an id, names nobody: then the id does.
#[derive(Default)]
pub(super) struct Names {
    by_id: HashMap<(Kind, Uuid), String>,
    by_name: HashMap<(Kind, String), Uuid>,
}

impl Names {
    /// The keys of stored documents.
    pub(super) fn of_documents(documents: &Documents) -> Self {
        let mut names = Self::default();
        for kind in KINDS {
            let keys: Vec<_> = Document::all_of(documents, kind)
                .map(|document| (document.id(), names.key(&document)))
                .collect();
            names.learn(kind, keys);
        }
        names
    }

    /// The natural key of a document. Nodes must be known before proxies.
    pub(super) fn key(&self, document: &Document) -> String {
        match document {
            Document::ProxyService(proxy) => self.of(Kind::Node, proxy.server_node_configuration),
            Document::VirtualProxy(vp) => prefix_key(&vp.prefix),
            document => document.display_name(),
        }
    }

    /// Takes in all keys of one kind.
    pub(super) fn learn(&mut self, kind: Kind, keys: Vec<(Uuid, String)>) {
        let mut count: HashMap<String, usize> = HashMap::new();
        for (_, name) in &keys {
            *count.entry(name.clone()).or_default() += 1;
        }
        for (id, name) in keys {
            let unique = count.get(&name) == Some(&1);
            if unique && !name.is_empty() && name.parse::<Uuid>().is_err() {
                self.by_name.insert((kind, name.clone()), id);
                self.by_id.insert((kind, id), name);
            }
        }
    }

    /// How a document is referred to.
    pub(super) fn of(&self, kind: Kind, id: Uuid) -> String {
        let name = self.by_id.get(&(kind, id)).cloned();
        name.unwrap_or_else(|| id.to_string())
    }

    /// Whether its key alone tells a document from the others.
    pub(super) fn tells(&self, kind: Kind, id: Uuid) -> bool {
        self.by_id.contains_key(&(kind, id))
    }

    /// The document that is referred to: by its key, or by an id that may be unknown.
    pub(super) fn find(&self, kind: Kind, reference: &str) -> Option<Uuid> {
        let named = self.by_name.get(&(kind, reference.to_owned())).copied();
        named.or_else(|| reference.parse().ok())
    }
}

/// The natural key of a virtual proxy: an empty text would be easy to overlook.
pub(super) fn prefix_key(prefix: &str) -> String {
    if prefix.is_empty() { "/" } else { prefix }.to_owned()
}
