//! What is wrong with a setting, in one sentence.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The flag of that name, without the hyphens.
    Flag(&'static str),
    /// The variable of the environment.
    Variable(String),
    /// A key of the settings file.
    Key {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// Nowhere: it is the default of the setting of that name.
    Default(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::Key { file, key } => write!(f, "{}: {key}", file.display()),
            Self::Default(name) => write!(f, "the default of --{name}"),
        }
    }
}

/// A setting cannot be used: one sentence that names where it came from, what was found and what to
/// write. Never holds the value of a setting that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SettingError(String);

impl SettingError {
    /// What was found at `source` has `problem`: half a sentence that begins with a verb.
    pub(crate) fn new(source: &Source, found: &str, problem: &str) -> Self {
        Self(format!("{source}: {} {problem}", shown(found)))
    }

    /// As [`SettingError::new`], without what was found.
    pub(crate) fn without_value(source: &Source, problem: &str) -> Self {
        Self(format!("{source} {problem}"))
    }

    /// A whole sentence.
    pub(crate) fn sentence(sentence: String) -> Self {
        Self(sentence)
    }
}

/// What was found, in quotes; of a long text the beginning.
fn shown(found: &str) -> String {
    const MOST: usize = 80;
    match found.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?} and so on", found.get(..end).unwrap_or_default()),
        None => format!("{found:?}"),
    }
}

/// The name among `known` that `text` was probably meant to be: the first that begins with it, or the
/// closest of which at most a third differs.
pub(crate) fn meant<'a>(
    text: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    const LONGEST: usize = 64;
    const SHORTEST: usize = 3;
    if !(SHORTEST..=LONGEST).contains(&text.len()) {
        return None;
    }
    if let Some(name) = known.clone().find(|name| name.starts_with(text)) {
        return Some(name);
    }
    known
        .map(|name| (distance(text, name), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The number of single-character edits between two texts (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, cb) in row.iter_mut().skip(1).zip(b.chars()) {
            let change = diagonal + usize::from(ca != cb);
            diagonal = *cell;
            left = change.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("listen", "listne"), 2);
    }

    #[test]
    fn the_closest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["listen", "listen-http", "log"];
        assert_eq!(meant("lisen", known.into_iter()), Some("listen"));
        assert_eq!(meant("listen_http", known.into_iter()), Some("listen-http"));
        assert_eq!(meant("database", known.into_iter()), None);
        assert_eq!(meant("list", known.into_iter()), Some("listen"));
        assert_eq!(meant("", known.into_iter()), None);
        assert_eq!(meant(&"x".repeat(1000), known.into_iter()), None);
    }

    #[test]
    fn long_values_are_cut() {
        let text =
            SettingError::new(&Source::Flag("log"), &"é".repeat(500), "is wrong").to_string();
        assert!(text.ends_with("\" and so on is wrong"), "{text}");
        assert!(text.len() < 220, "{}", text.len());
    }
}
