//! Differences for people: one line for each field.

use serde_json::Value;

/// Characters of a value; certificates are longer.
const MAX_VALUE: usize = 100;

/// Whether nothing differs.
pub(crate) fn is_empty(found: &Value) -> bool {
    found["documents"].as_array().is_none_or(Vec::is_empty)
}

/// What the gateway found, as text or as it is.
pub(crate) fn text(found: &Value, json: bool) -> String {
    if json {
        return format!("{found:#}\n");
    }
    if is_empty(found) {
        return "nothing differs\n".to_owned();
    }
    let mut text = String::new();
    for document in found["documents"].as_array().into_iter().flatten() {
        let word = |member: &str| document[member].as_str().unwrap_or_default();
        let (kind, name, change) = (word("kind"), word("name"), word("change"));
        text.push_str(&format!("{kind} \"{name}\" {change}\n"));
        for field in document["fields"].as_array().into_iter().flatten() {
            let name = field["field"].as_str().unwrap_or_default();
            let (before, after) = (shown(&field["before"]), shown(&field["after"]));
            text.push_str(&format!("  {name}: {before} -> {after}\n"));
        }
    }
    text
}

/// Who would notice, for people: a line for each group of sessions, and one for each that is named.
pub(crate) fn sessions(found: &Value) -> String {
    let mut text = String::new();
    for group in found["sessions"]["groups"].as_array().into_iter().flatten() {
        let word = |member: &str| group[member].as_str().unwrap_or_default();
        let outcome = match word("outcome") {
            "ends" => "ending",
            "refused" => "refused",
            "out_of_reach" => "out of reach",
            _ => "going on, ending with --end-sessions",
        };
        let (count, prefix, why) = (&group["count"], word("prefix"), word("why"));
        text.push_str(&format!(
            "sessions at \"/{prefix}\" {outcome}: {count}, because {why}\n"
        ));
        for session in group["sessions"].as_array().into_iter().flatten() {
            let (id, user) = (&session["id"], &session["user"]);
            let (id, user) = (id.as_str(), user.as_str());
            let (id, user) = (id.unwrap_or_default(), user.unwrap_or_default());
            text.push_str(&format!("  {user} {id}\n"));
        }
    }
    text
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
