//! `jotgate check`: a running virtual proxy, tried from outside like a browser and a portal would.

mod findings;
mod http1;
mod site;
mod steps;

use std::path::PathBuf;

use clap::Args;
use jotgate_model::UnixTime;
use jotgate_token::pasted;
use zeroize::Zeroizing;

use crate::client::runtime;

use crate::commands::{Answer, read_file};
use crate::exit::{Exit, Failure};
use findings::Findings;
use site::Site;

/// More than any server takes.
const MAX_TOKEN: u64 = 1 << 20;

/// What `jotgate check` takes.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The virtual proxy, such as https://gateway.example.com/jwt
    #[arg(value_name = "URL")]
    url: String,
    /// A file with a token for it; without one, signing in is not tried
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificate or public key that should verify the token, PEM
    #[arg(long, value_name = "FILE", requires = "token_file")]
    token_certificate: Option<PathBuf>,
    /// The root certificate of the server, PEM; without it, the roots of this machine
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The page that opens WebSockets, such as https://portal.example.com; without it, a page of the
    /// server itself
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Where the backend takes WebSockets, below the prefix
    #[arg(long, value_name = "PATH", default_value = "app/engineData")]
    socket_path: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &CheckArguments, now: UnixTime) -> Result<Answer, Failure> {
    let site = Site::parse(&arguments.url, arguments.ca.as_deref())?;
    let token = match &arguments.token_file {
        Some(path) => {
            let text = read_file("--token-file", path, MAX_TOKEN)?;
            Some(Zeroizing::new(pasted(&text).token))
        }
        None => None,
    };
    let key = match &arguments.token_certificate {
        Some(path) => Some(read_file("--token-certificate", path, MAX_TOKEN)?),
        None => None,
    };
    let wanted = steps::Wanted {
        token: token.as_deref().map(String::as_str),
        key: key.as_deref().map(String::as_str),
        origin: arguments.origin.as_deref(),
        socket_path: &arguments.socket_path,
        now,
    };
    let mut findings = Findings::without(wanted.token);
    runtime()?.block_on(steps::all(&site, &wanted, &mut findings));
    Ok(Answer {
        exit: if findings.is_good() {
            Exit::Done
        } else {
            Exit::Refused
        },
        text: if arguments.json {
            findings.json()
        } else {
            findings.text()
        },
    })
}
