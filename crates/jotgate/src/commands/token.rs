//! `jotgate token`: making tokens, and finding out what is wrong with one.

mod check;
mod sign;

use clap::Subcommand;
use jotgate_model::UnixTime;

use super::Answer;
use crate::exit::Failure;
use check::CheckArguments;
use sign::SignArguments;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token and prints it alone
    Sign(SignArguments),
    /// Judges a token as a virtual proxy would, and shows every step
    ///
    /// Ends with 0 when the token is accepted and with 1 when it is refused.
    Check(CheckArguments),
}

/// Does it.
///
/// # Errors
/// A file cannot be read or used, or the arguments contradict each other. A token that is refused is
/// an answer, no error.
pub(crate) fn run(command: &TokenCommand, now: UnixTime) -> Result<Answer, Failure> {
    match command {
        TokenCommand::Sign(arguments) => sign::run(arguments, now),
        TokenCommand::Check(arguments) => check::run(arguments, now),
    }
}

#[cfg(test)]
mod tests;
