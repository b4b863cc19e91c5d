//! The filters of QRS: `prefix eq 'jwt' and (defaultVirtualProxy eq false or @Team eq 'x')`.
//!
//! Grammar and operators are those of Qlik's help page "Filtering": `and` binds closer than `or`,
//! both may be nested in parentheses, there is no `not`. Names, keywords and texts are compared in
//! any case. A filter is parsed ([`Filter::parse`]), then its properties are looked up in the table
//! of the entity and its values are read as the types found there ([`Filter::bind`]), so that
//! whatever is wrong is said before the first entity is looked at.
//!
//! Limits: [`MAX_LENGTH`] bytes, [`MAX_DEPTH`] open parentheses.

mod bind;
mod evaluate;
mod parse;

pub(super) use bind::{Bound, Leaf, Step, resolve};
pub(super) use evaluate::any_at;
pub(super) use parse::{Comparison, Filter, Operator};

/// The longest filter, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// How many parentheses may be open at once.
const MAX_DEPTH: usize = 64;

/// Why a filter cannot be used: one sentence, for the log. Clients get the filter back, as from the
/// real system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    /// The parentheses are nested too deeply.
    #[error("more than {MAX_DEPTH} parentheses are open")]
    Deep,
    /// Something else was expected there.
    #[error("{expected} is expected at byte {at}")]
    Expected {
        /// What.
        expected: &'static str,
        /// Where.
        at: usize,
    },
    /// The filter is too long.
    #[error("the filter is longer than {MAX_LENGTH} bytes")]
    Long,
    /// The operator does not fit the property.
    #[error("{operator} cannot be used with {property}")]
    Operator {
        /// The operator.
        operator: &'static str,
        /// The property.
        property: String,
    },
    /// The entity has no such property, or none that can be compared.
    #[error("there is no property {0} to compare")]
    Property(String),
    /// A quote is not closed.
    #[error("the quote at byte {0} is not closed")]
    Quote(usize),
    /// The value does not fit the property.
    #[error("{property} is compared with {expected}")]
    Value {
        /// The property.
        property: String,
        /// What it is compared with.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests;
