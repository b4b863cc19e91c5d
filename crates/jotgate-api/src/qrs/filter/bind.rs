//! From the names of a filter to the properties of an entity.

use jotgate_model::Timestamp;
use uuid::Uuid;

use super::{Comparison, Filter, FilterError, Operator};
use crate::qrs::wire::{Enumeration, Kind, Shape};

/// A filter whose properties exist and whose values have their types.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::qrs) enum Bound {
    /// All of them hold.
    And(Vec<Self>),
    /// This holds for the property, or for any element where a list is on the way.
    Compare {
        /// The members that lead to the property.
        path: Vec<Step>,
        /// How it is compared.
        operator: Operator,
        /// With what.
        value: Operand,
    },
    /// One of them holds.
    Or(Vec<Self>),
}

/// One member on the way to a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::qrs) enum Step {
    /// A member of a known object, in its exact spelling.
    Member(&'static str),
    /// A member of an object that is kept as it came, in any spelling; folded to lower case.
    Loose(String),
    /// The value of the custom property of that name, folded to lower case.
    Custom(String),
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::qrs) enum Operand {
    /// True or false.
    Boolean(bool),
    /// A date.
    Date(Timestamp),
    /// An id.
    Guid(Uuid),
    /// Whatever fits what is found: in objects that are kept as they came.
    Loose(String),
    /// A number, or the number of an enumeration.
    Number(i64),
    /// A text, folded to lower case.
    Text(String),
}

impl Filter {
    /// Looks the properties up in `shape` and reads the values as their types.
    ///
    /// # Errors
    /// The first property that does not exist, operator that does not fit it, or value that does
    /// not.
    pub(in crate::qrs) fn bind(self, shape: &'static Shape) -> Result<Bound, FilterError> {
        let all = |operands: Vec<Self>| {
            let bound = operands.into_iter().map(|operand| operand.bind(shape));
            bound.collect::<Result<Vec<_>, _>>()
        };
        match self {
            Self::And(operands) => all(operands).map(Bound::And),
            Self::Compare(comparison) => bind_comparison(comparison, shape),
            Self::Or(operands) => all(operands).map(Bound::Or),
        }
    }
}

impl Bound {
    /// Adds the names of the members that the filter begins at.
    pub(in crate::qrs) fn roots(&self, into: &mut Vec<&'static str>) {
        match self {
            Self::And(operands) | Self::Or(operands) => {
                operands.iter().for_each(|operand| operand.roots(into));
            }
            Self::Compare { path, .. } => into.extend(path.first().and_then(Step::root)),
        }
    }
}

impl Bound {
    /// The text or the id that a member must have for the filter to hold, texts in lower case; nothing
    /// when others will do.
    pub(in crate::qrs) fn must_equal(&self, name: &str) -> Option<String> {
        match self {
            Self::And(operands) => operands.iter().find_map(|operand| operand.must_equal(name)),
            Self::Compare {
                path,
                operator: Operator::Eq,
                value,
            } if matches!(path.as_slice(), [Step::Member(member)] if *member == name) => {
                match value {
                    Operand::Guid(id) => Some(id.to_string()),
                    Operand::Text(text) => Some(text.clone()),
                    _ => None,
                }
            }
            Self::Compare { .. } | Self::Or(_) => None,
        }
    }
}

impl Step {
    /// The member of the entity that this step, as a first one, begins at.
    pub(in crate::qrs) const fn root(&self) -> Option<&'static str> {
        match self {
            Self::Member(name) => Some(name),
            Self::Custom(_) => Some("customProperties"),
            // Comes behind others only.
            Self::Loose(_) => None,
        }
    }
}

/// What the last step of a path leads to.
pub(in crate::qrs) enum Leaf {
    /// A property of a known kind.
    Known(Kind),
    /// A member of an object that is kept as it came.
    Loose,
}

