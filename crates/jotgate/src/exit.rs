//! How the process ends: one exit code for each kind of trouble, and one sentence.
//!
//! The codes are public; scripts and service managers tell by them whether starting again may help.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::certificates::CertificateError;
use crate::data_directory::DataDirectoryError;
use crate::settings::SettingError;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: what was asked for is done.
    Done,
    /// 1: the thing asked about is bad: a token is refused, a difference was found.
    Refused,
    /// 2: the command line is wrong, or names something that cannot be used.
    Usage,
    /// 64: a setting is unknown or has a value that cannot be used.
    BadSetting,
    /// 65: the data directory or the database cannot be used.
    DataDirectory,
    /// 66: another process listens on a port already.
    PortTaken,
    /// 70: our own fault.
    Fault,
}

impl Exit {
    /// The number that the caller of the process sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::BadSetting => 64,
            Self::DataDirectory => 65,
            Self::PortTaken => 66,
            Self::Fault => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the process ends early: how, and one sentence for whoever started it. The sentence never
/// holds a token, a key or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How.
    pub(crate) exit: Exit,
    sentence: String,
}

impl Failure {
    /// The process ends with `exit` because of `sentence`.
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self {
            exit,
            sentence: sentence.into(),
        }
    }

    /// Writes the sentence to standard error and gives the code to end with.
    pub(crate) fn report(&self) -> ExitCode {
        // Nobody is left to tell when standard error is closed.
        drop(writeln!(io::stderr().lock(), "{self}"));
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jotgate: {}", self.sentence)
    }
}

impl std::error::Error for Failure {}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self::new(Exit::BadSetting, error.to_string())
    }
}

/// Files that settings name: those in the data directory have its error.
impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        Self::new(Exit::BadSetting, error.to_string())
    }
}

impl From<DataDirectoryError> for Failure {
    fn from(error: DataDirectoryError) -> Self {
        Self::new(Exit::DataDirectory, error.to_string())
    }
}

/// Writes `text` to standard output.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            Failure::new(
                Exit::Fault,
                format!("standard output cannot be written ({error}); look at what reads it"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_manual() {
        let codes = [
            Exit::Done,
            Exit::Refused,
            Exit::Usage,
            Exit::BadSetting,
            Exit::DataDirectory,
            Exit::PortTaken,
            Exit::Fault,
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 64, 65, 66, 70]);
    }

    #[test]
    fn a_failure_is_one_line_that_begins_with_the_name_of_the_program() {
        let failure = Failure::new(Exit::PortTaken, "port 1 is taken; choose another");
        assert_eq!(
            failure.to_string(),
            "jotgate: port 1 is taken; choose another"
        );
    }
}
