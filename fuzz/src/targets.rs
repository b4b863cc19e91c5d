//! What each fuzz target does with its input, and what must hold whatever the input is.
//!
//! Used twice: by the targets in `fuzz_targets/`, which look for new inputs, and by the tests, which
//! replay the inputs in `corpus/`. Inputs are bytes as a peer or an administrator could send them;
//! the functions get them in no form that could not reach them in the gateway. A broken rule panics.

// The tests include this file from elsewhere, so that the place is told.
#[path = "targets/requests.rs"]
mod requests;
#[path = "targets/site.rs"]
mod site;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{COOKIE, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use jotgate_model::{
    AccessRule, Algorithm, AttributeMapping, ClaimSource, JwtSettings, KeySourceSettings, Network,
    PresentedToken, UnixTime,
};
use jotgate_policy::authorize::{Who, passes};
use jotgate_policy::cookies::{self, Found};
use jotgate_policy::forwarded;
use jotgate_policy::proxy_protocol;
use jotgate_policy::sign_in::return_path;
use jotgate_policy::websocket::FrameTracker;
use jotgate_policy::{route, sanitize};
use jotgate_token::{
    KeySet, SigningKey, Verifier, parse_authorization, presented, unverified_parts,
};

/// A target: its name, which is also the folder of its inputs, and what it does.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const ALL: [Target; 18] = [
    ("access_rule", access_rule),
    ("authorization", authorization),
    ("claims", claims),
    ("cookies", find_cookies),
    ("discovery", discovery),
    ("forwarded", client),
    ("frames", frames),
    ("headers", requests::headers),
    ("host", requests::host),
    ("import", site::import),
    ("jwks", jwks),
    ("origin", requests::origin),
    ("path", path),
    ("pem", pem),
    ("proxy_protocol", proxy_protocol),
    ("return_path", sign_in_return),
    ("token", token),
    ("trace_context", requests::context),
];

/// When tokens are judged: the corpus must not grow old.
const NOW: UnixTime = UnixTime(1_795_000_000);

/// A rule is written as it was read, and is always decided.
fn access_rule(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(Some(rule)) = AccessRule::parse(text) else {
        return;
    };
    let written = rule.to_string();
    // What is written can be longer than what may be read: an attribute's name gets quotation marks.
    if written.chars().count() <= 4096 {
        assert_eq!(AccessRule::parse(&written), Ok(Some(rule.clone())));
    }
    for (directory, id) in [("EXAMPLE", "a"), ("", "")] {
        let attributes = [("Group", "sales"), ("Group", "hr")].into_iter();
        let who = Who {
            directory,
            id,
            attributes,
        };
        passes(&rule, &who);
    }
}

/// Lines are the values of `Authorization` fields.
fn authorization(input: &[u8]) {
    let fields: Vec<&[u8]> = lines(input).filter(|line| is_field_value(line)).collect();
    match parse_authorization(fields.iter().copied()) {
        Ok(Some(token)) => {
            assert_eq!(fields.len(), 1, "several fields are no token");
            assert!(!token.is_empty(), "an empty token");
            let odd = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'"');
            assert!(!token.iter().any(odd), "a token with something around it");
        }
        Ok(None) => assert!(fields.len() < 2, "several fields are read as none"),
        Err(_) => {}
    }
}

/// The whole of a token, judged with the key of [`claims`].
fn token(input: &[u8]) {
    let verdict = VERIFIER.verify(input, NOW);
    let explained = VERIFIER.explain(input, NOW);
    assert_eq!(
        verdict, explained.result,
        "the two forms of the verdict disagree"
    );
    if let Err(refusal) = &verdict {
        let steps = explained.steps.iter();
        let reasons: Vec<_> = steps.filter_map(|step| step.reason).collect();
        assert!(
            reasons.contains(&refusal.reason),
            "no step tells the reason {refusal:?}"
        );
    }
    let _parts = unverified_parts(input);
    if let Some(kept) = presented(input, &["userId".into()]) {
        assert!(kept.size() <= 2 * PresentedToken::MAX_TEXT);
    }
    let _kid = VERIFIER.unknown_kid(input);
}

