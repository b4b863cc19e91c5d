//! What differs between two versions of something, field by field, for people: names instead of ids, of lists
//! what was added and taken away, of long texts how they begin.

use std::collections::HashSet;

use jotgate_model::Documents;
use serde_json::Value;
use uuid::Uuid;

/// Characters of a value that are shown at once; the rest is opened.
const SHOWN: usize = 160;
/// Entries of a list that are shown; the others are counted.
const ENTRIES: usize = 100;

/// A field that is not the same on both sides.
pub(crate) struct Field {
    pub(crate) name: String,
    /// Empty for a side that has nothing.
    pub(crate) before: Vec<Piece>,
    pub(crate) after: Vec<Piece>,
    /// Entries of a list that both sides have, and that are not shown.
    pub(crate) same: usize,
}

/// A value, or an entry of a list.
pub(crate) struct Piece {
    pub(crate) text: String,
    /// How it begins, when it is too long to be shown at once.
    pub(crate) beginning: Option<String>,
}

impl Field {
    /// `documents` know the names of what values refer to.
    pub(crate) fn of(name: String, before: &Value, after: &Value, documents: &Documents) -> Self {
        let (old, new) = (entries(before), entries(after));
        let (gone, come) = (without(&old, &new), without(&new, &old));
        let same = new.len() - come.len();
        // Another order or number of the same entries is another value: then all of it is shown.
        let (gone, come, same) = match gone.is_empty() && come.is_empty() {
            true => (old, new, 0),
            false => (gone, come, same),
        };
        Self {
            name,
            before: pieces(&gone, documents),
            after: pieces(&come, documents),
            same,
        }
    }
}

/// The entries that the other side does not have.
fn without<'a>(mine: &[&'a Value], others: &[&Value]) -> Vec<&'a Value> {
    let others: HashSet<String> = others.iter().map(ToString::to_string).collect();
    let own = mine
        .iter()
        .filter(|entry| !others.contains(&entry.to_string()));
    own.copied().collect()
}

fn pieces(entries: &[&Value], documents: &Documents) -> Vec<Piece> {
    let shown = entries.iter().take(ENTRIES);
    let mut pieces: Vec<_> = shown.map(|entry| Piece::of(entry, documents)).collect();
    if entries.len() > ENTRIES {
        pieces.push(Piece {
            text: format!("and {} more", entries.len() - ENTRIES),
            beginning: None,
        });
    }
    pieces
}

impl Piece {
    fn of(value: &Value, documents: &Documents) -> Self {
        let text = match value {
            Value::String(text) => named(text, documents).unwrap_or_else(|| text.clone()),
            other => other.to_string(),
        };
        let end = text.char_indices().nth(SHOWN);
        let beginning = end.map(|(end, _)| format!("{}…", &text[..end]));
        Self { text, beginning }
    }
}

/// The entries of a list, or the one value; none for nothing.
fn entries(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(entries) => entries.iter().collect(),
        other => vec![other],
    }
}

/// What the document is called whose id this is, if it is there still.
pub(crate) fn named(text: &str, documents: &Documents) -> Option<String> {
    let id: Uuid = text.parse().ok()?;
    let node = |id: &Uuid| documents.nodes.get(id).map(|node| node.name.clone());
    let vp = documents.virtual_proxies.get(&id);
    let vp = vp.map(|vp| format!("{} (/{})", vp.description, vp.prefix));
    let tag = || documents.tags.get(&id).map(|tag| tag.name.clone());
    let property = || {
        let property = documents.custom_properties.get(&id)?;
        Some(property.name.clone())
    };
    // A proxy is called what its node is.
    let proxy = || node(&documents.proxy_services.get(&id)?.server_node_configuration);
    vp.or_else(|| node(&id))
        .or_else(proxy)
        .or_else(tag)
        .or_else(property)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jotgate_model::entity::VirtualProxyConfig;
    use serde_json::json;

    use super::*;

    fn texts(pieces: &[Piece]) -> Vec<&str> {
        pieces.iter().map(|piece| &*piece.text).collect()
    }

    fn field(before: &Value, after: &Value) -> Field {
        Field::of("f".to_owned(), before, after, &Documents::default())
    }

    #[test]
    fn of_lists_only_what_differs_is_shown() {
        let found = field(&json!(["a", "b", "c"]), &json!(["a", "d", "c"]));
        assert_eq!(texts(&found.before), ["b"]);
        assert_eq!(texts(&found.after), ["d"]);
        assert_eq!(found.same, 2);
        let moved = field(&json!(["a", "b"]), &json!(["b", "a"]));
        assert_eq!(texts(&moved.before), ["a", "b"]);
        assert_eq!(texts(&moved.after), ["b", "a"]);
        assert_eq!(moved.same, 0);
        let doubled = field(&json!(["a"]), &json!(["a", "a"]));
        assert_eq!(texts(&doubled.after), ["a", "a"]);
        let many: Vec<u32> = (0..10_000).collect();
        let many = field(&Value::Null, &json!(many)).after;
        assert_eq!(many.len(), ENTRIES + 1);
        assert_eq!(many[ENTRIES].text, "and 9900 more");
        let object = field(&json!([]), &json!([{"name": "X", "value": 1}]));
        assert_eq!(texts(&object.after), [r#"{"name":"X","value":1}"#]);
    }

    #[test]
    fn nothing_is_nothing_and_a_text_has_no_quotes() {
        let found = field(&Value::Null, &json!("Portal"));
        assert!(found.before.is_empty());
        assert_eq!(texts(&found.after), ["Portal"]);
        assert!(field(&json!("Portal"), &json!("")).after.is_empty());
        assert_eq!(texts(&field(&json!(30), &json!(true)).before), ["30"]);
    }

    #[test]
    fn long_values_begin_and_are_whole() {
        let long = "ä".repeat(SHOWN + 1);
        let found = field(&json!("ä".repeat(SHOWN)), &json!(long));
        assert_eq!(found.before[0].beginning, None);
        let beginning = found.after[0].beginning.as_deref().unwrap();
        assert_eq!(beginning.chars().count(), SHOWN + 1);
        assert_eq!(found.after[0].text, long);
    }

    #[test]
    fn ids_have_the_names_of_what_is_there() {
        let mut documents = Documents::default();
        let vp = VirtualProxyConfig {
            description: "Portal".to_owned(),
            prefix: "portal".to_owned(),
            ..Default::default()
        };
        let id = Uuid::from_u128(7);
        documents.virtual_proxies.insert(id, Arc::new(vp));
        let (known, gone) = (id.to_string(), Uuid::from_u128(8).to_string());
        let found = Field::of("f".to_owned(), &json!([gone]), &json!([known]), &documents);
        assert_eq!(texts(&found.after), ["Portal (/portal)"]);
        assert_eq!(texts(&found.before), [gone]);
    }
}
