//! `jotgate import`: another site's configuration, read over its QRS.

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::rand;
use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jotgate_api::{IMPORTED, ImportedSite};
use serde_json::{Value, json};

use crate::client::{runtime, tls};
use crate::commands::Answer;
use crate::commands::configuration::as_toml;
use crate::data_directory::atomic;
use crate::exit::{Exit, Failure};

/// How long one list may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest list: ten thousand virtual proxies with a certificate each.
const MAX_LIST: usize = 64 << 20;
/// The user who administers every site of the real system.
const USER: &str = "UserDirectory=INTERNAL; UserId=sa_repository";

/// What `jotgate import` takes.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The site's QRS port, such as https://sense.example.com:4242
    #[arg(value_name = "URL")]
    url: String,
    /// Where to write the configuration, for the owner alone; without it, standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// An administrator's certificate of the site, PEM, such as its exported client.pem
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The root certificate of the site, PEM, such as its exported root.pem; without it, the roots of
    /// this machine
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn import(arguments: &ImportArguments) -> Result<Answer, Failure> {
    let lists = runtime()?.block_on(async {
        let mut lists = Vec::with_capacity(IMPORTED.len());
        for entity in IMPORTED {
            let list = tokio::time::timeout(PATIENCE, read(arguments, entity)).await;
            let seconds = PATIENCE.as_secs();
            lists.push(list.unwrap_or_else(|_| {
                Err(wrong(
                    entity,
                    &format!("does not end within {seconds} seconds"),
                ))
            })?);
        }
        Ok::<_, Failure>(lists)
    })?;
    let lists = lists.try_into().unwrap_or_default();
    let site = jotgate_api::import(lists).map_err(|problem| {
        let sentence = format!("the site cannot be imported: {problem}");
        Failure::new(Exit::Refused, sentence)
    })?;
    give(arguments, site)
}

fn give(arguments: &ImportArguments, site: ImportedSite) -> Result<Answer, Failure> {
    let configuration = Value::Object(site.configuration);
    let report: String = site.notes.iter().map(|note| format!("{note}\n")).collect();
    let comments: String = report.lines().map(|line| format!("# - {line}\n")).collect();
    let toml = format!(
        "# What the site has in another way:\n{comments}\n{}",
        as_toml(&configuration)?
    );
    if let Some(path) = &arguments.file {
        atomic::write_secret(path, toml.as_bytes()).map_err(|error| {
            let path = path.display();
            Failure::new(Exit::Usage, format!("{path} cannot be written ({error})"))
        })?;
    }
    if arguments.json {
        let answer = json!({"configuration": configuration, "notes": site.notes});
        return Ok(Answer::done(format!("{answer:#}\n")));
    }
    Ok(Answer::done(if arguments.file.is_some() {
        report
    } else {
        toml
    }))
}

/// `GET /qrs/{entity}/full`.
async fn read(arguments: &ImportArguments, entity: &str) -> Result<Vec<Value>, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| wrong(entity, &format!("cannot be read ({error})"));
    let connecting = tls::connect(
        &arguments.url,
        Some((&arguments.certificate, &arguments.key)),
        arguments.ca.as_deref(),
    );
    let (stream, host) = connecting.await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(connection);
    let xrfkey = xrfkey()?;
    let request = Request::builder()
        .uri(format!("/qrs/{entity}/full?xrfkey={xrfkey}"))
        .header(HOST, host)
        .header(ACCEPT, "application/json")
        .header("X-Qlik-Xrfkey", xrfkey)
        .header("X-Qlik-User", USER)
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(wrong(entity, &refused(answer.status())));
    }
    let body = Limited::new(answer.into_body(), MAX_LIST).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => wrong(entity, &format!("is longer than {} MiB", MAX_LIST >> 20)),
        None => failed(&error),
    })?;
    let text = body.to_bytes();
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    match serde_json::from_slice(text) {
        Ok(Value::Array(list)) => Ok(list),
        Ok(_) => Err(wrong(entity, "is no list; name the QRS port, usually 4242")),
        Err(_) => Err(wrong(entity, "is no JSON; name the QRS port, usually 4242")),
    }
}

/// 16 letters and digits, the same in the address and in a header.
fn xrfkey() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| {
        let sentence = "the system gives no random bytes";
        Failure::new(Exit::Fault, sentence)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refused(status: StatusCode) -> String {
    let advice = match status.as_u16() {
        300..=399 => "it is elsewhere; name the QRS port, usually 4242",
        401 | 403 => "use an administrator's certificate of the site",
        404 => "name the QRS port, usually 4242",
        _ => "look at the log of the site",
    };
    format!("is answered with {}: {advice}", status.as_u16())
}

fn wrong(entity: &str, problem: &str) -> Failure {
    Failure::new(
        Exit::Fault,
        format!("the list of {entity} of the site {problem}"),
    )
}
