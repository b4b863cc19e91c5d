//! An issuer with an HTTPS server that can fail in many ways, and virtual proxies that trust it.

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{Algorithm, Documents, Snapshot, UnixTime, Uuid};
use jotgate_token::SigningKey;
use serde_json::{Value, json};
use tokio::runtime::Handle;

pub(crate) use self::server::{Certificate, Mode, Server, resetting};
use crate::KeyRing;
use crate::fetch::Fetcher;
use crate::timings::Timings;

/// When the tests happen.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// A signing key with an id.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) jwk: Value,
    pub(crate) pem: String,
    key: SigningKey,
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let digits = |bytes| URL_SAFE_NO_PAD.encode_to_string(bytes);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "kid": kid,
            "x": digits(&point[1..33]), "y": digits(&point[33..]),
        });
        // RFC 5480: ecPublicKey with the curve prime256v1.
        let mut spki = vec![
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
        ];
        spki.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0]);
        spki.extend(point);
        Self {
            kid: kid.to_owned(),
            jwk,
            pem: pem("PUBLIC KEY", &spki),
            key: SigningKey::from_pem(&pem("PRIVATE KEY", pkcs8.as_ref())).unwrap(),
        }
    }

    /// A token that names the key.
    pub(crate) fn token(&self, more: Value) -> String {
        self.sign(Some(&self.kid), more)
    }

    pub(crate) fn sign(&self, kid: Option<&str>, more: Value) -> String {
        let mut claims = json!({
            "userId": "boz", "userDirectory": "example", "exp": NOW.0 + 600, "iat": NOW.0,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = claims.as_object().unwrap();
        self.key.sign(Algorithm::ES256, kid, claims).unwrap()
    }
}

pub(crate) fn key_set(signers: &[&Signer]) -> String {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk.clone()).collect();
    json!({ "keys": keys }).to_string()
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode_to_string(der);
    format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n")
}

/// A virtual proxy with the keys that `change` gives it.
pub(crate) fn config(
    number: u128,
    change: impl FnOnce(&mut VirtualProxyConfig),
) -> VirtualProxyConfig {
    let mut config = VirtualProxyConfig {
        prefix: format!("vp{number}"),
        session_cookie_header_name: format!("X-Qlik-Session-{number}"),
        authentication_method: AuthenticationMethod::JWT,
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_algorithms: vec!["ES256".to_owned()],
        jwt_clock_skew_seconds: 0,
        ..Default::default()
    };
    config.metadata.id = Uuid::from_u128(number);
    change(&mut config);
    config
}

/// The same document is the same `Arc` in the next snapshot.
pub(crate) fn snapshot(
    revision: u64,
    configs: &[Arc<VirtualProxyConfig>],
    previous: Option<&Snapshot>,
) -> Snapshot {
    let documents = Documents {
        virtual_proxies: configs
            .iter()
            .map(|config| (config.metadata.id, config.clone()))
            .collect::<BTreeMap<_, _>>(),
        ..Documents::default()
    };
    Snapshot::build(revision, documents, Uuid::nil(), previous).unwrap()
}

/// Everything a hundred times faster.
pub(crate) fn quick() -> Timings {
    let milliseconds = Duration::from_millis;
    Timings {
        connect: milliseconds(2_000),
        document: milliseconds(400),
        refresh: milliseconds(60_000),
        refresh_bounds: (milliseconds(20), milliseconds(120_000)),
        first_retry: milliseconds(20),
        last_retry: milliseconds(40),
        first_spacing: milliseconds(20),
        last_spacing: milliseconds(80),
        vain: milliseconds(300),
        patience: milliseconds(2_000),
        others: milliseconds(120),
    }
}

/// A ring that trusts the test servers.
pub(crate) fn ring(timings: Timings) -> KeyRing {
    let fetcher = Fetcher::with_roots(timings, server::roots());
    KeyRing::with_fetcher(Handle::current(), |_| {}, fetcher)
}

pub(crate) fn fetcher(timings: Timings) -> Fetcher {
    Fetcher::with_roots(timings, server::roots())
}

/// A ring with one virtual proxy (number 1).
pub(crate) fn ring_with(timings: Timings, change: impl FnOnce(&mut VirtualProxyConfig)) -> KeyRing {
    let ring = ring(timings);
    ring.prepare(&snapshot(1, &[Arc::new(config(1, change))], None));
    ring
}

pub(crate) const ONE: Uuid = Uuid::from_u128(1);

/// Waits until `condition` holds, or fails after five seconds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never happened");
}
