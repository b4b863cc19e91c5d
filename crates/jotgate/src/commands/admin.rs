//! `jotgate admin`: the way back in, for whoever has the machine.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use jotgate_manage::make_set_up_secret;
use jotgate_model::Timestamp;
use serde_json::{Value, json};

use super::Answer;
use crate::audit_trail::open_repository;
use crate::client::GatewayArguments;
use crate::data_directory::DataDirectory;
use crate::exit::{Exit, Failure};
use crate::fleet;

/// What `jotgate admin` does.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Prints a link with which an administrator is made, or gets a new password
    ///
    /// The link works once, for an hour; links that were made before no longer work. A gateway that
    /// is running knows it at once.
    Reset(ResetArguments),
}

/// What `jotgate admin reset` takes.
#[derive(Debug, Args)]
pub(crate) struct ResetArguments {
    /// Where everything that Jotgate keeps is kept
    #[arg(
        long,
        value_name = "DIR",
        env = "JOTGATE_DATA_DIR",
        hide_env_values = true,
        default_value = "./jotgate-data"
    )]
    pub(crate) data_dir: PathBuf,
}

/// Runs `jotgate admin`.
///
/// # Errors
/// The data directory cannot be used.
pub(crate) fn run(command: &AdminCommand, now: Timestamp) -> Result<Answer, Failure> {
    let AdminCommand::Reset(arguments) = command;
    let directory = &arguments.data_dir;
    DataDirectory::finish_interrupted(directory)?;
    if fleet::is_node(directory) {
        return of_running_node(directory);
    }
    let database = directory.join("configuration.db");
    if !database.is_file() {
        return Err(Failure::new(
            Exit::DataDirectory,
            format!(
                "there is no {}; name the data directory of a gateway with --data-dir",
                database.display()
            ),
        ));
    }
    let unusable =
        |error: &dyn std::fmt::Display| Failure::new(Exit::DataDirectory, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
    let secret = runtime.block_on(async {
        // A running gateway has the same file open: SQLite's own locks keep the two apart.
        let repository = open_repository(directory).await?;
        let secret = make_set_up_secret(&repository, &jotgate_api::local_actor(None), now).await;
        repository.close().await;
        secret.map_err(|error| unusable(&error))
    })?;
    let (base, running) = match running_port(directory) {
        Some(port) => (format!("https://localhost:{port}"), ""),
        None => (
            "https://localhost:8443".to_owned(),
            " Start the gateway first, and mind its address.",
        ),
    };
    Ok(Answer::done(format!(
        "{}\n{ADVICE}{running}\n",
        set_up_link(&base, secret.expose())
    )))
}

/// The link of a node whose users are in a database: the gateway makes it.
fn of_running_node(directory: &Path) -> Result<Answer, Failure> {
    let gateway = GatewayArguments::of(directory);
    if gateway.is_local_and_stopped() {
        fleet::refuse_of_node(directory)?;
    }
    let made = gateway.ask(Method::POST, "set-up-link", Some(&json!({})))?;
    let port = running_port(directory).unwrap_or(8443);
    let path = made["path"].as_str().unwrap_or_default();
    let link = format!("https://localhost:{port}{path}");
    Ok(Answer::done(format!("{link}\n{ADVICE}\n")))
}

const ADVICE: &str = "The link works once, for an hour. \
                      Another name of this gateway may stand in place of localhost.";

/// The address of the set-up form.
pub(crate) fn set_up_link(base: &str, secret: &str) -> String {
    format!("{base}/qmc/setup?token={secret}")
}

/// The port of the gateway that runs on that directory.
fn running_port(directory: &Path) -> Option<u16> {
    let text = std::fs::read(directory.join("run").join("listeners.json")).ok()?;
    let listeners: Value = serde_json::from_slice(&text).ok()?;
    let address = listeners["gateway"].get(0)?.as_str()?;
    let address: std::net::SocketAddr = address.parse().ok()?;
    Some(address.port())
}
