//! Many entities at once: listing, filtering and counting them.
//!
//! Of documents, only those members are looked at that the filter and the order name, and what is shown
//! is written as text at once: a site may have ten thousand virtual proxies.

use std::collections::HashSet;

use jotgate_manage::{Document, ManageError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::entity::EntityType;
use super::filter::{Bound, Filter};
use super::order::Order;
use super::wire::{Form, TextWriter, Writer};
use super::{Asked, computed, users};
use crate::answer::Answer;
use crate::problem::Problem;

/// The entities of a selection; nothing for all there are.
pub(super) type Chosen<'a> = Option<&'a HashSet<Uuid>>;

/// `GET {entity}` and `GET {entity}/full`.
pub(super) async fn list(
    asked: &Asked<'_>,
    entity: EntityType,
    form: Form,
    chosen: Chosen<'_>,
) -> Result<Answer, Problem> {
    let filter = filter(asked, entity)?;
    let order = match asked.query.value("orderby")? {
        None | Some("") => None,
        Some(text) => Some(Order::parse(text, entity.shape())?),
    };
    if entity.kind().is_some() {
        return documents(asked, entity, form, chosen, filter.as_ref(), order.as_ref());
    }
    // Filters and orders see more than the condensed form shows.
    let mut entities = values(asked, entity, chosen, filter.as_ref()).await?;
    if let Some(order) = order {
        order.sort(&mut entities);
    }
    if form == Form::Condensed {
        let snapshot = asked.qrs.management.snapshot();
        let writer = Writer::new(&snapshot.documents, None);
        entities
            .iter_mut()
            .for_each(|found| writer.condense(entity, found));
    }
    Ok(Answer::Json(Value::Array(entities)))
}

/// `take` of what the filter of the request finds in full, in that order, without the first `skip`.
pub(super) async fn page(
    asked: &Asked<'_>,
    entity: EntityType,
    chosen: Chosen<'_>,
    order: Option<&Order>,
    (skip, take): (usize, usize),
) -> Result<Vec<Value>, Problem> {
    let is_all = chosen.is_none() && filter(asked, entity)?.is_none();
    if entity == EntityType::User
        && is_all
        && let Some(page) = users::page(asked, order, skip, take).await?
    {
        return Ok(page);
    }
    let mut found = found(asked, entity, chosen).await?;
    if let Some(order) = order {
        order.sort(&mut found);
    }
    Ok(found.into_iter().skip(skip).take(take).collect())
}

/// Everything in full that the filter of the request finds.
pub(super) async fn found(
    asked: &Asked<'_>,
    entity: EntityType,
    chosen: Chosen<'_>,
) -> Result<Vec<Value>, Problem> {
    let filter = filter(asked, entity)?;
    if entity.kind().is_none() {
        return values(asked, entity, chosen, filter.as_ref()).await;
    }
    let snapshot = asked.qrs.management.snapshot();
    let mut writer = Writer::new(&snapshot.documents, asked.privileges()?);
    let found = matching(&mut writer, entity, chosen, filter.as_ref(), &[])?;
    let written = found
        .iter()
        .map(|(document, _)| writer.write(entity, document, Form::Full));
    Ok(written.collect())
}

/// `GET {entity}/count`.
pub(super) async fn count(
    asked: &Asked<'_>,
    entity: EntityType,
    chosen: Chosen<'_>,
) -> Result<Answer, Problem> {
    let filter = filter(asked, entity)?;
    let count = if entity == EntityType::User && chosen.is_none() {
        // There may be more of them than a list can have.
        users::count(asked, filter.as_ref()).await?
    } else if entity.kind().is_none() {
        let found = values(asked, entity, chosen, filter.as_ref()).await?;
        found.len() as u64
    } else {
        let snapshot = asked.qrs.management.snapshot();
        let mut writer = Writer::new(&snapshot.documents, None);
        let found = matching(&mut writer, entity, chosen, filter.as_ref(), &[])?;
        found.len() as u64
    };
    Ok(Answer::Json(json!({"value": count})))
}

/// A list of documents, as text.
fn documents(
    asked: &Asked<'_>,
    entity: EntityType,
    form: Form,
    chosen: Chosen<'_>,
    filter: Option<&Bound>,
    order: Option<&Order>,
) -> Result<Answer, Problem> {
    let snapshot = asked.qrs.management.snapshot();
    let mut writer = Writer::new(&snapshot.documents, asked.privileges()?);
    let mut roots = Vec::new();
    if let Some(order) = order {
        order.roots(&mut roots);
    }
    let mut found = matching(&mut writer, entity, chosen, filter, &roots)?;
    if let Some(order) = order {
        order.sort_by(&mut found, |(_, excerpt)| excerpt);
    }
    let mut writer = TextWriter::new(&mut writer, entity, form);
    let mut text = vec![b'['];
    for (at, (document, _)) in found.iter().enumerate() {
        if at == 1 {
            // Most are about as long as the first.
            text.reserve(text.len() * found.len());
        }
        if at > 0 {
            text.push(b',');
        }
        writer
            .write(document, &mut text)
            .map_err(|error| no_json(&error))?;
    }
    text.push(b']');
    Ok(Answer::Text(text))
}

/// The documents that the filter finds, each with the members that the filter and `roots` name.
fn matching(
    writer: &mut Writer<'_>,
    entity: EntityType,
    chosen: Chosen<'_>,
    filter: Option<&Bound>,
    roots: &[&'static str],
) -> Result<Vec<(Document, Value)>, Problem> {
    let Some(kind) = entity.kind() else {
        return Ok(Vec::new());
    };
    let mut names = roots.to_vec();
    if let Some(filter) = filter {
        filter.roots(&mut names);
    }
    let mut found = Vec::new();
    let all = Document::all_of(writer.documents(), kind);
    for document in all.filter(|document| is_chosen(document.id(), chosen)) {
        let excerpt = if names.is_empty() {
            Value::Null
        } else {
            let excerpt = writer.excerpt(entity, &document, &names);
            excerpt.map_err(|error| no_json(&error))?
        };
        if filter.is_none_or(|filter| filter.holds(&excerpt)) {
            found.push((document, excerpt));
        }
    }
    Ok(found)
}

/// What is no document, in full: users, and what follows from the rest of the site.
async fn values(
    asked: &Asked<'_>,
    entity: EntityType,
    chosen: Chosen<'_>,
    filter: Option<&Bound>,
) -> Result<Vec<Value>, Problem> {
    let mut found = if entity == EntityType::User {
        users::matching(asked, filter, Form::Full).await?
    } else {
        let gateways = computed::gateways(asked.qrs, entity).await;
        let snapshot = asked.qrs.management.snapshot();
        let mut writer = Writer::new(&snapshot.documents, asked.privileges()?);
        let mut all = computed::all(entity, &snapshot, &mut writer, &gateways);
        all.retain(|found| filter.is_none_or(|filter| filter.holds(found)));
        all
    };
    found.retain(|found| {
        let id = found["id"].as_str().and_then(|id| id.parse().ok());
        is_chosen(id.unwrap_or_default(), chosen)
    });
    Ok(found)
}

fn is_chosen(id: Uuid, chosen: Chosen<'_>) -> bool {
    chosen.is_none_or(|chosen| chosen.contains(&id))
}

fn filter(asked: &Asked<'_>, entity: EntityType) -> Result<Option<Bound>, Problem> {
    let text = match asked.query.value("filter")? {
        None | Some("") => return Ok(None),
        Some(text) => text,
    };
    let bound = Filter::parse(text).and_then(|filter| filter.bind(entity.shape()));
    bound.map(Some).map_err(|error| {
        // Clients get what the real system says; whoever looks for the mistake finds it in the log.
        tracing::debug!(%error, "a filter was refused");
        Problem::bad_request(format!("Cannot parse the expression: {text}"))
    })
}

/// Every document is JSON; should one not be, nothing is shown rather than half of it.
pub(super) fn no_json(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "a document cannot be written as JSON");
    ManageError::Unavailable("of an error in Jotgate itself".to_owned()).into()
}