/// Follows a dotted name from `shape`. Gives nothing if it leads nowhere.
pub(in crate::qrs) fn resolve(name: &str, shape: &'static Shape) -> Option<(Vec<Step>, Leaf)> {
    if let Some(custom) = name.strip_prefix('@') {
        let has_custom = shape.property("customProperties").is_some();
        return has_custom.then(|| (vec![Step::Custom(custom.to_lowercase())], Leaf::Loose));
    }
    let mut path = Vec::new();
    let mut here = At::Shape(shape);
    let mut names = name.split('.').peekable();
    while let Some(name) = names.next() {
        let kind = match here {
            At::Cluster => {
                // {id, privileges, name}; nobody filters by the privileges.
                let (step, kind) = match name {
                    _ if name.eq_ignore_ascii_case("id") => ("id", Kind::Guid),
                    _ if name.eq_ignore_ascii_case("name") => ("name", Kind::Text { max: 128 }),
                    _ => return None,
                };
                path.push(Step::Member(step));
                kind
            }
            At::Loose => {
                path.push(Step::Loose(name.to_lowercase()));
                if names.peek().is_none() {
                    return Some((path, Leaf::Loose));
                }
                continue;
            }
            At::Shape(shape) => {
                let property = shape.property(name)?;
                path.push(Step::Member(property.name));
                property.kind
            }
        };
        here = match kind {
            _ if names.peek().is_none() => return Some((path, Leaf::Known(kind))),
            Kind::Items(shape) | Kind::Object(shape) => At::Shape(shape),
            Kind::Opaque => At::Loose,
            Kind::Reference(target) | Kind::References(target) => {
                target.shape().map_or(At::Cluster, At::Shape)
            }
            _ => return None,
        };
    }
    None
}

enum At {
    Cluster,
    Loose,
    Shape(&'static Shape),
}

fn bind_comparison(c: Comparison, shape: &'static Shape) -> Result<Bound, FilterError> {
    let Some((path, leaf)) = resolve(&c.property, shape) else {
        return Err(FilterError::Property(c.property));
    };
    let (value, operators) = match leaf {
        Leaf::Loose => (Ok(Operand::Loose(c.value)), Operators::All),
        Leaf::Known(kind) => match kind {
            Kind::Boolean => (boolean(&c.value), Operators::Equality),
            Kind::Date => (date(&c.value), Operators::Order),
            Kind::Enumeration(of) => (enumerated(&c.value, of), Operators::Order),
            Kind::Guid => (guid(&c.value), Operators::Equality),
            Kind::Number { .. } => (number(&c.value), Operators::Order),
            Kind::Secret { .. } | Kind::Text { .. } | Kind::Texts { .. } => {
                (Ok(Operand::Text(c.value.to_lowercase())), Operators::Text)
            }
            Kind::Items(_)
            | Kind::Object(_)
            | Kind::Opaque
            | Kind::Reference(_)
            | Kind::References(_) => return Err(FilterError::Property(c.property)),
        },
    };
    if !operators.allow(c.operator) {
        return Err(FilterError::Operator {
            operator: c.operator.name(),
            property: c.property,
        });
    }
    match value {
        Ok(value) => Ok(Bound::Compare {
            path,
            operator: c.operator,
            value,
        }),
        Err(expected) => Err(FilterError::Value {
            property: c.property,
            expected,
        }),
    }
}

/// Which operators a type has (Qlik help, "Filtering").
enum Operators {
    All,
    Equality,
    Order,
    Text,
}

impl Operators {
    fn allow(&self, operator: Operator) -> bool {
        use Operator::{Eq, Ew, Ge, Gt, Le, Lt, Ne, So, Sw};
        match self {
            Self::All => true,
            Self::Equality => matches!(operator, Eq | Ne),
            Self::Order => matches!(operator, Eq | Ne | Gt | Ge | Lt | Le),
            Self::Text => matches!(operator, Eq | Ne | Sw | Ew | So),
        }
    }
}

fn boolean(text: &str) -> Result<Operand, &'static str> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(Operand::Boolean(true)),
        _ if text.eq_ignore_ascii_case("false") => Ok(Operand::Boolean(false)),
        _ => Err("true or false"),
    }
}

fn date(text: &str) -> Result<Operand, &'static str> {
    text.parse()
        .map(Operand::Date)
        .map_err(|_| "a date like '2026-11-22T08:55:17.372Z'")
}

/// The number, or the name as the help page has it: `status eq Failed`.
fn enumerated(text: &str, of: &Enumeration) -> Result<Operand, &'static str> {
    let named = of
        .values
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(text));
    match named {
        Some((number, _)) => Ok(Operand::Number((*number).into())),
        None => number(text),
    }
}

fn guid(text: &str) -> Result<Operand, &'static str> {
    text.parse().map(Operand::Guid).map_err(|_| "an id")
}

fn number(text: &str) -> Result<Operand, &'static str> {
    text.parse().map(Operand::Number).map_err(|_| "a number")
}