/// The payload of a token with a good signature.
fn claims(input: &[u8]) {
    let header = URL_SAFE_NO_PAD.encode_to_string(br#"{"alg":"EdDSA","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode_to_string(input));
    let signature = URL_SAFE_NO_PAD.encode_to_string(KEY.sign(signed.as_bytes()));
    let text = format!("{signed}.{signature}");
    token(text.as_bytes());
    if let Ok(verified) = VERIFIER.verify(text.as_bytes(), NOW) {
        let user = &verified.identity.user;
        assert!(
            !user.id.is_empty() && !user.directory.is_empty(),
            "a user without a name"
        );
        if let Some(expires) = verified.expires {
            assert!(expires.plus(60) > NOW, "an expired token was accepted");
        }
    }
}

/// A field of a virtual proxy.
fn pem(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match KeySet::from_pem(&text) {
        Ok(keys) => {
            assert!(
                !text.contains("PRIVATE KEY-----"),
                "a private key was accepted"
            );
            let blocks = text.matches("-----BEGIN ").count();
            assert!(keys.keys().len() <= blocks, "more keys than blocks");
            for key in keys.keys() {
                assert_eq!(
                    key.fingerprint().len(),
                    64,
                    "a fingerprint is SHA-256 in hexadecimal"
                );
            }
        }
        Err(error) => assert_quotes_nothing(&error.to_string(), &text),
    }
    if let Err(error) = SigningKey::from_pem(&text) {
        assert_quotes_nothing(&error.to_string(), &text);
    }
}

/// What an issuer says about itself. Whatever it says, keys come over https or from this machine.
fn discovery(input: &[u8]) {
    if let Ok(address) = jotgate_keys::key_set_address("https://idp.example.com", input) {
        let this_machine = ["http://localhost", "http://127.", "http://[::1]"];
        let local = this_machine.iter().any(|begin| address.starts_with(begin));
        assert!(address.starts_with("https://") || local, "{address}");
        assert!(!address.contains('@'), "{address}");
    }
}

/// What an issuer publishes.
fn jwks(input: &[u8]) {
    if let Ok(keys) = KeySet::from_jwks(input) {
        let twice = keys.union(&keys);
        assert_eq!(
            twice.keys().len(),
            keys.keys().len(),
            "a key set is its own union"
        );
        for key in keys.keys() {
            let fits = Algorithm::ALL
                .iter()
                .filter(|algorithm| key.fits(**algorithm))
                .count();
            assert!(fits > 0, "a key that fits no algorithm");
        }
    }
}

/// The target of a request.
fn path(input: &[u8]) {
    let Ok(target) = PathAndQuery::try_from(input) else {
        return;
    };
    let path = target.path();
    if !path.starts_with('/') || sanitize::path(path).is_err() {
        return;
    }
    assert!(!path.starts_with("//"), "an empty first segment: {path:?}");
    for segment in path.split('/') {
        let decoded: Vec<u8> = percent_decoded(segment);
        let mut inner = decoded.split(|b| matches!(b, b'/' | b'\\'));
        let climbs = |part: &[u8]| {
            let name = part.split(|b| *b == b';').next().unwrap_or_default();
            matches!(name, b"." | b"..")
        };
        assert!(!inner.any(climbs), "a dot segment: {path:?}");
        assert!(!decoded.contains(&0), "a NUL: {path:?}");
    }
    let (first, rest) = route::split_first(path);
    assert!(
        !first.contains('/') && !first.contains('%'),
        "an odd prefix: {path:?}"
    );
    assert!(
        path.ends_with(rest),
        "the rest is no part of the path: {path:?}"
    );
}

/// Lines are `Cookie` fields.
fn find_cookies(input: &[u8]) {
    const NAME: &str = "X-Qlik-Session-jwt";
    let mut headers = HeaderMap::new();
    for value in lines(input).filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(COOKIE, value);
    }
    let own = |name: &[u8]| name == NAME.as_bytes();
    let before = (cookies::find(&headers, "a"), cookies::find(&headers, "b"));
    let mut removed = headers.clone();
    cookies::remove(&mut removed, own);
    assert_eq!(
        cookies::find(&removed, NAME),
        Found::Nothing,
        "our own cookie stays"
    );
    let after = (cookies::find(&removed, "a"), cookies::find(&removed, "b"));
    assert_eq!(before, after, "another cookie changed");
    let once = removed.clone();
    cookies::remove(&mut removed, own);
    assert_eq!(once, removed, "removing twice is removing once");
}

/// Lines are `name: value`.
fn client(input: &[u8]) {
    let headers = requests::fields(input);
    let proxy = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let Ok(trusted) = Network::parse("10.0.0.0/8") else {
        unreachable!("a network")
    };
    let unbelieved = forwarded::client(stranger, true, &headers, &[trusted]);
    assert_eq!(
        (unbelieved.address, unbelieved.over_tls),
        (stranger, true),
        "a stranger is believed"
    );
    let nobody = forwarded::client(proxy, false, &headers, &[]);
    assert_eq!(
        (nobody.address, nobody.over_tls),
        (proxy, false),
        "nobody is trusted"
    );
    let believed = forwarded::client(proxy, true, &headers, &[trusted]);
    assert_eq!(
        believed.address,
        believed.address.to_canonical(),
        "an address in two forms"
    );
}

