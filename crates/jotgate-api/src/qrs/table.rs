//! `{entity}/table`: chosen columns of entities, sorted, page by page.

use serde_json::{Map, Value, json};

use super::Asked;
use super::entity::{EntityType, Members, wrong_field};
use super::filter::{Leaf, Step, any_at, resolve};
use super::list::{self, Chosen};
use super::order::Order;
use super::wire::{Kind, Shape};
use crate::answer::Answer;
use crate::problem::Problem;

/// How many columns a table, or a list in one of its cells, may have.
pub(super) const MAX_COLUMNS: usize = 256;

/// What is in a column.
enum Column {
    /// For each entry of a list, these of its properties.
    List(Vec<Step>, Vec<Vec<Step>>, Vec<String>),
    /// What the caller may do with the entity.
    Privileges,
    /// How many entries a list has.
    Count(Vec<Step>),
    /// The value of a property.
    Property(Vec<Step>),
}

/// `POST {entity}/table`: of all entities that `chosen` leaves and the filter finds.
pub(super) async fn table(
    asked: &Asked<'_>,
    entity: EntityType,
    body: &Members,
    chosen: Chosen<'_>,
) -> Result<Answer, Problem> {
    let columns = columns(body, entity.shape())?;
    let order = order(asked, entity.shape(), body)?;
    let skip = number(asked, "skip")?.unwrap_or(0);
    let take = number(asked, "take")?.unwrap_or(usize::MAX);
    let page = list::page(asked, entity, chosen, order.as_ref(), (skip, take)).await?;
    let rows = page.iter().map(|found| {
        let cells = columns
            .iter()
            .map(|(_, column)| column.cell(asked, entity, found));
        Value::Array(cells.collect())
    });
    let rows: Vec<_> = rows.collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| name).collect();
    Ok(Answer::Created(json!({
        "id": uuid::Uuid::new_v4(),
        "columnNames": names,
        "rows": rows,
        "schemaPath": "Table",
    })))
}

impl Column {
    fn cell(&self, asked: &Asked<'_>, entity: EntityType, found: &Value) -> Value {
        match self {
            Self::Count(path) => {
                let mut count = 0;
                any_at(found, path, &mut |_| {
                    count += 1;
                    false
                });
                count.into()
            }
            Self::List(path, properties, names) => {
                let mut rows = Vec::new();
                any_at(found, path, &mut |entry| {
                    let row = properties.iter().map(|property| first_at(entry, property));
                    rows.push(Value::Array(row.collect()));
                    false
                });
                json!({"rows": rows, "columnNames": names})
            }
            Self::Privileges => json!(super::wire::privileges(entity, asked.actor.privilege)),
            Self::Property(path) => first_at(found, path),
        }
    }
}

/// The first value that a path leads to; what is a list itself is given whole.
fn first_at(from: &Value, path: &[Step]) -> Value {
    if let Some((Step::Member(last), way)) = path.split_last() {
        let mut list = None;
        any_at(from, way, &mut |holder| {
            list = holder.get(*last).filter(|value| value.is_array()).cloned();
            true
        });
        if let Some(list) = list {
            return list;
        }
    }
    let mut first = Value::Null;
    any_at(from, path, &mut |value| {
        first = value.clone();
        true
    });
    first
}

fn columns(body: &Members, shape: &'static Shape) -> Result<Vec<(String, Column)>, Problem> {
    let named = ["type", "entity"]
        .iter()
        .find_map(|name| body.get(*name)?.as_str());
    if named.is_some_and(|named| !named.eq_ignore_ascii_case(shape.name)) {
        return Err(wrong_field(
            "type",
            format!("must be {}, as the address says", shape.name),
        ));
    }
    let columns = body.get("columns").and_then(Value::as_array);
    let columns = columns.filter(|columns| columns.len() <= MAX_COLUMNS);
    let Some(columns) = columns else {
        return Err(wrong_field(
            "columns",
            format!("must be a list of at most {MAX_COLUMNS} columns"),
        ));
    };
    let columns = columns.iter().enumerate();
    columns
        .map(|(at, column)| read_column(&format!("columns[{at}]"), column, shape))
        .collect()
}

