//! An issuer: keys of every kind, their JWK form (RFC 7517), and tokens signed with them.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use jotgate_scenarios::now;
use serde_json::{Value, json};

/// A key pair with the id that it is published under.
pub(crate) struct Issuer {
    key: Key,
    kid: &'static str,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Issuer {
    /// One of some RSA keys that are made once; those with other numbers are other keys.
    pub(crate) fn rsa(number: usize) -> &'static Self {
        static KEYS: [OnceLock<Issuer>; 6] = [const { OnceLock::new() }; 6];
        let kids = ["rsa-0", "rsa-1", "rsa-2", "rsa-3", "rsa-4", "rsa-5"];
        KEYS[number].get_or_init(|| Self {
            key: Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            kid: kids[number],
        })
    }

    pub(crate) fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self {
            key: Key::P256(pair),
            kid: "p-256",
        }
    }

    pub(crate) fn p384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        Self {
            key: Key::P384(pair),
            kid: "p-384",
        }
    }

    pub(crate) fn ed25519() -> Self {
        Self {
            key: Key::Ed25519(Ed25519KeyPair::generate().expect("a key")),
            kid: "ed25519",
        }
    }

    /// The public key as PEM.
    pub(crate) fn public_key(&self) -> String {
        let der: PublicKeyX509Der<'_> = match &self.key {
            Key::Rsa(pair) => pair.public_key().as_der(),
            Key::P256(pair) | Key::P384(pair) => pair.public_key().as_der(),
            Key::Ed25519(pair) => pair.public_key().as_der(),
        }
        .expect("a public key");
        let text = STANDARD.encode_to_string(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    /// The public key as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Rsa(pair) => json!({
                "kty": "RSA",
                "n": base64(pair.public_key().modulus().big_endian_without_leading_zero()),
                "e": base64(pair.public_key().exponent().big_endian_without_leading_zero()),
            }),
            Key::P256(pair) => elliptic("P-256", pair.public_key().as_ref()),
            Key::P384(pair) => elliptic("P-384", pair.public_key().as_ref()),
            Key::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) })
            }
        };
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(self.kid);
        jwk
    }

    /// A token of user `boz`, issued now and good for an hour, that names the key.
    pub(crate) fn token(&self) -> String {
        self.token_with(json!({}))
    }

    /// The same with more claims, or others; null takes one out.
    pub(crate) fn token_with(&self, more: Value) -> String {
        self.sign(self.algorithms()[0], Some(self.kid), more)
    }

    /// A token that names `kid`, or no key.
    pub(crate) fn sign(&self, algorithm: &str, kid: Option<&str>, more: Value) -> String {
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let at = now();
        let mut claims =
            json!({ "userId": "boz", "userDirectory": "example", "iat": at, "exp": at + 3600 });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
            claims.retain(|_, value| !value.is_null());
        }
        let text = format!(
            "{}.{}",
            base64(header.to_string()),
            base64(claims.to_string())
        );
        let signature = self.signature(algorithm, text.as_bytes());
        format!("{text}.{}", base64(signature))
    }

    /// What a key of this kind can sign with.
    pub(crate) const fn algorithms(&self) -> &'static [&'static str] {
        match &self.key {
            Key::Rsa(_) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            Key::P256(_) => &["ES256"],
            Key::P384(_) => &["ES384"],
            Key::Ed25519(_) => &["EdDSA"],
        }
    }

    fn signature(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let pair = match &self.key {
            Key::Rsa(pair) => pair,
            Key::P256(pair) | Key::P384(pair) => {
                return pair
                    .sign(&random, text)
                    .expect("a signature")
                    .as_ref()
                    .to_vec();
            }
            Key::Ed25519(pair) => return pair.sign(text).as_ref().to_vec(),
        };
        let padding: &dyn RsaEncoding = match algorithm {
            "RS256" => &signature::RSA_PKCS1_SHA256,
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            other => panic!("{other} is no algorithm of RSA"),
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &random, text, &mut signature)
            .expect("a signature");
        signature
    }
}

/// The published set of these keys.
pub(crate) fn key_set<'i>(issuers: impl IntoIterator<Item = &'i Issuer>) -> String {
    let keys: Vec<Value> = issuers.into_iter().map(Issuer::jwk).collect();
    json!({ "keys": keys }).to_string()
}

/// RFC 7518 section 6.2.1; the point is not compressed.
fn elliptic(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": base64(x), "y": base64(y) })
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}
