//! A strict reader of JSON objects (RFC 8259) written by somebody who is not trusted.
//!
//! Stricter than the RFC where parsers disagree with each other, because a token that two parsers
//! read differently is a way around one of them: no duplicate members at any depth, no NUL, no lone
//! surrogates, no byte order mark, at most [`MAX_DEPTH`] levels. Numbers stay text, so nothing is
//! rounded. Values borrow from the input; only strings with escapes are copied.

mod reader;

use std::borrow::Cow;

use reader::Reader;

/// How deep arrays and objects may nest, the outermost object included.
pub(crate) const MAX_DEPTH: usize = 32;

/// From how many members on duplicates are looked for by sorting instead of by comparing all pairs.
const MANY_MEMBERS: usize = 16;

/// A value. Numbers are the text of the input, in the grammar of RFC 8259 section 6.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// What it is, with an article, for details: "a number".
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub(crate) const fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// The members of an object, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of the first member of that exact name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The members' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// A name that stands in this object, or in one inside of it, more than once.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        let here = if self.0.len() <= MANY_MEMBERS {
            self.names()
                .enumerate()
                .find(|(i, name)| self.names().take(*i).any(|earlier| earlier == *name))
                .map(|(_, name)| name)
        } else {
            // Comparing all pairs of some thousand members is a way to keep this machine busy.
            let mut names: Vec<&str> = self.names().collect();
            names.sort_unstable();
            names.windows(2).find_map(|pair| match pair {
                [a, b] if a == b => Some(*a),
                _ => None,
            })
        };
        here.or_else(|| self.0.iter().find_map(|(_, value)| duplicate_in(value)))
    }
}

fn duplicate_in<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Array(items) => items.iter().find_map(duplicate_in),
        Value::Object(object) => object.duplicate(),
        _ => None,
    }
}

/// Why bytes are not an acceptable object. Worded to follow "the payload" or "the document".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("is empty")]
    Empty,
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("is no JSON: unexpected input at byte {0}")]
    Syntax(usize),
    #[error("is no JSON: it ends too early")]
    Cut,
    #[error("is {0}, not a JSON object")]
    NotObject(&'static str),
    #[error("nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("contains a NUL character")]
    Nul,
    #[error("contains half a surrogate pair")]
    LoneSurrogate,
    #[error("has the member {0} more than once")]
    Duplicate(String),
}

/// Reads one object without duplicate members at any depth.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Object<'_>, JsonError> {
    let object = parse_object_with_duplicates(bytes)?;
    match object.duplicate() {
        Some(name) => Err(JsonError::Duplicate(crate::text::quoted(name))),
        None => Ok(object),
    }
}

/// Reads one object; the caller looks for [duplicates](Object::duplicate) where they matter.
pub(crate) fn parse_object_with_duplicates(bytes: &[u8]) -> Result<Object<'_>, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    if text.is_empty() {
        return Err(JsonError::Empty);
    }
    match Reader::new(text).document()? {
        Value::Object(object) => Ok(object),
        other => Err(JsonError::NotObject(other.kind())),
    }
}

#[cfg(test)]
mod tests;
