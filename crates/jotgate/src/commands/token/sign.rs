//! `jotgate token sign`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jotgate_model::{Algorithm, UnixTime};
use jotgate_token::{KeyFamily, SignError, SigningKey};
use serde_json::{Map, Value};

use crate::commands::{Answer, read_file};
use crate::exit::{Exit, Failure};
use crate::settings::duration;

/// The longest file with a private key.
const MAX_KEY_FILE: u64 = 64 << 10;
/// Ten years.
const LONGEST: Duration = Duration::from_secs(3600 * 24 * 3650);

/// What `jotgate token sign` takes.
#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A claim; the value is JSON if it can be read as JSON, else text
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// The algorithm [default: the usual one for the key, RS256 for RSA]
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    alg: Option<Algorithm>,
    /// How long the token is valid, or never for a token that never expires [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires_in: Option<Lifetime>,
    /// The key id in the header
    #[arg(long, value_name = "K")]
    kid: Option<String>,
    /// The claim iss
    #[arg(long, value_name = "I")]
    issuer: Option<String>,
    /// The claim aud
    #[arg(long, value_name = "A")]
    audience: Option<String>,
}

/// How long a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    /// For so long from now.
    For(Duration),
    /// Without end.
    Never,
}

pub(super) fn run(arguments: &SignArguments, now: UnixTime) -> Result<Answer, Failure> {
    let claims = claims(arguments, now)?;
    let pem = read_file("--key", &arguments.key, MAX_KEY_FILE)?;
    let failed = |error: SignError| {
        let path = arguments.key.display();
        Failure::new(Exit::Usage, format!("--key names {path}: {error}"))
    };
    let key = SigningKey::from_pem(&pem).map_err(failed)?;
    let algorithm = arguments.alg.unwrap_or(match key.family() {
        KeyFamily::Rsa => Algorithm::RS256,
        KeyFamily::P256 => Algorithm::ES256,
        KeyFamily::P384 => Algorithm::ES384,
        KeyFamily::Ed25519 => Algorithm::EdDSA,
    });
    let token = key
        .sign(algorithm, arguments.kid.as_deref(), &claims)
        .map_err(failed)?;
    Ok(Answer::done(format!("{token}\n")))
}

/// The claims in the order of the command line, then the dates.
fn claims(arguments: &SignArguments, now: UnixTime) -> Result<Map<String, Value>, Failure> {
    let mut claims = Map::new();
    for text in &arguments.claims {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(wrong(format!(
                "--claim {text:?} has no name and value; write for instance --claim userId=me"
            )));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        add(&mut claims, name, value, "--claim")?;
    }
    if let Some(issuer) = &arguments.issuer {
        add(&mut claims, "iss", issuer.as_str().into(), "--issuer")?;
    }
    if let Some(audience) = &arguments.audience {
        add(&mut claims, "aud", audience.as_str().into(), "--audience")?;
    }
    if !claims.contains_key("iat") {
        claims.insert("iat".to_owned(), now.0.into());
    }
    // A claim exp of one's own takes the place of the default, but contradicts what was asked for.
    let default = (!claims.contains_key("exp")).then_some(Lifetime::For(Duration::from_secs(3600)));
    if let Some(Lifetime::For(lifetime)) = arguments.expires_in.or(default) {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        add(
            &mut claims,
            "exp",
            now.plus(seconds).0.into(),
            "--expires-in",
        )?;
    }
    Ok(claims)
}

fn add(
    claims: &mut Map<String, Value>,
    name: &str,
    value: Value,
    flag: &str,
) -> Result<(), Failure> {
    match claims.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(wrong(format!(
            "{flag} gives the claim {name:?} a second time; give it once, as an array if it has several values"
        ))),
    }
}

fn wrong(sentence: String) -> Failure {
    Failure::new(Exit::Usage, sentence)
}

/// An algorithm by its name.
pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(text).ok_or_else(|| {
        format!(
            "choose from {}",
            Algorithm::ALL.map(Algorithm::name).join(", ")
        )
    })
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    match text {
        "never" => Ok(Lifetime::Never),
        _ => duration(text, Duration::from_secs(1), LONGEST).map(Lifetime::For),
    }
}
