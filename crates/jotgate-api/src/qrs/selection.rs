//! Selections: sets of entities that a client names once and then reads, changes or deletes together.
//!
//! They belong to whoever made them and are forgotten after an hour: no document depends on them.

use std::collections::HashMap;

use jotgate_model::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;

use super::entity::{EntityType, Members, wrong_field};
use super::{Asked, list};
use crate::answer::Answer;
use crate::problem::Problem;

/// How many selections are kept; beyond that the oldest goes.
const MAX_SELECTIONS: usize = 1000;
/// How many entities one may have.
const MAX_ITEMS: usize = 20_000;
/// How long one is kept, in milliseconds.
const KEPT: i64 = 60 * 60 * 1000;

/// The selections of this process.
#[derive(Default)]
pub(super) struct Selections(Mutex<HashMap<Uuid, Selection>>);

#[derive(Clone)]
struct Selection {
    owner: String,
    made: Timestamp,
    items: Vec<Item>,
}

/// An entity that is selected.
#[derive(Clone, Copy)]
struct Item {
    entity: EntityType,
    id: Uuid,
}

/// `POST selection` with `{"items": [{"type": "ProxyService", "objectID": "..."}]}`.
pub(super) fn create(asked: &Asked<'_>, body: &Members) -> Result<Answer, Problem> {
    let items = read_items(body)?;
    Ok(Answer::Created(keep(asked, Uuid::new_v4(), items)))
}

/// `POST selection/{entity}`: of all that the filter finds.
pub(super) async fn create_of(asked: &Asked<'_>, entity: EntityType) -> Result<Answer, Problem> {
    let found = list::found(asked, entity, None).await?;
    let items: Vec<_> = found
        .iter()
        .filter_map(id_of)
        .map(|id| Item { entity, id })
        .collect();
    if items.len() > MAX_ITEMS {
        return Err(too_many());
    }
    Ok(Answer::Created(keep(asked, Uuid::new_v4(), items)))
}

/// `PUT selection/{id}`.
pub(super) fn replace(asked: &Asked<'_>, id: Uuid, body: &Members) -> Result<Answer, Problem> {
    find(asked, id)?;
    let items = read_items(body)?;
    Ok(Answer::Json(keep(asked, id, items)))
}

/// `GET selection/{id}`.
pub(super) fn show(asked: &Asked<'_>, id: Uuid) -> Result<Answer, Problem> {
    let selection = find(asked, id)?;
    Ok(Answer::Json(written(id, &selection)))
}

/// `GET selection`: those of the caller.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let selections = asked.qrs.selections.0.lock();
    let own = selections
        .iter()
        .filter(|(_, selection)| selection.owner == asked.actor.name);
    Answer::Json(
        own.map(|(id, _)| json!({"id": id, "privileges": null}))
            .collect(),
    )
}

/// `DELETE selection/{id}`: forgets it; the entities stay.
pub(super) fn delete(asked: &Asked<'_>, id: Uuid) -> Result<Answer, Problem> {
    find(asked, id)?;
    asked.qrs.selections.0.lock().remove(&id);
    Ok(Answer::Deleted)
}

/// The selected entities of a type, by id.
pub(super) fn ids(asked: &Asked<'_>, id: Uuid, entity: EntityType) -> Result<Vec<Uuid>, Problem> {
    let items = find(asked, id)?.items.into_iter();
    let of_type = items.filter(|item| item.entity == entity);
    Ok(of_type.map(|item| item.id).collect())
}

fn find(asked: &Asked<'_>, id: Uuid) -> Result<Selection, Problem> {
    let selections = asked.qrs.selections.0.lock();
    let found = selections
        .get(&id)
        .filter(|found| found.owner == asked.actor.name);
    found.cloned().ok_or_else(|| {
        Problem::not_found(format!(
            "There is no selection with the id {id}; make a new one."
        ))
    })
}

fn keep(asked: &Asked<'_>, id: Uuid, items: Vec<Item>) -> Value {
    let now = (asked.qrs.clock)();
    let selection = Selection {
        owner: asked.actor.name.clone(),
        made: now,
        items,
    };
    let shown = written(id, &selection);
    let mut selections = asked.qrs.selections.0.lock();
    selections.retain(|_, old| now.as_millis() - old.made.as_millis() < KEPT);
    if selections.len() >= MAX_SELECTIONS {
        let oldest = selections
            .iter()
            .min_by_key(|(_, old)| old.made)
            .map(|(id, _)| *id);
        oldest.and_then(|id| selections.remove(&id));
    }
    selections.insert(id, selection);
    shown
}

fn written(id: Uuid, selection: &Selection) -> Value {
    let (made, owner) = (selection.made.to_string(), &selection.owner);
    let items = selection.items.iter().map(|item| {
        json!({
            "id": item.id,
            "createdDate": made,
            "modifiedDate": made,
            "modifiedByUserName": owner,
            "type": item.entity.shape().name,
            "objectID": item.id,
            "objectName": null,
            "schemaPath": "SelectionItem",
        })
    });
    json!({
        "id": id,
        "createdDate": made,
        "modifiedDate": made,
        "modifiedByUserName": owner,
        "items": items.collect::<Value>(),
        "privileges": null,
        "schemaPath": "Selection",
    })
}

fn read_items(body: &Members) -> Result<Vec<Item>, Problem> {
    let Some(items) = body.get("items").and_then(Value::as_array) else {
        return Err(wrong_field("items", "must be a list of {type, objectID}"));
    };
    if items.len() > MAX_ITEMS {
        return Err(too_many());
    }
    let read = items.iter().enumerate().map(|(at, item)| {
        let text = |name| item.get(name).and_then(Value::as_str);
        let entity = text("type")
            .and_then(EntityType::from_segment)
            .ok_or_else(|| {
                wrong_field(
                    &format!("items[{at}].type"),
                    "is no type of entity that there is here",
                )
            })?;
        let id = text("objectID")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                wrong_field(&format!("items[{at}].objectID"), "is no id of an entity")
            })?;
        Ok(Item { entity, id })
    });
    read.collect()
}

fn too_many() -> Problem {
    wrong_field(
        "items",
        format!("has more than {MAX_ITEMS} entries; select fewer"),
    )
}

fn id_of(found: &Value) -> Option<Uuid> {
    found.get("id")?.as_str()?.parse().ok()
}
