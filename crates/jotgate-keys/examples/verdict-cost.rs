//! Prints what a verdict costs: remembered, whole, and beside the bare signature check of aws-lc-rs.
//!
//! `cargo run --release -p jotgate-keys --example verdict-cost`. Everything is measured in turns,
//! because the machine may be shared; the best round of each counts.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, ParsedPublicKey};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use jotgate_keys::{KeyRing, Revocations, TokenHash};
use jotgate_model::entity::{AttributeMapItem, AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{Algorithm, Documents, Snapshot, UnixTime, Uuid};
use jotgate_token::SigningKey;
use serde_json::{Value, json};

const TOKENS: usize = 2_000;
const REPEATS: usize = 50_000;
const ROUNDS: usize = 10;
const NOW: UnixTime = UnixTime(1_800_000_000);
const ID: Uuid = Uuid::from_u128(1);

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    let key = SigningKey::from_pem(&pem("PRIVATE KEY", pkcs8.as_ref()))?;
    let bare_key = ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, spki.as_ref())?;
    let ring = KeyRing::new(runtime.handle().clone(), |_| {});
    let config = config(&pem("PUBLIC KEY", spki.as_ref()));

    let tokens = (0..TOKENS)
        .map(|i| token(&key, i))
        .collect::<Result<Vec<_>, _>>()?;
    let signed: Vec<_> = tokens
        .iter()
        .filter_map(|token| token.rsplit_once('.'))
        .filter_map(|(input, end)| Some((input, URL_SAFE_NO_PAD.decode_to_vec(end).ok()?)))
        .collect();
    let mut best = [Duration::MAX; 5];
    for round in 0..ROUNDS {
        ring.set_revocations(Revocations::default());
        note(&mut best[0], || {
            for (input, signature) in &signed {
                black_box(bare_key.verify_sig(black_box(input.as_bytes()), signature)).ok();
            }
        });
        // A new revision of the virtual proxy leaves nothing remembered.
        ring.prepare(&snapshot(&config, round)?);
        note(&mut best[1], || {
            tokens.iter().for_each(|token| verify(&ring, token))
        });
        // More verdicts than the cores' own caches hold, each remembered.
        note(&mut best[2], || {
            tokens.iter().for_each(|token| verify(&ring, token))
        });
        note(&mut best[3], || {
            (0..REPEATS).for_each(|_| verify(&ring, &tokens[0]))
        });
        let mut revocations = Revocations::default();
        (0_usize..1000).for_each(|i| revocations.add_token(TokenHash::of(&i.to_le_bytes())));
        ring.set_revocations(revocations);
        note(&mut best[4], || {
            (0..REPEATS).for_each(|_| verify(&ring, &tokens[0]))
        });
    }
    print(&best, tokens[0].len());
    Ok(())
}

fn note(best: &mut Duration, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    *best = (*best).min(start.elapsed());
}

fn print(best: &[Duration; 5], length: usize) {
    let each = |i: usize, count: usize| best[i].as_secs_f64() * 1e6 / count as f64;
    let (bare, whole) = (each(0, TOKENS), each(1, TOKENS));
    println!("RS256, 2048 bits, tokens of {length} bytes; best of {ROUNDS} rounds, in us each");
    println!("bare signature check            {bare:7.3}");
    println!(
        "verdict, distinct tokens        {whole:7.3}   {:.3} times the bare check",
        whole / bare
    );
    println!(
        "remembered, {TOKENS} tokens in turn {:7.3}",
        each(2, TOKENS)
    );
    println!("remembered, one token           {:7.3}", each(3, REPEATS));
    println!("the same with 1000 revocations  {:7.3}", each(4, REPEATS));
}

/// Polls once: nothing here has to wait.
fn verify(ring: &KeyRing, token: &str) {
    let verdict = pin!(ring.verify(ID, black_box(token.as_bytes()), NOW));
    let verdict = verdict.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(verdict, Poll::Ready(Ok(_))), "the token is good");
}

fn config(public_key: &str) -> VirtualProxyConfig {
    let row = |name: &str| AttributeMapItem {
        jwt_attribute: name.to_owned(),
        sense_attribute: name.to_owned(),
        ..AttributeMapItem::default()
    };
    let mut config = VirtualProxyConfig {
        prefix: "jwt".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_attribute_map: vec![row("email"), row("Group")],
        jwt_public_key_certificate: public_key.to_owned(),
        jwt_issuer: "https://issuer.example.com/".to_owned(),
        jwt_audience: "qlik".to_owned(),
        ..VirtualProxyConfig::default()
    };
    config.metadata.id = ID;
    config
}

fn snapshot(config: &VirtualProxyConfig, round: usize) -> Result<Snapshot, Failure> {
    let mut documents = Documents::default();
    documents
        .virtual_proxies
        .insert(ID, Arc::new(config.clone()));
    let revision = u64::try_from(round)? + 1;
    Ok(Snapshot::build(revision, documents, Uuid::nil(), None)?)
}

fn token(key: &SigningKey, i: usize) -> Result<String, jotgate_token::SignError> {
    let claims = json!({
        "userId": format!("user{i}"), "userDirectory": "example", "email": "boz@example.com",
        "Group": ["sales", "finance", "marketing"], "iss": "https://issuer.example.com/",
        "aud": "qlik", "jti": format!("{i:032x}"), "iat": NOW.0, "nbf": NOW.0, "exp": NOW.0 + 600,
    });
    let Value::Object(claims) = claims else {
        return Err(jotgate_token::SignError::Failed);
    };
    key.sign(Algorithm::RS256, Some("key-1"), &claims)
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode_to_string(der);
    format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n")
}
