//! The order of a list: `orderby=prefix`, or several properties, each with `asc` or `desc`.

use std::cmp::Ordering;

use serde_json::Value;

use super::filter::{Leaf, Step, any_at, resolve};
use super::wire::{Kind, Shape};
use crate::problem::Problem;

/// The longest text of an order, in bytes.
const MAX_LENGTH: usize = 1024;

/// The properties to order by, the weightiest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order(Vec<Key>);

#[derive(Clone, Debug, PartialEq)]
struct Key {
    path: Vec<Step>,
    descending: bool,
}

impl Order {
    /// Reads the parameter `orderby` for entities of a shape.
    ///
    /// # Errors
    /// 400 for a property that does not exist or has no order, such as a list.
    pub(super) fn parse(text: &str, shape: &'static Shape) -> Result<Self, Problem> {
        if text.len() > MAX_LENGTH {
            return Err(Problem::bad_request(format!(
                "The parameter orderby is longer than {MAX_LENGTH} bytes."
            )));
        }
        let keys = text.split(',').map(|part| {
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let descending = match (words.next(), words.next()) {
                (None, _) => false,
                (Some(word), None) if word.eq_ignore_ascii_case("asc") => false,
                (Some(word), None) if word.eq_ignore_ascii_case("desc") => true,
                _ => return Err(cannot(part)),
            };
            match resolve(name, shape) {
                Some((path, Leaf::Known(kind))) if has_order(kind) => Ok(Key { path, descending }),
                _ => Err(cannot(name)),
            }
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// The only member that is ordered by, and whether it is in descending order; nothing for any other order.
    pub(super) fn only_member(&self) -> Option<(&'static str, bool)> {
        match self.0.as_slice() {
            [Key { path, descending }] => match path.as_slice() {
                [Step::Member(name)] => Some((name, *descending)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds the names of the members that the order begins at.
    pub(super) fn roots(&self, into: &mut Vec<&'static str>) {
        into.extend(self.0.iter().filter_map(|key| key.path.first()?.root()));
    }

    /// Sorts entities as QRS shows them in full. Those that are equal keep their places.
    pub(super) fn sort(&self, entities: &mut [Value]) {
        self.sort_by(entities, |entity| entity);
    }

    /// Sorts what has an entity, or the members of it that the order begins at.
    pub(super) fn sort_by<T>(&self, items: &mut [T], entity: impl Fn(&T) -> &Value) {
        items.sort_by_cached_key(|item| {
            let entity = entity(item);
            let keys = self.0.iter().map(|key| {
                let mut found = None;
                any_at(entity, &key.path, &mut |value| {
                    found = Some(Sortable::from(value));
                    true
                });
                Directed {
                    value: found,
                    descending: key.descending,
                }
            });
            keys.collect::<Vec<_>>()
        });
    }
}

fn cannot(text: &str) -> Problem {
    Problem::bad_request(format!("The list cannot be ordered by {text:?}."))
}

const fn has_order(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Boolean
            | Kind::Date
            | Kind::Enumeration(_)
            | Kind::Guid
            | Kind::Number { .. }
            | Kind::Text { .. }
    )
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Sortable {
    Number(i64),
    /// In lower case. Dates have one form, in which their order is that of texts.
    Text(String),
}

impl From<&Value> for Sortable {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bool(truth) => Self::Number((*truth).into()),
            Value::String(text) => Self::Text(text.to_lowercase()),
            other => Self::Number(other.as_i64().unwrap_or_default()),
        }
    }
}

#[derive(PartialEq, Eq)]
struct Directed {
    value: Option<Sortable>,
    descending: bool,
}

impl Ord for Directed {
    fn cmp(&self, other: &Self) -> Ordering {
        let ordering = self.value.cmp(&other.value);
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qrs::wire::VIRTUAL_PROXY_CONFIG;

    fn sorted(by: &str) -> String {
        let mut entities = vec![
            json!({"prefix": "b", "sessionInactivityTimeout": 30, "defaultVirtualProxy": false}),
            json!({"prefix": "A", "sessionInactivityTimeout": 9, "defaultVirtualProxy": true}),
            json!({"prefix": "c", "sessionInactivityTimeout": 30, "defaultVirtualProxy": false}),
        ];
        let order = Order::parse(by, &VIRTUAL_PROXY_CONFIG).unwrap();
        order.sort(&mut entities);
        entities
            .iter()
            .filter_map(|e| e["prefix"].as_str())
            .collect()
    }

    #[test]
    fn lists_are_ordered_by_value_not_by_spelling() {
        assert_eq!(sorted("PREFIX"), "Abc");
        assert_eq!(sorted("prefix desc"), "cbA");
        assert_eq!(sorted("sessionInactivityTimeout"), "Abc");
        assert_eq!(sorted("sessionInactivityTimeout DESC, prefix desc"), "cbA");
        assert_eq!(sorted("defaultVirtualProxy,prefix desc"), "cbA");
    }

    #[test]
    fn what_has_no_order_is_refused() {
        let long = "prefix,".repeat(200);
        for by in [
            "",
            "nothing",
            "prefix up",
            "prefix desc desc",
            "prefix,",
            "tags",
            "loadBalancingServerNodes",
            "oidcClientSecret",
            "@Team",
            &long,
        ] {
            let error = Order::parse(by, &VIRTUAL_PROXY_CONFIG).unwrap_err();
            assert_eq!(error.status, 400, "{by}");
        }
    }
}
