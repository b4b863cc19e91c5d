//! `jotgate api-keys`: what programs prove themselves with.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use crate::client::{GatewayArguments, segment};
use crate::commands::Answer;
use crate::exit::Failure;

/// What `jotgate api-keys` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeysCommand {
    /// Lists them, without their secrets
    List(ListArguments),
    /// Makes one and prints it, this once
    Create(CreateArguments),
    /// Deletes one, which opens nothing from then on
    Delete(DeleteArguments),
}

/// What `jotgate api-keys list` takes.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate api-keys create` takes.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What people call it
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do: configuration.read, keys.rotate, sessions.read or sessions.end (repeatable)
    #[arg(long, value_name = "ACTION", required = true)]
    action: Vec<String>,
    /// The prefix or id of a virtual proxy at which it may (repeatable)
    #[arg(long, value_name = "VIRTUAL-PROXY", required = true)]
    virtual_proxy: Vec<String>,
    /// How many days it works, at most 3650
    #[arg(long, value_name = "N", default_value_t = 90)]
    days: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate api-keys delete` takes.
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// Its id, as list shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    gateway: GatewayArguments,
}

pub(crate) fn run(command: &ApiKeysCommand) -> Result<Answer, Failure> {
    match command {
        ApiKeysCommand::List(arguments) => list(arguments),
        ApiKeysCommand::Create(arguments) => create(arguments),
        ApiKeysCommand::Delete(arguments) => {
            let path = format!("api-keys/{}", segment(&arguments.id));
            arguments.gateway.ask(Method::DELETE, &path, None)?;
            Ok(Answer::done(""))
        }
    }
}

fn create(arguments: &CreateArguments) -> Result<Answer, Failure> {
    let body = json!({
        "name": arguments.name,
        "actions": arguments.action,
        "virtualProxies": arguments.virtual_proxy,
        "days": arguments.days,
    });
    let made = arguments
        .gateway
        .ask(Method::POST, "api-keys", Some(&body))?;
    Ok(Answer::done(if arguments.json {
        format!("{made:#}\n")
    } else {
        format!("{}\n", made["key"].as_str().unwrap_or_default())
    }))
}

fn list(arguments: &ListArguments) -> Result<Answer, Failure> {
    let found = arguments.gateway.ask(Method::GET, "api-keys", None)?;
    if arguments.json {
        return Ok(Answer::done(format!("{found:#}\n")));
    }
    let mut text = String::new();
    for key in found["apiKeys"].as_array().into_iter().flatten() {
        let word = |member: &str| key[member].as_str();
        let actions = key["actions"].as_array().into_iter().flatten();
        let actions: Vec<&str> = actions.filter_map(Value::as_str).collect();
        text.push_str(&format!(
            "{}  {}  until {}  last used {}  {}\n",
            word("id").unwrap_or_default(),
            actions.join(","),
            word("expires").unwrap_or_default(),
            word("lastUsed").unwrap_or("never"),
            word("name").unwrap_or_default(),
        ));
    }
    Ok(Answer::done(text))
}
