//! `jotgate export`, `diff` and `apply`: the whole configuration as one file.

mod secrets;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use http::Method;
use jotgate_manage::file;
use jotgate_repository::Repository;
use serde_json::{Map, Value, json};

use crate::client::GatewayArguments;
use crate::commands::difference;
use crate::commands::{Answer, read_file};
use crate::data_directory::{DataDirectory, atomic};
use crate::exit::{Exit, Failure};
use crate::fleet::refuse_of_node;

/// The longest file.
const MAX_FILE: u64 = 48 << 20;
/// The longest file with a token.
const MAX_TOKEN_FILE: u64 = 64 << 10;

/// What `jotgate export` takes.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Where to write it, for the owner alone; without it, standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON instead of TOML
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate diff` takes.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// End with 1 when something differs
    #[arg(long)]
    exit_code: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate apply` takes.
#[derive(Debug, Args)]
pub(crate) struct ApplyArguments {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only check, and say what would change
    #[arg(long)]
    dry_run: bool,
    /// One line for the list of revisions
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// The revision that the file was made from: what others have changed since stays, and nothing
    /// is changed when they have changed the same
    #[arg(long, value_name = "REVISION")]
    base: Option<u64>,
    /// End the sessions that were opened with a key that is removed
    #[arg(long)]
    end_sessions: bool,
    /// A path of the gateway, such as /portal/hub/, to ask for when the change is served: it is
    /// rolled back when the answer is not the expected one
    #[arg(long, value_name = "PATH", conflicts_with = "dry_run")]
    probe: Option<String>,
    /// A file that holds a token for --probe, and nothing else
    #[arg(long, value_name = "FILE", requires = "probe")]
    probe_token_file: Option<PathBuf>,
    /// The status that --probe must be answered with
    #[arg(long, value_name = "STATUS", requires = "probe", default_value_t = 200)]
    expect: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

pub(crate) fn export(arguments: &ExportArguments) -> Result<Answer, Failure> {
    let configuration = if arguments.gateway.is_local_and_stopped() {
        stored(&arguments.gateway.data_dir)?
    } else {
        let mut answer = arguments.gateway.ask(Method::GET, "configuration", None)?;
        answer["configuration"].take()
    };
    let text = if arguments.json {
        format!("{configuration:#}\n")
    } else {
        as_toml(&configuration)?
    };
    let Some(path) = &arguments.file else {
        return Ok(Answer::done(text));
    };
    atomic::write_secret(path, text.as_bytes()).map_err(|error| {
        let path = path.display();
        Failure::new(Exit::Usage, format!("{path} cannot be written ({error})"))
    })?;
    Ok(Answer::done(""))
}

pub(crate) fn diff(arguments: &DiffArguments) -> Result<Answer, Failure> {
    let request = json!({"configuration": read(&arguments.file)?});
    let path = "configuration/preview";
    let found = arguments.gateway.ask(Method::POST, path, Some(&request))?;
    let mut answer = Answer::done(tried(&found, arguments.json));
    if arguments.exit_code && !difference::is_empty(&found) {
        answer.exit = Exit::Refused;
    }
    Ok(answer)
}

pub(crate) fn apply(arguments: &ApplyArguments) -> Result<Answer, Failure> {
    let mut request = json!({
        "configuration": read(&arguments.file)?,
        "endSessions": arguments.end_sessions,
    });
    if let Some(base) = arguments.base {
        request["base"] = json!(base);
    }
    let ask = |path, request| arguments.gateway.ask(Method::POST, path, Some(request));
    if arguments.dry_run {
        let found = ask("configuration/preview", &request)?;
        return Ok(Answer::done(tried(&found, arguments.json)));
    }
    request["note"] = json!(arguments.note);
    if let Some(path) = &arguments.probe {
        request["probe"] = json!({"path": path, "expect": arguments.expect});
        if let Some(file) = &arguments.probe_token_file {
            let token = read_file("--probe-token-file", file, MAX_TOKEN_FILE)?;
            request["probe"]["token"] = json!(token.trim());
        }
    }
    let found = ask("configuration/apply", &request)?;
    let mut text = difference::text(&found, arguments.json);
    if !arguments.json && !difference::is_empty(&found) {
        text.push_str(&format!("revision {}\n", found["after"]));
        if arguments.end_sessions {
            text.push_str(&format!("sessions ended: {}\n", found["endedSessions"]));
        }
    }
    Ok(Answer::done(text))
}

/// What would change, and who would notice.
fn tried(found: &Value, json: bool) -> String {
    let mut text = difference::text(found, json);
    if !json {
        text.push_str(&difference::sessions(found));
        text.push_str(&difference::keys(found));
        text.push_str(&difference::backends(found));
    }
    text
}

/// A configuration as the text of a file.
pub(super) fn as_toml(configuration: &Value) -> Result<String, Failure> {
    file::to_toml(configuration).map_err(|sentence| Failure::new(Exit::Fault, sentence))
}

/// The configuration in a file, its secrets filled in.
fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let (text, name) = if path == Path::new("-") {
        (from_standard_input()?, "standard input".to_owned())
    } else {
        let text = read_file("the argument FILE", path, MAX_FILE)?;
        (text.to_string(), path.display().to_string())
    };
    let mut configuration = file::from_toml(&text)
        .map_err(|problem| Failure::new(Exit::Refused, format!("{name} {problem}")))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    secrets::fill_in(&mut configuration, folder, &name)?;
    Ok(configuration)
}

fn from_standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin()
        .lock()
        .take(MAX_FILE + 1)
        .read_to_string(&mut text);
    match read {
        Ok(_) if text.len() as u64 > MAX_FILE => {
            let most = MAX_FILE >> 20;
            let sentence = format!("standard input is longer than {most} MiB");
            Err(Failure::new(Exit::Usage, sentence))
        }
        Ok(_) => Ok(text),
        Err(error) => {
            let sentence = format!("standard input cannot be read ({error})");
            Err(Failure::new(Exit::Usage, sentence))
        }
    }
}

/// What a gateway that does not run would serve.
fn stored(data_dir: &Path) -> Result<Value, Failure> {
    DataDirectory::finish_interrupted(data_dir)?;
    refuse_of_node(data_dir)?;
    let database = data_dir.join("configuration.db");
    if !database.is_file() {
        let sentence = format!(
            "the data directory {} holds no configuration; name another with --data-dir or --server",
            data_dir.display()
        );
        return Err(Failure::new(Exit::DataDirectory, sentence));
    }
    let _lock = DataDirectory::open(data_dir)?;
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(Exit::DataDirectory, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let repository = Repository::open_sqlite(&database)
            .await
            .map_err(|error| failed(&error))?;
        let stored = repository.load().await.map_err(|error| failed(&error))?;
        repository.close().await;
        Ok(Value::Object(file::export(&stored.documents)))
    })
}