fn read_column(
    field: &str,
    column: &Value,
    shape: &'static Shape,
) -> Result<(String, Column), Problem> {
    let no_columns = Map::new();
    let column = column.as_object().unwrap_or(&no_columns);
    let definition = text(column, "definition");
    let name = match text(column, "name") {
        "" => definition,
        name => name,
    };
    let wrong = |what: &str| wrong_field(&format!("{field}.definition"), what);
    let column = match column_type(column.get("columnType")) {
        Some("Property") => Column::Property(path(definition, shape).ok_or_else(|| {
            wrong(&format!(
                "{} has no property {:?}",
                shape.name,
                cut(definition)
            ))
        })?),
        Some("Privileges") => Column::Privileges,
        Some("Function") => {
            let counted = definition
                .strip_prefix("Count(")
                .or_else(|| definition.strip_prefix("count("))
                .and_then(|rest| rest.strip_suffix(')'))
                .and_then(|list| path(list, shape));
            Column::Count(counted.ok_or_else(|| wrong("must be Count(a list of the entity)"))?)
        }
        Some("List") => list_column(field, definition, column, shape)?,
        _ => {
            let problem = "must be one of 1 (Property), 2 (Function), 3 (List), 4 (Privileges)";
            return Err(wrong_field(&format!("{field}.columnType"), problem));
        }
    };
    Ok((name.to_owned(), column))
}

/// A list names its entries by the property, or, as the console of the real system does, by their
/// type: `tag` for `tags`.
fn list_column(
    field: &str,
    definition: &str,
    column: &Map<String, Value>,
    shape: &'static Shape,
) -> Result<Column, Problem> {
    let plural = format!("{definition}s");
    let found = [definition, &plural].into_iter().find_map(|name| {
        let entries = match resolve(name, shape)?.1 {
            Leaf::Known(Kind::References(target)) => target.shape(),
            Leaf::Known(Kind::Items(shape)) => Some(shape),
            _ => None,
        };
        Some((path(name, shape)?, entries?))
    });
    let Some((path_of_list, entries)) = found else {
        let problem = format!("{} has no list {:?}", shape.name, cut(definition));
        return Err(wrong_field(&format!("{field}.definition"), problem));
    };
    let wanted = column
        .get("list")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    let wanted = wanted.unwrap_or_default();
    if wanted.len() > MAX_COLUMNS {
        return Err(wrong_field(
            &format!("{field}.list"),
            format!("has more than {MAX_COLUMNS} columns"),
        ));
    }
    let (mut properties, mut names) = (Vec::new(), Vec::new());
    for (at, wanted) in wanted.iter().enumerate() {
        let field = format!("{field}.list[{at}]");
        match read_column(&field, wanted, entries)? {
            (name, Column::Property(path)) => {
                names.push(name);
                properties.push(path);
            }
            _ => {
                return Err(wrong_field(
                    &format!("{field}.columnType"),
                    "must be 1 (Property)",
                ));
            }
        }
    }
    Ok(Column::List(path_of_list, properties, names))
}

fn path(name: &str, shape: &'static Shape) -> Option<Vec<Step>> {
    resolve(name, shape).map(|(path, _)| path)
}

/// Clients send the number or the name.
fn column_type(value: Option<&Value>) -> Option<&'static str> {
    const NAMES: [&str; 4] = ["Property", "Function", "List", "Privileges"];
    match value? {
        Value::Number(number) => NAMES
            .get(usize::try_from(number.as_u64()?.checked_sub(1)?).ok()?)
            .copied(),
        Value::String(name) => NAMES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name)),
        _ => None,
    }
}

/// By the column of that name, else by the property.
fn order(
    asked: &Asked<'_>,
    shape: &'static Shape,
    body: &Members,
) -> Result<Option<Order>, Problem> {
    let Some(by) = asked.query.value("sortcolumn")?.filter(|by| !by.is_empty()) else {
        return Ok(None);
    };
    let columns = body.get("columns").and_then(Value::as_array);
    let named = columns.into_iter().flatten().filter_map(Value::as_object);
    let mut named = named.filter(|column| text(column, "name").eq_ignore_ascii_case(by));
    let by = named.next().map_or(by, |column| text(column, "definition"));
    let ascending = match asked.query.value("orderascending")? {
        None | Some("") => true,
        Some(_) => asked.query.flag("orderascending")?,
    };
    let direction = if ascending { "asc" } else { "desc" };
    Order::parse(&format!("{by} {direction}"), shape).map(Some)
}

fn number(asked: &Asked<'_>, name: &str) -> Result<Option<usize>, Problem> {
    match asked.query.value(name)? {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Problem::bad_request(format!("The parameter {name} must be a whole number."))
        }),
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
