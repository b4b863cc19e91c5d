//! Keys, policies and tokens for the tests of this crate.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use jotgate_model::{
    Algorithm, AttributeMapping, ClaimSource, JwtSettings, KeySourceSettings, UnixTime,
};
use serde_json::{Map, Value, json};

use crate::der;
use crate::{KeySet, SigningKey, Verifier};

/// When the tests happen.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// Somebody who signs tokens.
pub(crate) struct Issuer {
    pub(crate) private_pem: String,
    pub(crate) public_pem: String,
    pub(crate) spki: Vec<u8>,
    pub(crate) key: SigningKey,
}

impl Issuer {
    fn new(pkcs8: &[u8], spki: Vec<u8>) -> Self {
        let private_pem = pem("PRIVATE KEY", pkcs8);
        Self {
            key: SigningKey::from_pem(&private_pem).unwrap(),
            public_pem: pem("PUBLIC KEY", &spki),
            private_pem,
            spki,
        }
    }

    pub(crate) fn rsa_of(size: KeySize) -> Self {
        let pair = RsaKeyPair::generate(size).unwrap();
        let pkcs8 = pair.as_der().unwrap();
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'static> = pkcs8;
        let spki = der::rsa_spki_from_pkcs1(pair.public_key().as_ref());
        Self::new(pkcs8.as_ref(), spki)
    }

    /// Signs a header and a payload as they are.
    pub(crate) fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        let (header, payload) = (header.as_bytes(), payload.as_bytes());
        self.key.sign_bytes(algorithm, header, payload).unwrap()
    }

    /// Signs claims with RS256.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(Algorithm::RS256, r#"{"alg":"RS256"}"#, &claims.to_string())
    }

    pub(crate) fn keys(&self) -> KeySet {
        KeySet::from_pem(&self.public_pem).unwrap()
    }
}

pub(crate) static RSA: LazyLock<Issuer> = LazyLock::new(|| Issuer::rsa_of(KeySize::Rsa2048));
pub(crate) static OTHER_RSA: LazyLock<Issuer> = LazyLock::new(|| Issuer::rsa_of(KeySize::Rsa2048));
pub(crate) static LARGE_RSA: LazyLock<Issuer> = LazyLock::new(|| Issuer::rsa_of(KeySize::Rsa3072));

pub(crate) static P256: LazyLock<Issuer> = LazyLock::new(|| {
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    Issuer::new(pkcs8.as_ref(), der::p256_spki(pair.public_key().as_ref()))
});

pub(crate) static P384: LazyLock<Issuer> = LazyLock::new(|| {
    let algorithm = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    Issuer::new(pkcs8.as_ref(), der::p384_spki(pair.public_key().as_ref()))
});

pub(crate) static ED25519: LazyLock<Issuer> = LazyLock::new(|| {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    Issuer::new(
        pkcs8.as_ref(),
        der::ed25519_spki(pair.public_key().as_ref()),
    )
});

/// The issuer whose keys make signatures of `algorithm`.
pub(crate) fn issuer_for(algorithm: Algorithm) -> &'static Issuer {
    match algorithm {
        Algorithm::ES256 => &P256,
        Algorithm::ES384 => &P384,
        Algorithm::EdDSA => &ED25519,
        _ => &RSA,
    }
}

/// The policy of a virtual proxy with nothing but the defaults and the usual attribute names.
pub(crate) fn settings() -> JwtSettings {
    JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: None,
        audience: None,
        algorithms: vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
        clock_skew: 60,
        require_expiration: false,
        max_lifetime: None,
        single_use: false,
        user_id: ClaimSource::Claim("userId".into()),
        user_directory: ClaimSource::Claim("userDirectory".into()),
        mapping: Vec::new(),
        private_claims: Vec::new(),
    }
}

/// Judges tokens of [`RSA`] by the default policy.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(settings(), RSA.keys())
}

/// Judges tokens of [`RSA`] by a changed policy.
pub(crate) fn verifier_with(change: impl FnOnce(&mut JwtSettings)) -> Verifier {
    let mut settings = settings();
    change(&mut settings);
    Verifier::new(settings, RSA.keys())
}

/// The default claims with `more` in them; `null` removes a claim.
pub(crate) fn claims(more: &Value) -> Value {
    let mut claims: Map<String, Value> = Map::new();
    claims.insert("userId".into(), json!("boz"));
    claims.insert("userDirectory".into(), json!("example"));
    claims.insert("exp".into(), json!(NOW.0 + 600));
    for (name, value) in more.as_object().into_iter().flatten() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    Value::Object(claims)
}

/// PEM with lines of 64 characters (RFC 7468 section 2).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let digits = base64_simd::STANDARD.encode_to_string(der);
    let lines: Vec<_> = digits
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// The public key as a JWK, with more members.
pub(crate) fn rsa_jwk(issuer: &Issuer, more: &str) -> String {
    use base64_simd::URL_SAFE_NO_PAD;
    use x509_parser::prelude::FromDer as _;
    let (_, spki) = x509_parser::x509::SubjectPublicKeyInfo::from_der(&issuer.spki).unwrap();
    let Ok(x509_parser::public_key::PublicKey::RSA(key)) = spki.parsed() else {
        panic!("no RSA key");
    };
    let n = URL_SAFE_NO_PAD.encode_to_string(key.modulus.strip_prefix(&[0]).unwrap_or(key.modulus));
    let e = URL_SAFE_NO_PAD.encode_to_string(key.exponent);
    let comma = if more.is_empty() { "" } else { "," };
    format!("{{\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"{e}\"{comma}{more}}}")
}

/// Rows of an attribute mapping: claim, attribute, mandatory.
pub(crate) fn mapping(rows: &[(&str, &str, bool)]) -> Vec<AttributeMapping> {
    rows.iter()
        .map(|(claim, attribute, mandatory)| AttributeMapping {
            source: match claim
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(constant) => ClaimSource::Constant(constant.into()),
                None => ClaimSource::Claim((*claim).into()),
            },
            attribute: (*attribute).into(),
            mandatory: *mandatory,
        })
        .collect()
}
