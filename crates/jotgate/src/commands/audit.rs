//! `jotgate audit`: who did what, and whether that record is whole.

mod log;
mod stopped;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use jotgate_model::Timestamp;
use jotgate_repository::{AuditFilter, AuditHead};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::GatewayArguments;
use crate::commands::{Answer, plain};
use crate::exit::{Exit, Failure, print};

/// Rows of one call.
const PAGE: u64 = 1000;

/// What `jotgate audit` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Lists who did what, newest first
    List(ListArguments),
    /// Checks that no row was altered, removed, inserted or moved
    ///
    /// Ends with 1 when one was, and says which. That the newest rows were cut off is found by what
    /// is kept beside the database, and for certain by a line of the log.
    Verify(VerifyArguments),
}

/// What `jotgate audit list` takes.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Nothing older, such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "DATE")]
    since: Option<Timestamp>,
    /// Only what is older
    #[arg(long, value_name = "DATE")]
    until: Option<Timestamp>,
    /// Only by this actor, such as DIRECTORY\\user
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this action, such as configuration.update, or configuration for all of them
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only about what has this id or name
    #[arg(long, value_name = "ID|NAME")]
    subject: Option<String>,
    /// Only what ended so
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "failed", "refused"])]
    outcome: Option<String>,
    /// How many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
    /// Print each row as one JSON object on a line of its own
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate audit verify` takes.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// A row that must still be there, as the log has it (audit.head)
    #[arg(long, value_name = "SEQUENCE:MAC", conflicts_with = "log")]
    head: Option<AuditHead>,
    /// A log of the gateway, in either form: its newest row must still be there
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// Runs `jotgate audit`.
///
/// # Errors
/// The gateway cannot be asked, or its data directory cannot be used.
pub(crate) fn run(command: &AuditCommand) -> Result<Answer, Failure> {
    match command {
        AuditCommand::List(arguments) => list(arguments),
        AuditCommand::Verify(arguments) => verify(arguments),
    }
}

impl ListArguments {
    fn filter(&self, before: Option<i64>) -> AuditFilter {
        AuditFilter {
            before,
            after: None,
            since: self.since,
            until: self.until,
            actor: self.actor.clone(),
            action: self.action.clone(),
            subject: self.subject.clone(),
            outcome: self.outcome.clone(),
        }
    }

    /// The address of a page.
    fn path(&self, before: Option<i64>, limit: u64) -> String {
        let text = |value: &Option<Timestamp>| value.map(|date| date.to_string());
        let mut path = format!("audit?limit={limit}");
        for (name, value) in [
            ("before", before.map(|before| before.to_string())),
            ("since", text(&self.since)),
            ("until", text(&self.until)),
            ("actor", self.actor.clone()),
            ("action", self.action.clone()),
            ("subject", self.subject.clone()),
            ("outcome", self.outcome.clone()),
        ] {
            if let Some(value) = value {
                let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
                path.push_str(&format!("&{name}={value}"));
            }
        }
        path
    }
}

/// A page is printed before the next one is read: a trail may be long.
fn list(arguments: &ListArguments) -> Result<Answer, Failure> {
    let stopped = match arguments.gateway.is_local_and_stopped() {
        true => Some(stopped::Trail::open(&arguments.gateway.data_dir)?),
        false => None,
    };
    let mut left = match arguments.limit {
        0 => u64::MAX,
        limit => limit,
    };
    let mut before = None;
    while left > 0 {
        let limit = left.min(PAGE);
        let rows = match &stopped {
            Some(trail) => trail.rows(&arguments.filter(before), limit)?,
            None => {
                let path = arguments.path(before, limit);
                let mut found = arguments.gateway.ask(Method::GET, &path, None)?;
                match found["rows"].take() {
                    Value::Array(rows) => rows,
                    _ => Vec::new(),
                }
            }
        };
        let text: String = rows.iter().map(|row| line(row, arguments.json)).collect();
        print(&text)?;
        before = rows.last().and_then(|row| row["sequence"].as_i64());
        left = left.saturating_sub(rows.len() as u64);
        if (rows.len() as u64) < limit {
            break;
        }
    }
    Ok(Answer::done(""))
}

fn line(row: &Value, json: bool) -> String {
    if json {
        return format!("{row}\n");
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (actor, subject) = (&row["actor"], &row["subject"]);
    let fields = [&row["before"], &row["after"]];
    let fields = fields.into_iter().filter_map(Value::as_object);
    let mut fields: Vec<&str> = fields
        .flat_map(|side| side.keys().map(String::as_str))
        .collect();
    fields.dedup();
    fields.sort_unstable();
    fields.dedup();
    let named = match word(&subject["name"]) {
        name if name.is_empty() => word(&subject["id"]),
        name => name,
    };
    let line = format!(
        "{sequence}  {at}  {actor} ({kind}, {source})  {action} {outcome}  {subject_kind} {named}  {reason}  {fields}",
        sequence = row["sequence"],
        at = word(&row["at"]),
        actor = word(&actor["name"]),
        kind = word(&actor["kind"]),
        source = word(&actor["source"]),
        action = word(&row["action"]),
        outcome = word(&row["outcome"]),
        subject_kind = word(&subject["kind"]),
        reason = word(&row["reason"]),
        fields = fields.join(" "),
    );
    format!("{}\n", plain(&line).trim_end())
}

fn verify(arguments: &VerifyArguments) -> Result<Answer, Failure> {
    let head = match &arguments.log {
        Some(file) => Some(log::newest_head(file)?),
        None => arguments.head,
    };
    let found = if arguments.gateway.is_local_and_stopped() {
        stopped::Trail::open(&arguments.gateway.data_dir)?.verify(head)?
    } else {
        let head = head.map(|head| {
            let head = head.to_string();
            format!("?head={}", utf8_percent_encode(&head, NON_ALPHANUMERIC))
        });
        let path = format!("audit/verify{}", head.unwrap_or_default());
        arguments.gateway.ask(Method::GET, &path, None)?
    };
    Ok(said(&found, arguments.json))
}

fn said(found: &Value, json: bool) -> Answer {
    let problem = &found["problem"];
    let sentence = problem["sentence"].as_str();
    let text = match sentence {
        _ if json => format!("{found:#}\n"),
        Some(sentence) => format!("the audit trail is damaged: {sentence}\n"),
        None => {
            let (good, head) = (&found["good"], found["head"].as_str().unwrap_or_default());
            format!("{good} rows are as they were written; the newest is {head}\n")
        }
    };
    let exit = match sentence {
        Some(_) => Exit::Refused,
        None => Exit::Done,
    };
    Answer { exit, text }
}

/// The verdict in the form of the interface.
fn verdict(good: i64, head: &str, problem: Option<(i64, &str, &str)>) -> Value {
    let problem = problem
        .map(|(row, damage, sentence)| json!({"row": row, "damage": damage, "sentence": sentence}));
    json!({"good": good, "head": head, "problem": problem})
}
