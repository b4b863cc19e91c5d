//! `jotgate keys`: what the tokens of a virtual proxy are checked with.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use crate::client::{GatewayArguments, segment};
use crate::commands::{Answer, read_file};
use crate::exit::Failure;

/// The longest file with certificates.
const MAX_FILE: u64 = 256 << 10;

/// What `jotgate keys` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Lists them by their fingerprints
    List(ListArguments),
    /// Adds certificates and public keys beside those that are there
    Add(AddArguments),
    /// Removes some; tokens that they signed are refused from then on
    Remove(RemoveArguments),
}

/// What `jotgate keys list` takes.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    of: Of,
}

/// What `jotgate keys add` takes.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    #[command(flatten)]
    of: Of,
    /// Certificates or public keys, PEM
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What `jotgate keys remove` takes.
#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    #[command(flatten)]
    of: Of,
    /// The fingerprints of the keys, as list shows them
    #[arg(value_name = "FINGERPRINT", required = true)]
    fingerprints: Vec<String>,
    /// End the sessions as well that were opened with them
    #[arg(long)]
    end_sessions: bool,
}

/// Whose keys, and where.
#[derive(Debug, Args)]
struct Of {
    /// The prefix or id of the virtual proxy
    #[arg(value_name = "VIRTUAL-PROXY")]
    virtual_proxy: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

impl Of {
    fn ask(&self, method: Method, body: Option<&Value>) -> Result<Answer, Failure> {
        let path = format!("virtualproxies/{}/keys", segment(&self.virtual_proxy));
        let answer = self.gateway.ask(method, &path, body)?;
        Ok(Answer::done(if self.json {
            format!("{answer:#}\n")
        } else {
            lines(&answer)
        }))
    }
}

pub(crate) fn run(command: &KeysCommand) -> Result<Answer, Failure> {
    match command {
        KeysCommand::List(arguments) => arguments.of.ask(Method::GET, None),
        KeysCommand::Add(arguments) => {
            let pem = read_file("the argument FILE", &arguments.file, MAX_FILE)?;
            let body = json!({"add": pem.as_str()});
            arguments.of.ask(Method::POST, Some(&body))
        }
        KeysCommand::Remove(arguments) => {
            let body = json!({
                "remove": arguments.fingerprints, "endSessions": arguments.end_sessions,
            });
            arguments.of.ask(Method::POST, Some(&body))
        }
    }
}

/// A line for each key.
fn lines(answer: &Value) -> String {
    let mut text = String::new();
    for key in answer["keys"].as_array().into_iter().flatten() {
        let word = |member: &str| key[member].as_str().unwrap_or_default();
        let line = format!(
            "{}  {} bits  {}  {}",
            word("fingerprint"),
            key["bits"],
            word("certificateExpires"),
            word("subject")
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if let Some(ended) = answer["endedSessions"].as_u64().filter(|ended| *ended > 0) {
        text.push_str(&format!("sessions ended: {ended}\n"));
    }
    text
}
