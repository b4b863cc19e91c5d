//! Selected entities as if they were one: what the management console of the real system edits.
//!
//! A property whose values differ is marked so. A change names the properties that it sets, and, for
//! lists of other entities, what is added and what is removed; everything else of every entity stays.
//! All of the selected entities are changed, or none.

use jotgate_manage::Document;
use jotgate_model::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::entity::{self, EntityType, Members, wrong_field};
use super::wire::{Form, Kind, Property, Shape, Writer, privileges};
use super::{Asked, list};
use crate::answer::Answer;
use crate::problem::Problem;

/// What stands before the type's name in the name of a list of other entities.
const LIST: &str = "refList_";

/// `GET selection/{id}/{entity}/synthetic`.
pub(super) async fn show(
    asked: &Asked<'_>,
    entity: EntityType,
    ids: &[Uuid],
) -> Result<Answer, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let documents = selected(asked, entity, ids).await?;
    let latest = documents
        .iter()
        .map(|document| document.metadata().modified_date);
    let latest = latest.max().unwrap_or(Timestamp::NEVER);
    let mut writer = Writer::new(&snapshot.documents, None);
    let written: Vec<Value> = documents
        .iter()
        .map(|document| writer.write(entity, document, Form::Full))
        .collect();
    let shape = entity.shape();
    let all: Vec<&Value> = written.iter().collect();
    let mut root = part(shape, shape.name, "", &all);
    root["access"] = json!(privileges(entity, asked.actor.privilege));
    root["latestModifiedDate"] = latest.to_string().into();
    Ok(Answer::Json(root))
}

/// `PUT selection/{id}/{entity}/synthetic`.
pub(super) async fn update(
    asked: &Asked<'_>,
    entity: EntityType,
    ids: &[Uuid],
    body: &Members,
) -> Result<Answer, Problem> {
    let seen = body.get("latestModifiedDate").and_then(Value::as_str);
    let seen: Timestamp = seen.and_then(|date| date.parse().ok()).ok_or_else(|| {
        let problem = "is missing; send the date of the version that the change is based on";
        wrong_field("latestModifiedDate", problem)
    })?;
    let drafts = selected(asked, entity, ids)
        .await?
        .into_iter()
        .map(|stored| {
            let change = change(entity.shape(), body, &stored.to_value(), "")?;
            let based_on = Value::from(seen.to_string());
            entity::merged(entity, change, &stored, based_on)
        });
    let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    management.update_documents(actor, drafts, now).await?;
    Ok(Answer::Deleted)
}

/// The selected documents that there still are and that the filter finds.
async fn selected(
    asked: &Asked<'_>,
    entity: EntityType,
    ids: &[Uuid],
) -> Result<Vec<Document>, Problem> {
    let found = list::found(asked, entity, None).await?;
    let snapshot = asked.qrs.management.snapshot();
    let found = found
        .iter()
        .filter_map(|found| found["id"].as_str()?.parse().ok());
    let chosen = found.filter(|id| ids.contains(id));
    Ok(chosen
        .filter_map(|id| entity.document(&snapshot.documents, id))
        .collect())
}

/// A part of the entities: its own properties, and the parts inside of it.
fn part(shape: &'static Shape, kind: &str, name: &str, all: &[&Value]) -> Value {
    let (mut properties, mut children) = (Vec::new(), Vec::new());
    for property in shape.all().filter(|property| !property.read_only) {
        let values: Vec<&Value> = all
            .iter()
            .filter_map(|one| one.get(property.name))
            .collect();
        match property.kind {
            Kind::Object(inner) => children.push(part(inner, inner.name, property.name, &values)),
            _ => properties.push(written(property, &values)),
        }
    }
    json!({
        "name": name,
        "type": kind,
        "access": null,
        "children": children,
        "properties": properties,
        "schemaPath": "SyntheticEntity",
    })
}

