//! What a body says beside its properties: which entity it is, and which version of it.

use jotgate_model::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::entity::{EntityType, Members, wrong_field};
use crate::problem::Problem;

/// qlik-repo-api sends the proxy service inside of an object of its own, `{"details": {...}}`, when
/// it links a virtual proxy.
pub(super) fn unwrap_details(entity: EntityType, mut body: Members) -> Members {
    let is_wrapped = entity == EntityType::ProxyService
        && body.len() == 1
        && body.get("details").is_some_and(Value::is_object);
    match is_wrapped.then(|| body.shift_remove("details")).flatten() {
        Some(Value::Object(details)) => details,
        _ => body,
    }
}

/// qlik-repo-api sends every new user with an owner, `{"owner": {}}`. Users have none.
pub(super) fn without_owner(mut body: Members) -> Members {
    if body.get("owner") == Some(&Value::Object(Members::new())) {
        body.shift_remove("owner");
    }
    body
}

/// The id in a body. The nil id, which typed clients send for none, is none.
pub(super) fn sent_id(body: &Members) -> Result<Option<Uuid>, Problem> {
    let id: Option<Uuid> = match member(body, "id") {
        None | Some(Value::Null) => None,
        Some(id) => match id.as_str().map(str::parse) {
            Some(Ok(id)) => Some(id),
            _ => return Err(wrong_field("id", "is no GUID")),
        },
    };
    Ok(id.filter(|id| !id.is_nil()))
}

/// The version that a change is based on. A missing one stays "never": the use cases say so.
pub(super) fn sent_date(body: &Members) -> Result<Timestamp, Problem> {
    match member(body, "modifiedDate") {
        None | Some(Value::Null) => Ok(Timestamp::NEVER),
        Some(date) => match date.as_str().map(str::parse) {
            Some(Ok(date)) => Ok(date),
            _ => {
                let problem = "is no date like 2026-11-22T08:55:17.372Z";
                Err(wrong_field("modifiedDate", problem))
            }
        },
    }
}

fn member<'a>(body: &'a Members, name: &str) -> Option<&'a Value> {
    let mut members = body.iter();
    let found = members.find(|(member, _)| member.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}
