//! `jotgate revisions`: the saves of the past.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use crate::client::GatewayArguments;
use crate::commands::{Answer, difference, plain};
use crate::exit::Failure;

/// What `jotgate revisions` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum RevisionsCommand {
    /// Lists them, newest first
    List(ListArguments),
    /// Says what differs between two
    Diff(DiffArguments),
    /// Makes the configuration again what it was, as a new revision
    Restore(RestoreArguments),
}

/// What `jotgate revisions list` takes.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only those before this one
    #[arg(long, value_name = "REVISION")]
    before: Option<u64>,
    /// How many, at most 1000
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate revisions diff` takes.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The one before
    #[arg(value_name = "BEFORE")]
    before: u64,
    /// The one after
    #[arg(value_name = "AFTER")]
    after: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate revisions restore` takes.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// Which one
    #[arg(value_name = "REVISION")]
    revision: u64,
    /// One line for the list of revisions
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

pub(crate) fn run(command: &RevisionsCommand) -> Result<Answer, Failure> {
    match command {
        RevisionsCommand::List(arguments) => list(arguments),
        RevisionsCommand::Diff(arguments) => {
            let path = format!(
                "revisions/{}/difference/{}",
                arguments.before, arguments.after
            );
            let found = arguments.gateway.ask(Method::GET, &path, None)?;
            Ok(Answer::done(difference::text(&found, arguments.json)))
        }
        RevisionsCommand::Restore(arguments) => {
            let path = format!("revisions/{}/restore", arguments.revision);
            let request = json!({"note": arguments.note});
            let found = arguments.gateway.ask(Method::POST, &path, Some(&request))?;
            let mut text = difference::text(&found, arguments.json);
            if !arguments.json && !difference::is_empty(&found) {
                text.push_str(&format!("revision {}\n", found["after"]));
            }
            Ok(Answer::done(text))
        }
    }
}

fn list(arguments: &ListArguments) -> Result<Answer, Failure> {
    let before = arguments.before.map(|before| format!("&before={before}"));
    let path = format!(
        "revisions?limit={}{}",
        arguments.limit,
        before.unwrap_or_default()
    );
    let found = arguments.gateway.ask(Method::GET, &path, None)?;
    if arguments.json {
        return Ok(Answer::done(format!("{found:#}\n")));
    }
    let revisions = found["revisions"].as_array().into_iter().flatten();
    Ok(Answer::done(revisions.map(line).collect::<String>()))
}

fn line(revision: &Value) -> String {
    let word = |member: &str| plain(revision[member].as_str().unwrap_or_default());
    let number = &revision["revision"];
    let (at, author, note) = (word("at"), word("author"), word("note"));
    format!("{number}  {at}  {author}  {note}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The note of a save has the names of what was saved.
    #[test]
    fn a_note_is_one_line_and_does_nothing_to_a_terminal() {
        let note = "create Tag \"\u{1b}[2Ja\r\n5  never\"";
        let revision = json!({"revision": 4, "at": "2026", "author": "x", "note": note});
        assert_eq!(line(&revision), "4  2026  x  create Tag \"[2Ja5  never\"\n");
    }
}
