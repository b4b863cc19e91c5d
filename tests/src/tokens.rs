//! Tokens, signed here with nothing of Jotgate's.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, KeyPair, RsaKeyPair};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

/// Seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(elapsed.as_secs()).expect("a clock before the end of time")
}

/// An RSA key pair of 2048 bits, made once for all tests of a binary.
pub struct Keys(RsaKeyPair);

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 7518")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
}

impl Keys {
    /// The key that most tests use.
    pub fn first() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(Self::generate)
    }

    /// Another one.
    pub fn second() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(Self::generate)
    }

    /// The key in a PEM file.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn read(file: &std::path::Path) -> Self {
        let key = PrivatePkcs8KeyDer::from_pem_file(file).expect("a private key");
        Self(RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key"))
    }

    fn generate() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    /// The public key as PEM.
    #[must_use]
    pub fn public_key(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().expect("a public key");
        pem("PUBLIC KEY", der.as_ref())
    }

    /// A certificate of the key by itself, as PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.certificate_until(2090)
    }

    /// The same, valid until the beginning of that year.
    #[must_use]
    pub fn certificate_until(&self, year: i32) -> String {
        let der: Pkcs8V1Der<'_> = self.0.as_der().expect("a private key");
        let key = PrivatePkcs8KeyDer::from(der.as_ref());
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_RSA_SHA256)
            .expect("a key");
        let mut params =
            rcgen::CertificateParams::new(["issuer.example".to_owned()]).expect("a name");
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.self_signed(&key).expect("a certificate").pem()
    }

    /// The private key as PEM: for tests that put it where it must not be.
    #[must_use]
    pub fn private_key(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.0.as_der().expect("a private key");
        pem("PRIVATE KEY", der.as_ref())
    }

    /// A token for `boz` of `example`, issued now and good for an hour, unless it is changed.
    pub fn token(&self) -> Token<'_> {
        let issued = now();
        let claims = json!({
            "userId": "boz",
            "userDirectory": "example",
            "iat": issued,
            "exp": issued + 3600,
        });
        let Value::Object(claims) = claims else {
            unreachable!("an object was written above")
        };
        Token {
            keys: self,
            algorithm: Algorithm::RS256,
            header: Map::new(),
            claims,
        }
    }

    /// The compact form of any header and payload, signed.
    #[must_use]
    pub fn sign(&self, algorithm: Algorithm, header: &[u8], payload: &[u8]) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
        let signed = format!("{}.{}", encode(header), encode(payload));
        let padding: &dyn signature::RsaEncoding = match algorithm {
            Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
            Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
            Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
            Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        };
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                padding,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{signed}.{}", encode(&signature))
    }
}

/// A token that is being made.
#[derive(Clone)]
#[must_use]
pub struct Token<'a> {
    keys: &'a Keys,
    algorithm: Algorithm,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token<'_> {
    /// For that user.
    pub fn user(self, directory: &str, id: &str) -> Self {
        self.claim("userDirectory", directory).claim("userId", id)
    }

    /// With that claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without that claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// With that parameter in its header.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Runs out in so many seconds; a negative number has passed.
    pub fn expires_in(self, seconds: i64) -> Self {
        self.claim("exp", now() + seconds)
    }

    /// Signed in that way.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The compact form.
    #[must_use]
    pub fn sign(&self) -> String {
        let mut header = Map::new();
        header.insert("alg".to_owned(), format!("{:?}", self.algorithm).into());
        header.insert("typ".to_owned(), "JWT".into());
        header.extend(self.header.clone());
        let bytes = |object: &Map<String, Value>| serde_json::to_vec(object).expect("JSON");
        self.keys
            .sign(self.algorithm, &bytes(&header), &bytes(&self.claims))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode_to_string(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
