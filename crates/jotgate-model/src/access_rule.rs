//! The access rule of a virtual proxy: which users it lets in.
//!
//! ```text
//! rule = "" | any
//! any  = all { "or" all }
//! all  = one { "and" one }
//! one  = "not" one | "(" any ")" | what "=" text | what "in" "(" text { "," text } ")"
//! what = "directory" | "id" | "attribute." word | "attribute[" text "]"
//! text = '"' { any character, with \" and \\ for these two } '"'
//! ```
//!
//! An attribute that a user has several times is equal to a text when one of its values is. There
//! is nothing but equality: no pattern can match more than was meant.

mod parse;

use std::fmt;

/// A rule. Small and total: it can always be decided, in time proportional to its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule(Condition);

impl AccessRule {
    /// What has to hold.
    #[must_use]
    pub const fn condition(&self) -> &Condition {
        &self.0
    }
}

/// What has to hold of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Each of them, two or more.
    All(Vec<Self>),
    /// One of them at least, of two or more.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// That something of the user is one of these texts, of one or more.
    Is(Subject, Vec<Box<str>>),
}

/// What a rule can ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The values of the attribute of that name.
    Attribute(Box<str>),
    /// The user's directory.
    Directory,
    /// The user's id.
    Id,
}

/// What is wrong with a rule: where, what was found, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRuleError(String);

impl fmt::Display for AccessRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes the rule in a form that parses to the same rule.
impl fmt::Display for AccessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(conditions) => chain(f, conditions, "and"),
            Self::Any(conditions) => chain(f, conditions, "or"),
            Self::Not(condition) => {
                f.write_str("not ")?;
                enclosed(f, condition)
            }
            Self::Is(subject, texts) => match texts.as_slice() {
                [text] => write!(f, "{subject} = {}", Quoted(text)),
                texts => {
                    write!(f, "{subject} in (")?;
                    for (at, text) in texts.iter().enumerate() {
                        let comma = if at == 0 { "" } else { ", " };
                        write!(f, "{comma}{}", Quoted(text))?;
                    }
                    f.write_str(")")
                }
            },
        }
    }
}

fn chain(f: &mut fmt::Formatter<'_>, conditions: &[Condition], word: &str) -> fmt::Result {
    for (at, condition) in conditions.iter().enumerate() {
        if at > 0 {
            write!(f, " {word} ")?;
        }
        enclosed(f, condition)?;
    }
    Ok(())
}

/// In parentheses, when it would be read differently without them.
fn enclosed(f: &mut fmt::Formatter<'_>, condition: &Condition) -> fmt::Result {
    match condition {
        Condition::All(_) | Condition::Any(_) => write!(f, "({condition})"),
        Condition::Is(..) | Condition::Not(_) => write!(f, "{condition}"),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) if is_word(name) => write!(f, "attribute.{name}"),
            Self::Attribute(name) => write!(f, "attribute[{}]", Quoted(name)),
            Self::Directory => f.write_str("directory"),
            Self::Id => f.write_str("id"),
        }
    }
}

/// Whether a name can stand without quotes.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| is_word_byte(&b))
}

const fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests;
