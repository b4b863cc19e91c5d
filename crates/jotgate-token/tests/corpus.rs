//! Replays the corpus: inputs that once were hard, or that reach a corner. Nothing may panic, the two
//! forms of the verdict must agree, and what a file's name says must happen.
//!
//! A file whose name begins with `good-` must be accepted, every other one refused. New findings of
//! a fuzzer go into `corpus/` as they are.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use jotgate_model::{Algorithm, ClaimSource, JwtSettings, KeySourceSettings, UnixTime};
use jotgate_token::{KeySet, Verifier, parse_authorization, unverified_parts};

fn corpus(kind: &str) -> Vec<(PathBuf, bool, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(kind);
    let mut files: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let is_good = path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("good-");
            let bytes = std::fs::read(&path).unwrap();
            (path, is_good, bytes)
        })
        .collect();
    files.sort();
    assert!(files.len() >= 4, "{} is nearly empty", dir.display());
    files
}

fn settings() -> JwtSettings {
    JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: None,
        audience: None,
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 60,
        require_expiration: false,
        max_lifetime: None,
        single_use: false,
        user_id: ClaimSource::Claim("iss".into()),
        user_directory: ClaimSource::Constant("corpus".into()),
        mapping: Vec::new(),
        private_claims: Vec::new(),
    }
}

#[test]
fn pem() {
    for (path, is_good, bytes) in corpus("pem") {
        let keys = KeySet::from_pem(&String::from_utf8_lossy(&bytes));
        assert_eq!(keys.is_ok(), is_good, "{}: {keys:?}", path.display());
    }
}

#[test]
fn jwks() {
    for (path, is_good, bytes) in corpus("jwks") {
        let keys = KeySet::from_jwks(&bytes);
        assert_eq!(keys.is_ok(), is_good, "{}: {keys:?}", path.display());
    }
}

#[test]
fn authorization() {
    for (path, is_good, bytes) in corpus("authorization") {
        let fields = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let token = parse_authorization(fields);
        assert_eq!(token.is_ok(), is_good, "{}: {token:?}", path.display());
    }
}

/// The tokens are judged with every key of the good files.
#[test]
fn token() {
    let keys = |kind| corpus(kind).into_iter().filter(|(_, is_good, _)| *is_good);
    let pem = keys("pem").map(|(_, _, text)| KeySet::from_pem(&String::from_utf8(text).unwrap()));
    let jwks = keys("jwks").map(|(_, _, text)| KeySet::from_jwks(&text).unwrap());
    let all = pem
        .map(Result::unwrap)
        .chain(jwks)
        .fold(KeySet::empty(), |a, b| a.union(&b));
    let verifier = Verifier::new(settings(), all);
    // A second before the examples of RFC 7515 run out.
    let now = UnixTime(1_300_819_379);
    for (path, is_good, token) in corpus("token") {
        let result = verifier.verify(&token, now);
        assert_eq!(
            verifier.explain(&token, now).result,
            result,
            "{}",
            path.display()
        );
        assert_eq!(result.is_ok(), is_good, "{}: {result:?}", path.display());
        let kid = verifier.unknown_kid(&token);
        let header = unverified_parts(&token).header;
        assert!(kid.is_none() || header.is_some(), "{}", path.display());
    }
}
