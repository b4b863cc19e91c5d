//! What goes because a file does not have it any more.

use std::collections::HashSet;
use std::sync::Arc;

use jotgate_model::Documents;
use jotgate_repository::{Change, Document, Kind};
use uuid::Uuid;

use super::KINDS;
use crate::labels::without_label;

/// What is stored and not in the file any more, and proxies of which the file says nothing, without
/// what goes.
pub(super) fn deletions(described: &HashSet<(Kind, Uuid)>, documents: &Documents) -> Vec<Change> {
    let gone = |document: &Document| !described.contains(&(document.kind(), document.id()));
    let (stay, go): (Vec<Document>, Vec<Document>) = Document::all(documents)
        .filter(gone)
        .partition(|document| document.kind() == Kind::ProxyService);
    let ids: Vec<Uuid> = go.iter().map(Document::id).collect();
    let mut changes = Vec::new();
    for proxy in stay {
        let kept = without_label(proxy.clone(), &ids).unwrap_or_else(|| proxy.clone());
        let kept = without_links(kept, &ids);
        if kept != proxy {
            changes.push(Change::Put(kept));
        }
    }
    // What others refer to goes last.
    let mut go: Vec<(usize, Document)> = go
        .into_iter()
        .map(|document| {
            (
                KINDS
                    .iter()
                    .position(|k| *k == document.kind())
                    .unwrap_or(0),
                document,
            )
        })
        .collect();
    go.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    changes.extend(go.iter().map(|(_, document)| Change::Delete {
        kind: document.kind(),
        id: document.id(),
    }));
    changes
}

fn without_links(document: Document, ids: &[Uuid]) -> Document {
    match document {
        Document::ProxyService(mut proxy) => {
            let settings = &mut Arc::make_mut(&mut proxy).settings;
            settings.virtual_proxies.retain(|id| !ids.contains(id));
            Document::ProxyService(proxy)
        }
        other => other,
    }
}