/// What a trusted proxy begins a connection with, in both versions.
fn proxy_protocol(input: &[u8]) {
    if let Ok(Some(address)) = proxy_protocol::read_line(input) {
        assert!(
            input.len() <= proxy_protocol::MAX_LINE,
            "a line that is too long"
        );
        assert!(input.starts_with(b"PROXY TCP"), "another line");
        assert_eq!(address, address.to_canonical(), "an address in two forms");
    }
    let Some((fixed, rest)) = input.split_first_chunk() else {
        return;
    };
    let length = proxy_protocol::length_after(fixed);
    if let Ok(found) = proxy_protocol::read_binary(fixed, rest) {
        assert!(length.is_ok(), "a header without its beginning");
        assert_eq!(
            found,
            found.map(|address| address.to_canonical()),
            "an address in two forms"
        );
    }
}

/// Where a browser wants to go after signing in.
fn sign_in_return(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let own = |origin: &str| origin == "https://gateway.example.com";
    for prefix in ["jwt", ""] {
        let Some(path) = return_path(&text, prefix, own) else {
            continue;
        };
        assert!(
            path.starts_with('/') && !path.starts_with("//"),
            "leads away: {path:?}"
        );
        assert!(
            path.bytes().all(|b| (0x21..0x7f).contains(&b)),
            "not visible: {path:?}"
        );
        assert!(!path.contains('\\'), "a backslash: {path:?}");
        let (first, _) = route::split_first(path.split(['?', '#']).next().unwrap_or_default());
        assert!(
            prefix.is_empty() || first == prefix,
            "another virtual proxy: {path:?}"
        );
        assert!(HeaderValue::from_str(path).is_ok(), "no header: {path:?}");
    }
}

/// The bytes of one direction of a WebSocket. The first byte says how they are cut into pieces.
fn frames(input: &[u8]) {
    let Some((size, bytes)) = input.split_first() else {
        return;
    };
    let mut whole = FrameTracker::default();
    whole.advance(bytes);
    let mut pieces = FrameTracker::default();
    let mut was_closed = false;
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        pieces.advance(piece);
        assert!(
            pieces.is_closed() || !was_closed,
            "a closed WebSocket has opened again"
        );
        was_closed = pieces.is_closed();
    }
    assert_eq!(
        whole.boundary(),
        pieces.boundary(),
        "pieces make a difference"
    );
    assert_eq!(
        whole.is_closed(),
        pieces.is_closed(),
        "pieces make a difference"
    );
}

/// A key that everybody knows.
static KEY: LazyLock<Ed25519Signer> = LazyLock::new(Ed25519Signer::new);

/// The judge of [`token`] and [`claims`].
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let mapped = |claim: &str| AttributeMapping {
        source: ClaimSource::Claim(claim.into()),
        attribute: claim.into(),
        mandatory: false,
    };
    let settings = JwtSettings {
        keys: KeySourceSettings::default(),
        issuer: None,
        audience: None,
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 60,
        require_expiration: false,
        max_lifetime: None,
        single_use: false,
        user_id: ClaimSource::Claim("userId".into()),
        user_directory: ClaimSource::Claim("userDirectory".into()),
        mapping: vec![mapped("Group"), mapped("email")],
        private_claims: Vec::new(),
    };
    let keys = KeySet::from_pem(&KEY.public_key());
    Verifier::new(
        settings,
        keys.unwrap_or_else(|error| panic!("the key {error}")),
    )
});

struct Ed25519Signer(Ed25519KeyPair);

impl Ed25519Signer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]);
        Self(pair.unwrap_or_else(|_| unreachable!("every seed is a key")))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// The public key in PEM. Its DER has a fixed beginning (RFC 8410 section 4).
    fn public_key(&self) -> String {
        const BEGINNING: [u8; 12] = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        let der = [&BEGINNING, self.0.public_key().as_ref()].concat();
        let text = STANDARD.encode_to_string(&der);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }
}

fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|b| *b == b'\n')
}

/// What HTTP lets through as the value of a field (RFC 9110 section 5.5).
fn is_field_value(line: &[u8]) -> bool {
    HeaderValue::from_bytes(line).is_ok()
}

/// What a message says must not hold a piece of a key.
fn assert_quotes_nothing(message: &str, text: &str) {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    for word in text.split(|c| !base64(c)).filter(|word| word.len() >= 24) {
        assert!(
            !message.contains(word),
            "a message quotes the text: {message}"
        );
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut bytes = text.as_bytes();
    while let Some((byte, rest)) = bytes.split_first() {
        let hexadecimal = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let value = hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                decoded.push(value);
                bytes = &rest[2..];
            }
            _ => {
                decoded.push(*byte);
                bytes = rest;
            }
        }
    }
    decoded
}