fn written(property: &Property, values: &[&Value]) -> Value {
    let first = values.first().copied().cloned().unwrap_or_default();
    let differs = values.iter().any(|value| **value != first);
    let (name, value) = match list_of(property) {
        Some(list) => (list, json!({"added": [], "removed": [], "items": first})),
        None => (property.name.to_owned(), first),
    };
    json!({
        "name": name,
        "value": if differs { Value::Null } else { value },
        "valueIsDifferent": differs,
        "valueIsModified": false,
        "schemaPath": "SyntheticProperty",
    })
}

/// `refList_VirtualProxyConfig`, for lists of other entities.
fn list_of(property: &Property) -> Option<String> {
    match property.kind {
        Kind::References(target) => Some(format!("{LIST}{}", target.shape()?.name)),
        _ => None,
    }
}

/// The members of a stored document that a part of the body changes.
fn change(
    shape: &'static Shape,
    body: &Members,
    stored: &Value,
    path: &str,
) -> Result<Members, Problem> {
    let mut members = Members::new();
    for (at, sent) in list(body, "properties", path)?.iter().enumerate() {
        let field = format!("{path}properties[{at}]");
        if !is_modified(sent).map_err(|problem| wrong_field(&field, problem))? {
            continue;
        }
        let name = sent.get("name").and_then(Value::as_str).unwrap_or_default();
        let value = sent.get("value").cloned().unwrap_or_default();
        let mut all = shape.all();
        if let Some(property) =
            all.find(|p| list_of(p).is_some_and(|l| l.eq_ignore_ascii_case(name)))
        {
            let stored = stored.get(property.name).cloned().unwrap_or_default();
            let ids = changed_list(&stored, &value).ok_or_else(|| {
                wrong_field(&field, "must have the lists added and removed, of ids")
            })?;
            members.insert(property.name.to_owned(), ids);
        } else if let Some(property) = shape.property(name).filter(|property| !property.read_only) {
            members.insert(property.name.to_owned(), value);
        } else {
            let shown: String = name.chars().take(100).collect();
            return Err(wrong_field(
                &field,
                format!("{} has no property {shown:?}", shape.name),
            ));
        }
    }
    for (at, child) in list(body, "children", path)?.iter().enumerate() {
        let field = format!("{path}children[{at}]");
        let empty = Map::new();
        let child = child.as_object().unwrap_or(&empty);
        let name = child
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let property = shape.property(name);
        let Some((property, Kind::Object(inner))) = property.map(|p| (p, p.kind)) else {
            let shown: String = name.chars().take(100).collect();
            return Err(wrong_field(
                &field,
                format!("{} has no part {shown:?}", shape.name),
            ));
        };
        let stored = stored.get(property.name).cloned().unwrap_or_default();
        let inner = change(inner, child, &stored, &format!("{field}."))?;
        if !inner.is_empty() {
            members.insert(property.name.to_owned(), Value::Object(inner));
        }
    }
    Ok(members)
}

/// Whether an entry sets its property: one that only looks as if it did must not be passed over.
fn is_modified(entry: &Value) -> Result<bool, &'static str> {
    let entry = entry.as_object().ok_or("must be an object")?;
    match entry.get("valueIsModified") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(modified)) => Ok(*modified),
        Some(_) => Err("valueIsModified must be true, false or null"),
    }
}

fn list<'a>(body: &'a Members, name: &str, path: &str) -> Result<&'a [Value], Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong_field(&format!("{path}{name}"), "must be a list")),
    }
}

fn changed_list(stored: &Value, change: &Value) -> Option<Value> {
    let ids = |name| -> Option<Vec<String>> {
        match change.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(ids) => {
                let ids = ids
                    .as_array()?
                    .iter()
                    .map(|id| id.as_str()?.parse::<Uuid>().ok().map(|id| id.to_string()));
                ids.collect()
            }
        }
    };
    let (added, removed) = (ids("added")?, ids("removed")?);
    let stored = stored.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut after: Vec<String> = stored
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    after.retain(|id| !removed.contains(id));
    for id in added {
        if !after.contains(&id) {
            after.push(id);
        }
    }
    Some(json!(after))
}
