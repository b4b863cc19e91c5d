//! The commands beside `serve` and `demo`.
//!
//! Each one takes its arguments and gives an [`Answer`]; what is printed and how the
//! process ends is decided in one place.

pub(crate) mod admin;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod configuration;
mod difference;
pub(crate) mod import;
pub(crate) mod keygen;
pub(crate) mod keys;
pub(crate) mod moving;
pub(crate) mod revisions;
pub(crate) mod token;

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use jotgate_model::UnixTime;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, print};
use crate::settings::read_limited;

/// What a command has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether the thing asked about is good.
    pub(crate) exit: Exit,
    /// For standard output, with its line end.
    pub(crate) text: String,
}

impl Answer {
    /// It is done.
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self {
            exit: Exit::Done,
            text: text.into(),
        }
    }

    /// Prints the text and gives the code to end with.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(crate) fn give(&self) -> Result<ExitCode, Failure> {
        print(&self.text)?;
        Ok(self.exit.into())
    }
}

/// What the clock says. The one place that asks it: everything below takes the time as an argument.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// What others wrote, in a line for people: it must not act on a terminal, or look like another line.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A file that an argument names, as text.
pub(crate) fn read_file(flag: &str, path: &Path, most: u64) -> Result<Zeroizing<String>, Failure> {
    let wrong = |problem: String| {
        Failure::new(
            Exit::Usage,
            format!("{flag} names {}, which {problem}", path.display()),
        )
    };
    let bytes = read_limited(path, most)
        .map_err(|error| wrong(format!("cannot be read ({error}); name a readable file")))?
        .ok_or_else(|| {
            wrong(format!(
                "is longer than {} KiB; name another file",
                most >> 10
            ))
        })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(wrong("is no text; name a file in PEM or JSON".to_owned()))
        }
    }
}
