//! Differences for people: one line for each field.

use serde_json::Value;

use crate::commands::plain;

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
        let (kind, name, change) = (word("kind"), plain(word("name")), word("change"));
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

/// How the backends answer that would be others, for people: a line for each, and one for what to do.
pub(crate) fn backends(found: &Value) -> String {
    let mut text = String::new();
    let backends = &found["backends"];
    for backend in backends["tried"].as_array().into_iter().flatten() {
        let word = |member: &str| backend[member].as_str().unwrap_or_default();
        let (node, address, detail) = (plain(word("nodeName")), word("address"), word("detail"));
        let milliseconds = &backend["milliseconds"];
        text.push_str(&format!(
            "backend {address} of \"{node}\" {detail} ({milliseconds} ms)\n"
        ));
        if let Some(remedy) = backend["remedy"].as_str() {
            text.push_str(&format!("  {remedy}\n"));
        }
    }
    match backends["notTried"].as_u64() {
        None | Some(0) => {}
        Some(more) => text.push_str(&format!("backends that were not tried: {more}\n")),
    }
    text
}

/// What is wrong with keys, for people: what somebody should look at, and every key set that is new.
pub(crate) fn keys(found: &Value) -> String {
    let mut text = String::new();
    let keys = &found["keys"];
    let list = |member: &str| keys[member].as_array().into_iter().flatten();
    for key in list("keys").filter(|key| key["validity"] != "valid") {
        let word = |member: &str| key[member].as_str().unwrap_or_default();
        let dates = match word("validity") {
            "expired" => format!("has expired ({})", word("notAfter")),
            "expires_soon" => format!("expires soon ({})", word("notAfter")),
            _ => format!("is valid later ({})", word("notBefore")),
        };
        let (prefix, subject) = (word("prefix"), word("subject"));
        text.push_str(&format!(
            "certificate {subject:?} of \"/{prefix}\" {dates}; its key verifies tokens all the same\n"
        ));
    }
    for source in list("sources") {
        text.push_str(&key_set(source));
    }
    if let Some(more) = keys["notTried"].as_u64().filter(|more| *more > 0) {
        text.push_str(&format!("key sets that were not fetched: {more}\n"));
    }
    for seen in list("tokens") {
        let prefix = seen["prefix"].as_str().unwrap_or_default();
        let count = |member: &str| seen[member].as_u64().unwrap_or_default();
        let accepted = count("accepted");
        for (member, what) in [("lost", "were"), ("unknown", "may have been")] {
            let some = count(member);
            if some > 0 {
                text.push_str(&format!(
                    "tokens at \"/{prefix}\": {some} of {accepted} recent accepted requests {what} \
                     verified by keys that the draft does not have\n"
                ));
            }
        }
    }
    text
}

fn key_set(source: &Value) -> String {
    let word = |member: &str| source[member].as_str().unwrap_or_default();
    let (address, milliseconds) = (word("address"), &source["milliseconds"]);
    let mut text = match source["detail"].as_str() {
        Some(detail) => format!("key set {address} {detail} ({milliseconds} ms)\n"),
        None => {
            let usable = &source["usableKeys"];
            format!("key set {address} has usable keys: {usable} ({milliseconds} ms)\n")
        }
    };
    let list = |member: &str| source[member].as_array().into_iter().flatten();
    for skipped in list("skipped").filter_map(Value::as_str) {
        text.push_str(&format!("  {skipped}; it is not used\n"));
    }
    let missing: Vec<_> = list("missingKids").map(Value::to_string).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        text.push_str(&format!(
            "  recent tokens name keys that are not in it: {missing}\n"
        ));
    }
    if let Some(remedy) = source["remedy"].as_str() {
        text.push_str(&format!("  {remedy}\n"));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_do_nothing_to_a_terminal() {
        let name = "\u{1b}]0;x\u{7}\nTag \"b\" created";
        let changes = json!({"documents": [{"kind": "Tag", "name": name, "change": "created"}]});
        let shown = text(&changes, false);
        assert_eq!(shown, "Tag \"]0;xTag \"b\" created\" created\n");
        let trials = json!({"backends": {"tried": [{"nodeName": name}]}});
        assert!(!backends(&trials).contains('\u{1b}'));
    }
}
