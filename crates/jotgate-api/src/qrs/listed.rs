//! Whole lists, quickly: what was written for a document is kept until the document changes.
//!
//! Programs list everything at intervals, and a list of ten thousand virtual proxies costs a third of
//! a second to write. Between two lists nearly nothing changes.

use std::collections::HashMap;

use jotgate_manage::{Document, Kind};
use jotgate_model::Documents;
use parking_lot::Mutex;
use uuid::Uuid;

use super::entity::EntityType;
use super::wire::{Form, Writer};

/// How many texts are kept, of about three kilobytes each. A site with more is written each time.
const MAX_KEPT: usize = 20_000;

/// What was written.
#[derive(Default)]
pub(super) struct Listed(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// What entities refer to and show in part: when one of those changes, nothing holds any more.
    referred: Vec<Document>,
    texts: HashMap<(Kind, bool, Uuid), (Document, Box<str>)>,
}

impl Listed {
    /// The JSON list of all entities of a type, without privileges. Nothing for types that are not
    /// kept.
    pub(super) fn list(
        &self,
        entity: EntityType,
        form: Form,
        documents: &Documents,
    ) -> Option<String> {
        // A proxy service shows every virtual proxy, and there are few of them.
        let kind = entity.kind().filter(|kind| *kind != Kind::ProxyService)?;
        let mut kept = self.0.lock();
        let referred = referred(documents);
        if !is_same(&kept.referred, &referred) {
            kept.texts.clear();
            kept.referred = referred;
        }
        let all: Vec<Document> = Document::all_of(documents, kind).collect();
        // What is gone would stay for ever otherwise.
        if kept.texts.len() > 2 * all.len().max(64) {
            kept.texts.clear();
        }
        let mut writer = Writer::new(documents, false);
        let mut list = String::with_capacity(2 + all.len() * 2048);
        list.push('[');
        for document in all {
            if list.len() > 1 {
                list.push(',');
            }
            let key = (kind, form == Form::Full, document.id());
            match kept.texts.get(&key) {
                Some((known, text)) if known.is_same(&document) => list.push_str(text),
                _ => {
                    let text = writer.write(entity, &document, form).to_string();
                    list.push_str(&text);
                    if kept.texts.len() < MAX_KEPT || kept.texts.contains_key(&key) {
                        kept.texts.insert(key, (document, text.into()));
                    }
                }
            }
        }
        list.push(']');
        Some(list)
    }
}

fn referred(documents: &Documents) -> Vec<Document> {
    let kinds = [Kind::CustomProperty, Kind::Node, Kind::Tag].into_iter();
    kinds
        .flat_map(|kind| Document::all_of(documents, kind))
        .collect()
}

fn is_same(a: &[Document], b: &[Document]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}
