//! Tokens made byte by byte with the first key, or with no key at all.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use jotgate_scenarios::{Algorithm, Keys};
use serde_json::{Value, json};

/// What nearly every token's header is.
pub(crate) const HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

/// The claims of a user, without the braces.
pub(crate) const USER: &str = r#""userId":"boz","userDirectory":"example""#;

/// The claims of a user.
pub(crate) fn claims() -> String {
    format!("{{{USER}}}")
}

/// Base64url without padding.
pub(crate) fn segment(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// A token of the first key with that header; its payload is a good one.
pub(crate) fn with_header(header: impl AsRef<[u8]>) -> String {
    Keys::first().sign(Algorithm::RS256, header.as_ref(), claims().as_bytes())
}

/// A token of the first key with that payload; its header is a good one.
pub(crate) fn with_payload(payload: impl AsRef<[u8]>) -> String {
    Keys::first().sign(Algorithm::RS256, HEADER.as_bytes(), payload.as_ref())
}

/// `text`, whatever it is, with the first key's signature of it.
pub(crate) fn sign_text(text: &str) -> String {
    let key = first();
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .expect("a signature");
    format!("{text}.{}", segment(signature))
}

/// A token whose signature is an HMAC.
pub(crate) fn hmac_token(algorithm: &str, secret: &[u8]) -> String {
    let hash = match algorithm {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
    let text = format!("{}.{}", segment(header), segment(claims()));
    let tag = hmac::sign(&hmac::Key::new(hash, secret), text.as_bytes());
    format!("{text}.{}", segment(tag))
}

/// The bytes in a PEM text.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD
        .decode_to_vec(lines.collect::<String>())
        .expect("PEM")
}

/// The public key as RFC 7517 has it.
pub(crate) fn jwk(keys: &Keys) -> Value {
    let pair = read(keys);
    let public = pair.public_key();
    json!({
        "kty": "RSA",
        "n": segment(public.modulus().big_endian_without_leading_zero()),
        "e": segment(public.exponent().big_endian_without_leading_zero()),
    })
}

fn first() -> &'static RsaKeyPair {
    static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
    PAIR.get_or_init(|| read(Keys::first()))
}

fn read(keys: &Keys) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&der(&keys.private_key())).expect("a key")
}
