//! `jotgate token check`.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use jotgate_model::{
    Algorithm, AttributeMapping, ClaimSource, Identity, JwtSettings, KeySourceSettings, UnixTime,
};
use jotgate_token::{KeySet, Outcome, Step, Verdict, Verifier, pasted};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::sign::algorithm;
use crate::commands::{Answer, read_file};
use crate::exit::{Exit, Failure};
use crate::settings::duration;

/// More than a token or a key set may have, so that the verdict is theirs.
const MAX_INPUT: u64 = 1 << 20;
/// The largest tolerance that a virtual proxy can have.
const MAX_SKEW: Duration = Duration::from_secs(3600);

/// What `jotgate token check` takes.
#[derive(Args)]
#[command(group = ArgGroup::new("keys").required(true).args(["certificate", "jwks"]))]
pub(crate) struct CheckArguments {
    /// The token, or - to read it from standard input, where no process list shows it
    #[arg(value_name = "TOKEN|-")]
    token: String,
    /// The certificate or public key, PEM
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A key set (JWKS)
    #[arg(long, value_name = "FILE")]
    jwks: Option<String>,
    /// The claim that names the user, or a constant in brackets
    #[arg(long, value_name = "CLAIM", default_value = "userId")]
    user_id_attribute: String,
    /// The claim that names the user directory, or a constant in brackets
    #[arg(long, value_name = "CLAIM", default_value = "userDirectory")]
    user_directory_attribute: String,
    /// A claim that becomes an attribute; repeatable
    #[arg(long = "attribute", value_name = "CLAIM=NAME", value_parser = mapping)]
    attributes: Vec<AttributeMapping>,
    /// The audience that is expected
    #[arg(long, value_name = "A")]
    audience: Option<String>,
    /// The issuer that is expected
    #[arg(long, value_name = "I")]
    issuer: Option<String>,
    /// An algorithm that is allowed; repeatable [default: RS256, RS384, RS512]
    #[arg(long = "algorithm", value_name = "NAME", value_parser = algorithm)]
    algorithms: Vec<Algorithm>,
    /// By how much clocks may differ, at most 1h
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = skew)]
    clock_skew: Duration,
    /// Refuse a token without exp
    #[arg(long)]
    require_expiration: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Leaves the token out.
impl std::fmt::Debug for CheckArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckArguments").finish_non_exhaustive()
    }
}

pub(super) fn run(arguments: &CheckArguments, now: UnixTime) -> Result<Answer, Failure> {
    let keys = keys(arguments)?;
    let token = token(&arguments.token)?;
    let verdict = Verifier::new(settings(arguments), keys).explain(token.as_bytes(), now);
    let text = if arguments.json {
        format!("{:#}\n", as_json(&verdict))
    } else {
        as_text(&verdict)
    };
    let exit = if verdict.is_accepted() {
        Exit::Done
    } else {
        Exit::Refused
    };
    Ok(Answer { exit, text })
}

fn keys(arguments: &CheckArguments) -> Result<KeySet, Failure> {
    let wrong = |sentence: String| Failure::new(Exit::Usage, sentence);
    if let Some(path) = &arguments.certificate {
        let pem = read_file("--certificate", path, MAX_INPUT)?;
        let name = path.display();
        let keys = KeySet::from_pem(&pem)
            .map_err(|error| wrong(format!("--certificate names {name}, which {error}")))?;
        return if keys.is_empty() {
            Err(wrong(format!(
                "--certificate names {name}, which is empty; name a certificate in PEM"
            )))
        } else {
            Ok(keys)
        };
    }
    let name = arguments.jwks.as_deref().unwrap_or_default();
    if name.contains("://") {
        return fetch(name);
    }
    let document = read_file("--jwks", name.as_ref(), MAX_INPUT)?;
    KeySet::from_jwks(document.as_bytes())
        .map_err(|error| wrong(format!("--jwks names {name}: {error}")))
}

/// The key set at an address, fetched as the gateway would.
fn fetch(address: &str) -> Result<KeySet, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(Exit::Fault, format!("no connection can be made ({error})"))
        })?;
    runtime
        .block_on(jotgate_keys::fetch_key_set(address))
        .map_err(|problem| {
            Failure::new(
                Exit::Usage,
                format!("--jwks names {address}, which {problem}"),
            )
        })
}

