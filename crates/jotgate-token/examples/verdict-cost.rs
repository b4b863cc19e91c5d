//! Prints what a whole verdict costs beside the bare signature check of aws-lc-rs.
//!
//! `cargo run --release -p jotgate-token --example verdict-cost`. Every token is distinct, so no
//! cache of any kind helps. The two are measured in turns, because the machine may be shared.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, ParsedPublicKey};
use base64_simd::URL_SAFE_NO_PAD;
use jotgate_model::{
    Algorithm, AttributeMapping, ClaimSource, JwtSettings, KeySourceSettings, UnixTime,
};
use jotgate_token::{KeySet, SigningKey, Verifier};
use serde_json::{Value, json};

const TOKENS: usize = 2_000;
const ROUNDS: usize = 20;
const NOW: UnixTime = UnixTime(1_800_000_000);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    let key = SigningKey::from_pem(&pem("PRIVATE KEY", pkcs8.as_ref()))?;
    let keys = KeySet::from_pem(&pem("PUBLIC KEY", spki.as_ref()))?;
    let verifier = Verifier::new(settings(), keys);
    let bare_key = ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, spki.as_ref())?;

    let tokens = (0..TOKENS)
        .map(|i| token(&key, i))
        .collect::<Result<Vec<_>, _>>()?;
    let signed: Vec<_> = tokens
        .iter()
        .filter_map(|token| token.rsplit_once('.'))
        .filter_map(|(input, signature)| {
            Some((input, URL_SAFE_NO_PAD.decode_to_vec(signature).ok()?))
        })
        .collect();

    let (mut bare, mut whole) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for (input, signature) in &signed {
            black_box(bare_key.verify_sig(black_box(input.as_bytes()), signature)).ok();
        }
        bare = bare.min(start.elapsed());
        let start = Instant::now();
        for token in &tokens {
            black_box(verifier.verify(black_box(token.as_bytes()), NOW)).map(drop)?;
        }
        whole = whole.min(start.elapsed());
    }
    let each = |total: Duration| total.as_secs_f64() * 1e6 / TOKENS as f64;
    println!(
        "RS256, 2048 bits, tokens of {} bytes; best of {ROUNDS} rounds",
        tokens[0].len()
    );
    println!("bare signature check  {:6.2} us", each(bare));
    println!("whole verdict         {:6.2} us", each(whole));
    println!("ratio                 {:6.3}", each(whole) / each(bare));
    Ok(())
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

fn settings() -> JwtSettings {
    let row = |name: &str| AttributeMapping {
        source: ClaimSource::Claim(name.into()),
        attribute: name.into(),
        mandatory: true,
    };
    JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: Some("https://issuer.example.com/".into()),
        audience: Some("qlik".into()),
        algorithms: vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
        clock_skew: 60,
        require_expiration: true,
        max_lifetime: Some(3600),
        single_use: false,
        user_id: ClaimSource::Claim("userId".into()),
        user_directory: ClaimSource::Claim("userDirectory".into()),
        mapping: vec![row("email"), row("Group")],
        private_claims: Vec::new(),
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = base64_simd::STANDARD.encode_to_string(der);
    format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n")
}
