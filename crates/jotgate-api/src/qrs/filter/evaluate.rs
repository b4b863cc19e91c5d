//! Whether an entity passes a filter.

use std::cmp::Ordering;

use jotgate_model::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Operator;
use super::bind::{Bound, Operand, Step};

impl Bound {
    /// Whether the filter holds for an entity as QRS shows it in full.
    pub(in crate::qrs) fn holds(&self, entity: &Value) -> bool {
        match self {
            Self::And(operands) => operands.iter().all(|operand| operand.holds(entity)),
            Self::Compare {
                path,
                operator,
                value,
            } => any_at(entity, path, &mut |found| compare(found, *operator, value)),
            Self::Or(operands) => operands.iter().any(|operand| operand.holds(entity)),
        }
    }
}

/// Whether `test` holds for what `path` leads to: for any element of the lists on the way.
pub(in crate::qrs) fn any_at(
    here: &Value,
    path: &[Step],
    test: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    if let Value::Array(elements) = here {
        return elements.iter().any(|element| any_at(element, path, test));
    }
    let Some((step, rest)) = path.split_first() else {
        return test(here);
    };
    let next = match step {
        Step::Member(name) => here.get(name),
        Step::Loose(folded) => here.as_object().and_then(|members| {
            let mut named = members.iter().filter(|(n, _)| n.to_lowercase() == *folded);
            named.next().map(|(_, value)| value)
        }),
        Step::Custom(folded) => {
            let values = here.get("customProperties").and_then(Value::as_array);
            return values.into_iter().flatten().any(|value| {
                let name = value.pointer("/definition/name").and_then(Value::as_str);
                name.is_some_and(|name| name.to_lowercase() == *folded)
                    && value.get("value").is_some_and(&mut *test)
            });
        }
    };
    next.is_some_and(|next| any_at(next, rest, test))
}

fn compare(found: &Value, operator: Operator, with: &Operand) -> bool {
    match with {
        Operand::Boolean(truth) => ordered(found.as_bool().map(|b| b.cmp(truth)), operator),
        Operand::Date(date) => {
            let found: Option<Timestamp> = found.as_str().and_then(|text| text.parse().ok());
            ordered(found.map(|found| found.cmp(date)), operator)
        }
        Operand::Guid(id) => {
            let found: Option<Uuid> = found.as_str().and_then(|text| text.parse().ok());
            ordered(found.map(|found| found.cmp(id)), operator)
        }
        Operand::Loose(text) => loose(found, operator, text),
        Operand::Number(number) => ordered(found.as_i64().map(|n| n.cmp(number)), operator),
        Operand::Text(folded) => found
            .as_str()
            .is_some_and(|text| textual(&text.to_lowercase(), operator, folded)),
    }
}

/// A value that nothing is known of is compared as what it turns out to be.
fn loose(found: &Value, operator: Operator, text: &str) -> bool {
    match found {
        Value::Bool(truth) => textual(&truth.to_string(), operator, &text.to_lowercase()),
        Value::Number(number) => match (number.as_i64(), text.parse::<i64>()) {
            (Some(found), Ok(with)) => ordered(Some(found.cmp(&with)), operator),
            _ => textual(&number.to_string(), operator, text),
        },
        Value::String(found) => textual(&found.to_lowercase(), operator, &text.to_lowercase()),
        Value::Array(_) | Value::Null | Value::Object(_) => false,
    }
}

/// Both sides folded to lower case.
fn textual(found: &str, operator: Operator, with: &str) -> bool {
    match operator {
        Operator::Ew => found.ends_with(with),
        Operator::So => found.contains(with),
        Operator::Sw => found.starts_with(with),
        _ => ordered(Some(found.cmp(with)), operator),
    }
}

fn ordered(ordering: Option<Ordering>, operator: Operator) -> bool {
    let Some(ordering) = ordering else {
        return false;
    };
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ge => ordering.is_ge(),
        Operator::Gt => ordering.is_gt(),
        Operator::Le => ordering.is_le(),
        Operator::Lt => ordering.is_lt(),
        Operator::Ne => ordering.is_ne(),
        Operator::Ew | Operator::So | Operator::Sw => false,
    }
}
