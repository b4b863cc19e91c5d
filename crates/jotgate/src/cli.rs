//! The command line: what can be asked for, and what is said when the question is wrong.
//!
//! Flags of settings come from the settings' own table and are judged there, with the exit code of a
//! bad setting; everything else that is wrong with a command line is wrong usage. A mistake is
//! answered with one sentence, and the sentence never repeats a token or a password.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::admin::AdminCommand;
use crate::commands::api_keys::ApiKeysCommand;
use crate::commands::audit::AuditCommand;
use crate::commands::backup::{BackupArguments, RestoreArguments};
use crate::commands::check::CheckArguments;
use crate::commands::configuration::{ApplyArguments, DiffArguments, ExportArguments};
use crate::commands::import::ImportArguments;
use crate::commands::keygen::KeygenArguments;
use crate::commands::keys::KeysCommand;
use crate::commands::moving::MoveArguments;
use crate::commands::revisions::RevisionsCommand;
use crate::commands::token::TokenCommand;
use crate::exit::{Exit, Failure};
use crate::settings::SettingFlags;

/// An authenticating gateway for analytics portals
#[derive(Debug, Parser)]
#[command(name = "jotgate", version, max_term_width = 100)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the gateway
    ///
    /// Every setting below can also be given as a variable of the environment, such as
    /// JOTGATE_DATA_DIR for --data-dir (values of a list separated by commas), or as a key of the
    /// TOML file that --config names, such as data-dir = "/var/lib/jotgate" or listen =
    /// ["0.0.0.0:8443"]. A flag wins over the environment, the environment over the file.
    Serve(ServeArguments),
    /// Runs the gateway with sample data, for trying it on this machine
    ///
    /// Makes a virtual proxy with the prefix jwt, a stand-in for the analytics server, an administrator
    /// and a token, and prints what to open and what to paste. Takes the settings of serve.
    Demo(DemoArguments),
    /// Helps administrators who cannot sign in
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Writes the whole configuration of a gateway as one file
    ///
    /// The order is stable, defaults are left out, and so are secrets: in their place stands that the
    /// stored ones are to be kept.
    Export(ExportArguments),
    /// Says what apply would change
    Diff(DiffArguments),
    /// Makes the configuration of a gateway what a file says, in one revision or not at all
    ///
    /// What the file does not have is deleted, but for proxies. A secret in the file is a reference:
    /// { file = "..." }, beside the file, { env = "..." }, or { keep = true }.
    Apply(ApplyArguments),
    /// Reads the virtual proxies, proxies and nodes of a site over QRS into a file for apply
    ///
    /// The site may be the real system or a gateway; nothing is changed there. What has no equivalent
    /// here is told, line by line, at the beginning of the file as well.
    Import(ImportArguments),
    /// Lists, compares and restores earlier configurations
    #[command(subcommand)]
    Revisions(RevisionsCommand),
    /// Writes everything that a gateway keeps, but sessions, to one file
    ///
    /// The file holds private keys and hashes of passwords: keep it as you keep those. A gateway that
    /// runs goes on serving.
    Backup(BackupArguments),
    /// Makes a data directory what a backup says; the gateway must be stopped
    ///
    /// What was there before is kept in a folder beside it. Everybody has to sign in again.
    Restore(RestoreArguments),
    /// Moves a data directory to a database of PostgreSQL; the gateway must be stopped
    ///
    /// The database must be empty, and has everything afterwards or nothing. Takes the settings of serve, of
    /// which --data-dir, --database-url-file and --cluster-key-file count.
    Move(MoveArguments),
    /// Says who did what, and whether that record is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Lists, adds and removes the keys that the tokens of a virtual proxy are checked with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Lists, makes and deletes API keys: what programs may do a few things with
    #[command(subcommand)]
    ApiKeys(ApiKeysCommand),
    /// Makes a key pair with a certificate, for signing tokens
    Keygen(KeygenArguments),
    /// Tries a running virtual proxy from outside, and says what is wrong and what to change
    ///
    /// The virtual proxy may be one of the real system. Ends with 1 when something is wrong. The token
    /// goes to that address and nowhere else; the session that it opens is ended again.
    Check(CheckArguments),
    /// Makes and checks tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// What `jotgate serve` takes.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Only check the settings and the files that they name
    #[arg(long)]
    pub(crate) check: bool,
    /// Take over from the gateway that runs on the same data directory, without a break
    ///
    /// This process gets the sockets of the running one, starts completely, and only then the running
    /// one drains. When this one cannot start, the running one goes on.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// What `jotgate demo` takes.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// Reads the command line. `arguments` begin with the name of the program.
///
/// # Errors
/// What to end with, when there is nothing to do: help was asked for and printed, or the command
/// line is wrong and that was said on standard error.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    Cli::try_parse_from(&arguments).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Help into a closed pipe, such as that of `head`, is no failure.
            drop(error.print());
            Exit::Done.into()
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            drop(writeln!(io::stderr().lock(), "{}", error.render()));
            Exit::Usage.into()
        }
        _ => Failure::new(Exit::Usage, usage_sentence(&error, &arguments)).report(),
    })
}

/// What clap says in several paragraphs, as one sentence.
fn usage_sentence(error: &clap::Error, arguments: &[OsString]) -> String {
    // First of all: a token with line breaks in it would be in pieces afterwards.
    let text = without_secrets(error.render().to_string(), arguments);
    let mut paragraphs = text.split("\n\n").map(one_line);
    let first = paragraphs.next().unwrap_or_default();
    let mut sentence = first.trim_start_matches("error: ").to_owned();
    for paragraph in paragraphs {
        if let Some(tip) = paragraph.strip_prefix("tip: ") {
            sentence.push_str("; ");
            sentence.push_str(tip);
        }
    }
    format!("{sentence}; see `{} --help`", asked_for(arguments))
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The program and the commands that `arguments` begin with.
fn asked_for(arguments: &[OsString]) -> String {
    let mut name = "jotgate".to_owned();
    let mut command = Cli::command();
    for argument in arguments.iter().skip(1) {
        let Some(inner) = command.find_subcommand(argument) else {
            break;
        };
        name.push(' ');
        name.push_str(inner.get_name());
        command = inner.clone();
    }
    name
}

/// Takes out every argument that may hold a token or a password, and what follows its equals sign.
fn without_secrets(mut text: String, arguments: &[OsString]) -> String {
    let mut secrets: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .filter(|argument| may_be_secret(argument))
        .flat_map(|argument| {
            let value = argument.split_once('=').map(|(_, value)| value.to_owned());
            value.into_iter().chain([argument])
        })
        .filter(|secret| may_be_secret(secret))
        .collect();
    // A secret may contain a shorter one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        text = text.replace(&secret, "...");
    }
    text
}

/// JSON objects in base64url begin like that, and so do tokens; addresses may carry passwords. Words
/// of this length are no mistyped commands.
fn may_be_secret(argument: &str) -> bool {
    const LONGEST_WORD: usize = 40;
    argument.contains("eyJ") || argument.contains("://") || argument.len() > LONGEST_WORD
}

#[cfg(test)]
mod tests;