/// The token itself: without what surrounds it where people copy it from.
fn token(argument: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(argument.to_owned());
    if argument == "-" {
        text.clear();
        io::stdin()
            .take(MAX_INPUT)
            .read_to_string(&mut text)
            .map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!("standard input holds no token ({error}); write the token to it"),
                )
            })?;
    }
    Ok(Zeroizing::new(pasted(&text).token))
}

fn settings(arguments: &CheckArguments) -> JwtSettings {
    let rs = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];
    JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: arguments.issuer.as_deref().map(Into::into),
        audience: arguments.audience.as_deref().map(Into::into),
        algorithms: if arguments.algorithms.is_empty() {
            rs.to_vec()
        } else {
            arguments.algorithms.clone()
        },
        clock_skew: u32::try_from(arguments.clock_skew.as_secs()).unwrap_or(u32::MAX),
        require_expiration: arguments.require_expiration,
        max_lifetime: None,
        single_use: false,
        user_id: claim_source(&arguments.user_id_attribute),
        user_directory: claim_source(&arguments.user_directory_attribute),
        mapping: arguments.attributes.clone(),
        private_claims: Vec::new(),
    }
}

/// A claim's name, or a constant in brackets, as virtual proxies have them.
fn claim_source(text: &str) -> ClaimSource {
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(constant) if !constant.is_empty() => ClaimSource::Constant(constant.into()),
        _ => ClaimSource::Claim(text.into()),
    }
}

/// The last equals sign separates: names of claims may be addresses.
fn mapping(text: &str) -> Result<AttributeMapping, String> {
    match text.rsplit_once('=') {
        Some((claim, name)) if !claim.is_empty() && !name.is_empty() => Ok(AttributeMapping {
            source: claim_source(claim),
            attribute: name.into(),
            mandatory: false,
        }),
        _ => Err("write claim and name, for instance email=email".to_owned()),
    }
}

fn skew(text: &str) -> Result<Duration, String> {
    duration(text, Duration::ZERO, MAX_SKEW)
}

pub(super) fn as_text(verdict: &Verdict) -> String {
    let mut text = String::new();
    for step in &verdict.steps {
        push(
            &mut text,
            format_args!("{:<10}  {:<12}", step.name.id(), words(step.outcome)),
        );
        match step.outcome {
            Outcome::NotReached => {}
            Outcome::Failed | Outcome::AlsoFailed => {
                push(&mut text, format_args!("{}", step.found));
                push(
                    &mut text,
                    format_args!("\n{:26}expected: {}", "", step.expected),
                );
                if let Some(remedy) = step.remedy {
                    push(&mut text, format_args!("\n{:26}{remedy}", ""));
                }
            }
            Outcome::Passed | Outcome::Unproven => push(&mut text, format_args!("{}", step.found)),
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    match &verdict.result {
        Ok(verified) => {
            let user = &verified.identity.user;
            push(&mut text, format_args!("\naccepted: {user}\n"));
            for (name, value) in &verified.identity.attributes {
                push(&mut text, format_args!("    {name}: {value:?}\n"));
            }
        }
        Err(refusal) => push(&mut text, format_args!("\nrefused: {refusal}\n")),
    }
    text
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(more).unwrap_or_default();
}

const fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "good",
        Outcome::Failed => "REFUSED",
        Outcome::AlsoFailed => "also bad",
        Outcome::Unproven => "unproven",
        Outcome::NotReached => "not reached",
    }
}

fn as_json(verdict: &Verdict) -> Value {
    let steps: Vec<Value> = verdict.steps.iter().map(step_as_json).collect();
    match &verdict.result {
        Ok(verified) => json!({
            "accepted": true,
            "identity": identity_as_json(&verified.identity),
            "steps": steps,
        }),
        Err(refusal) => json!({
            "accepted": false,
            "reason": refusal.reason.id(),
            "detail": refusal.detail(),
            "remedy": refusal.reason.remedy(),
            "steps": steps,
        }),
    }
}

fn step_as_json(step: &Step) -> Value {
    json!({
        "step": step.name.id(),
        "outcome": step.outcome.id(),
        "found": step.found,
        "expected": step.expected,
        "reason": step.reason.map(jotgate_model::Reason::id),
        "remedy": step.remedy,
    })
}

fn identity_as_json(identity: &Identity) -> Value {
    let attributes: Vec<Value> = identity
        .attributes
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "userId": identity.user.id,
        "userDirectory": identity.user.directory,
        "attributes": attributes,
    })
}
