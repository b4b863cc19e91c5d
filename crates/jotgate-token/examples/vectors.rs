//! Judges a folder of token vectors and prints every disagreement.
//!
//! `cargo run -p jotgate-token --example vectors -- DIR`: every `*.json` in DIR that is an array of
//! records with `name`, `key` (PEM), `token` or `token_b64` (base64), `expect` ("valid" when the form
//! and the signature are good) and `expect_as_jwt` ("valid" when the payload is a JSON object and the
//! key acceptable too). Files with other records are passed over. Exit code 1 on any disagreement, 2 when nothing was judged.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jotgate_model::{Algorithm, ClaimSource, JwtSettings, KeySourceSettings, UnixTime};
use jotgate_token::{KeySet, Outcome, StepName, Verifier, parse_authorization};
use serde_json::{Map, Value};

/// What a run found.
#[derive(Default)]
struct Tally {
    judged: usize,
    accepted: usize,
    weak_keys: usize,
    disagreements: usize,
}

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("usage: vectors DIR");
        return ExitCode::from(2);
    };
    let files = match json_files(Path::new(&dir)) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("cannot read {}: {error}", Path::new(&dir).display());
            return ExitCode::from(2);
        }
    };
    let mut tally = Tally::default();
    for file in files {
        run_file(&file, &mut tally);
    }
    println!(
        "{} tokens judged, {} accepted as JWT, {} with keys too weak to be configured, {} disagreements",
        tally.judged, tally.accepted, tally.weak_keys, tally.disagreements
    );
    match tally {
        Tally { judged: 0, .. } => ExitCode::from(2),
        Tally {
            disagreements: 0, ..
        } => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn json_files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn run_file(file: &Path, tally: &mut Tally) {
    let records: Vec<Map<String, Value>> = match std::fs::read(file)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
    {
        Ok(records) => records,
        Err(error) => {
            println!("{}: passed over ({error})", file.display());
            return;
        }
    };
    let before = tally.judged;
    for record in &records {
        run_record(record, tally);
    }
    println!("{}: {} tokens", file.display(), tally.judged - before);
}

fn run_record(record: &Map<String, Value>, tally: &mut Tally) {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let token = match (text("token"), text("token_b64")) {
        (Some(token), _) => token.as_bytes().to_vec(),
        (None, Some(encoded)) => match base64_simd::STANDARD.decode_to_vec(encoded) {
            Ok(token) => token,
            Err(_) => return,
        },
        (None, None) => return,
    };
    let (Some(key), Some(expected)) = (text("key"), text("expect")) else {
        return;
    };
    tally.judged += 1;
    let mut disagree = |what: String| {
        tally.disagreements += 1;
        println!("DISAGREES {}: {what}", text("name").unwrap_or("?"));
    };
    let is_valid = |expectation: Option<&str>| expectation == Some("valid");
    let keys = match KeySet::from_pem(key) {
        Ok(keys) => keys,
        Err(error) => {
            // Nothing can be verified with a key that cannot be configured.
            if is_valid(text("expect_as_jwt")) {
                disagree(format!("the key is refused: it {error}"));
            }
            tally.weak_keys += 1;
            return;
        }
    };
    let verifier = Verifier::new(settings(), keys);
    let now = UnixTime(1_000_000_000);
    let verdict = verifier.explain(&token, now);
    let passed = |name| {
        verdict
            .step(name)
            .is_some_and(|s| s.outcome == Outcome::Passed)
    };
    let why = match &verdict.result {
        Ok(_) => "accepted".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    if passed(StepName::Signature) != is_valid(Some(expected)) {
        disagree(format!("the signature is {expected}, we say {why}"));
    }
    let as_jwt = passed(StepName::Signature) && passed(StepName::Payload);
    if as_jwt != is_valid(text("expect_as_jwt")) {
        disagree(format!(
            "as a JWT it is {:?}, we say {why}",
            text("expect_as_jwt")
        ));
    }
    if verifier.verify(&token, now) != verdict.result {
        disagree("verify and explain differ".to_owned());
    }
    let field = [b"Bearer ", token.as_slice()].concat();
    if as_jwt && parse_authorization([field.as_slice()].into_iter()) != Ok(Some(&token)) {
        disagree("the Authorization field with it is refused".to_owned());
    }
    tally.accepted += usize::from(as_jwt);
}

/// The default algorithms, and no demands on the claims.
fn settings() -> JwtSettings {
    JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: None,
        audience: None,
        algorithms: vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
        clock_skew: 0,
        require_expiration: false,
        max_lifetime: None,
        single_use: false,
        user_id: ClaimSource::Constant("vector".into()),
        user_directory: ClaimSource::Constant("vectors".into()),
        mapping: Vec::new(),
        private_claims: Vec::new(),
    }
}
