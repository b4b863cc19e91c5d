use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64_simd::STANDARD;
use jotgate_model::UnixTime;
use proptest::prelude::*;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, PKCS_ED25519};

use crate::testing::{ED25519, Issuer, LARGE_RSA, NOW, OTHER_RSA, P256, P384, RSA, pem};
use crate::{KeySet, der};

/// A certificate of [`RSA`] that an Ed25519 authority signed: readers that take the first known
/// algorithm in it for the key's read it wrong.
fn certificate() -> rcgen::Certificate {
    let authority_key = rcgen::KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "Authority");
    let authority = CertifiedIssuer::self_signed(params, authority_key).unwrap();
    let key = rcgen::KeyPair::from_pem(&RSA.private_pem).unwrap();
    let mut params = CertificateParams::new(vec!["portal.example.com".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "portal");
    params.not_before = rcgen::date_time_ymd(2020, 1, 2);
    params.not_after = rcgen::date_time_ymd(2021, 1, 2);
    params.serial_number = Some(rcgen::SerialNumber::from(vec![0x01, 0xab]));
    params.signed_by(&key, &authority).unwrap()
}

/// Base64 over several lines of a Windows file.
fn bare(text: &str) -> String {
    let (first, second) = text.split_at(16);
    format!("{first}\r\n{second}\r\n")
}

fn fingerprints(text: &str) -> Vec<String> {
    let keys = KeySet::from_pem(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    keys.keys()
        .iter()
        .map(|key| key.fingerprint().to_owned())
        .collect()
}

fn error(text: &str) -> String {
    KeySet::from_pem(text).expect_err(text).to_string()
}

#[test]
fn certificates_give_their_key_and_what_is_shown_of_them() {
    let certificate = certificate();
    let keys = KeySet::from_pem(&certificate.pem()).unwrap();
    let key = &keys.keys()[0];
    assert_eq!(key.fingerprint(), RSA.keys().keys()[0].fingerprint());
    let info = key.certificate().unwrap();
    assert_eq!(
        (&*info.subject, &*info.issuer, &*info.serial),
        ("CN=portal", "CN=Authority", "01ab")
    );
    assert_eq!(info.not_before, UnixTime(1_577_923_200));
    assert_eq!(info.not_after, UnixTime(1_609_545_600));
    assert_eq!(
        *info.fingerprint,
        crate::text::sha256_hex(certificate.der())
    );
    // A7: expired ones go on, whoever shows them warns.
    assert!(info.is_expired(NOW) && !info.is_expired(info.not_after));
    // The certificate says more than the bare key.
    let both = format!("{}{}", RSA.public_pem, certificate.pem());
    let keys = KeySet::from_pem(&both).unwrap();
    assert_eq!(keys.keys().len(), 1);
    assert!(keys.keys()[0].certificate().is_some());
}

#[test]
fn several_keys_of_all_kinds_may_stand_together() {
    let pkcs1 = {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let public: &[u8] = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref();
        pem("RSA PUBLIC KEY", public)
    };
    let text = [
        certificate().pem(),
        OTHER_RSA.public_pem.clone(),
        pkcs1,
        P256.public_pem.clone(),
        P384.public_pem.clone(),
        ED25519.public_pem.clone(),
        LARGE_RSA.public_pem.clone(),
    ]
    .join("\nsome words between\n");
    assert_eq!(fingerprints(&text).len(), 7);
}

/// However the line breaks were mistreated, it is the same key.
#[test]
fn mistreated_line_breaks_do_not_matter() {
    let text = &RSA.public_pem;
    let expected = fingerprints(text);
    let header = "-----BEGIN PUBLIC KEY-----";
    let bag = "Bag Attributes\n    localKeyID: 01 00\nsubject=CN = portal\n\nKey Attributes: <No Attributes>\n";
    for variant in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace('\n', "\n\n"),
        text.replace('\n', ""),
        text.replace('\n', " "),
        text.replace('\n', "\\n"),
        text.replace('\n', "\\r\\n"),
        text.replace(header, &format!("{header}  ")),
        text.trim_end().to_owned(),
        format!("  \n{text}  \n"),
        format!("\u{feff}{text}"),
        format!("{bag}{text}"),
        format!("{text}{bag}"),
        text.replace('\n', "\n    "),
    ] {
        assert_eq!(fingerprints(&variant), expected, "{variant:?}");
    }
    assert!(KeySet::from_pem("").unwrap().is_empty());
    assert!(KeySet::from_pem(" \r\n\t").unwrap().is_empty());
}

fn rsa_with(modulus: &[u8], exponent: &[u8]) -> String {
    pem("PUBLIC KEY", &der::rsa_spki(modulus, exponent))
}

/// A modulus that is 1 modulo every small prime, as powers of 65537 are: the mark of ROCA.
fn roca_modulus() -> Vec<u8> {
    let mut product = vec![1_u8];
    let mut multiply = |factor: u32| {
        let mut carry = 0;
        for byte in product.iter_mut().rev() {
            carry += u32::from(*byte) * factor;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            product.insert(0, carry as u8);
        }
        product[0]
    };
    for prime in (3..=167).filter(|n| (2..*n).all(|d| n % d != 0)) {
        multiply(prime);
    }
    while multiply(2) < 0x80 {}
    product.resize(256, 0);
    product[255] = 1;
    product
}

fn ec_spki(curve: &[u8], point: usize) -> Vec<u8> {
    let id = [
        &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
        curve,
    ]
    .concat();
    let mut point = vec![7; point];
    point.splice(0..0, [0, 4]);
    let element = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
    element(0x30, &[element(0x30, &id), element(0x03, &point)].concat())
}

#[test]
fn every_mistake_has_its_sentence() {
    let good = &RSA.public_pem;
    let label = |label: &str| good.replace("PUBLIC KEY", label);
    let odd = [0xd1; 256];
    let small_order = der::ed25519_spki(&[0; 32]);
    let request = CertificateParams::new(vec![])
        .unwrap()
        .serialize_request(&rcgen::KeyPair::from_pem(&RSA.private_pem).unwrap())
        .unwrap();
    let mut cut_der = RSA.spki.clone();
    cut_der.truncate(200);
    let shown: String = [
        ("private key", RSA.private_pem.clone()),
        (
            "private key after a certificate",
            format!("{good}{}", RSA.private_pem),
        ),
        ("old private key", label("RSA PRIVATE KEY")),
        ("encrypted private key", label("ENCRYPTED PRIVATE KEY")),
        (
            "cut private key",
            "-----BEGIN PRIVATE KEY-----\nMIIE".into(),
        ),
        ("request", request.pem().unwrap()),
        ("revocation list", label("X509 CRL")),
        ("1024 bits", rsa_with(&odd[..128], &[1, 0, 1])),
        (
            "2047 bits",
            rsa_with(&[&[0x51], &odd[1..]].concat(), &[1, 0, 1]),
        ),
        ("16384 bits", rsa_with(&[0xd1; 2048], &[1, 0, 1])),
        ("e = 1", rsa_with(&odd, &[1])),
        ("e even", rsa_with(&odd, &[4])),
        ("e = 0", rsa_with(&odd, &[0])),
        ("e huge", rsa_with(&odd, &odd[..100])),
        ("n even", rsa_with(&[0xd2; 256], &[1, 0, 1])),
        ("ROCA", rsa_with(&roca_modulus(), &[1, 0, 1])),
        (
            "P-521",
            pem(
                "PUBLIC KEY",
                &ec_spki(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], 90),
            ),
        ),
        (
            "secp256k1",
            pem(
                "PUBLIC KEY",
                &ec_spki(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], 64),
            ),
        ),
        (
            "not on its curve",
            pem(
                "PUBLIC KEY",
                &der::p256_spki(&[&[4_u8][..], &[7; 64]].concat()),
            ),
        ),
        ("small order", pem("PUBLIC KEY", &small_order)),
        (
            "X25519",
            pem(
                "PUBLIC KEY",
                &[
                    &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0],
                    &[9_u8; 32][..],
                ]
                .concat(),
            ),
        ),
        ("cut text", good[..good.len() / 2].into()),
        ("cut at the beginning", good[10..].into()),
        ("cut dashes", good.replace("-----END", "----END")),
        (
            "other end",
            good.replace("END PUBLIC KEY", "END CERTIFICATE"),
        ),
        ("nested", format!("-----BEGIN PUBLIC KEY-----\n{good}")),
        ("cut DER", pem("PUBLIC KEY", &cut_der)),
        (
            "more after the DER",
            pem("PUBLIC KEY", &[&RSA.spki[..], &[0]].concat()),
        ),
        ("certificate that is none", pem("CERTIFICATE", &RSA.spki)),
        (
            "key that is a certificate",
            pem("PUBLIC KEY", certificate().der()),
        ),
        ("empty block", pem("CERTIFICATE", &[])),
        ("not base64", good.replace("MII", "M*I")),
        (
            "second of two",
            format!("{good}{}", good.replace("MII", "M*I")),
        ),
        ("junk", "hello".into()),
        ("base64 alone", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".into()),
        (
            "certificate alone",
            STANDARD.encode_to_string(certificate().der()),
        ),
        ("PKCS#8 alone", bare("MIIEvgIBADANBgkqhkiG9w0BAQEFAASC")),
        ("PKCS#1 alone", bare("MIIEpAIBAAKCAQEAsfYa5AWR1ohpYMBs")),
        (
            "encrypted PKCS#8 alone",
            bare("MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkq"),
        ),
        ("PKCS#12", bare("MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCC")),
        (
            "PKCS#12 of another tool",
            bare("MIACAQMwgAYJKoZIhvcNAQcBoIAkgASC"),
        ),
        (
            "JWK",
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.into(),
        ),
        ("private JWK", r#"{"kty":"RSA","n":"AA","d":"AA"}"#.into()),
        ("shared JWK", r#"{"kty":"oct", "k":"AA"}"#.into()),
        ("token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA".into()),
        ("OpenSSH", "ssh-rsa AAAAB3NzaC1yc2E boz@example".into()),
        ("too many", good.repeat(33)),
        ("too long", "é".repeat(100_001)),
    ]
    .into_iter()
    .map(|(name, text)| {
        let error = error(&text);
        assert!(!error.contains("MII"), "keys are not repeated");
        format!("{name}: {error}\n")
    })
    .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn limits_are_exact() {
    assert_eq!(fingerprints(&RSA.public_pem.repeat(32)).len(), 1);
    let padding = "é".repeat(100_000 - RSA.public_pem.len());
    assert_eq!(
        fingerprints(&format!("{}{padding}", RSA.public_pem)).len(),
        1
    );
}

/// A key that aws-lc makes is never taken for one of the broken generator.
#[test]
fn ordinary_keys_are_not_weak() {
    for issuer in [&*RSA, &*OTHER_RSA, &*LARGE_RSA] {
        assert_eq!(issuer.keys().keys().len(), 1);
    }
    let pair = KeyPair::generate(KeySize::Rsa4096).unwrap();
    let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
        aws_lc_rs::signature::KeyPair::public_key(&pair)
            .as_der()
            .unwrap();
    assert_eq!(
        KeySet::from_pem(&pem("PUBLIC KEY", spki.as_ref()))
            .unwrap()
            .keys()[0]
            .bits(),
        4096
    );
}

fn pieces() -> impl Strategy<Value = String> {
    let issuers: [&'static Issuer; 3] = [&RSA, &P256, &ED25519];
    prop_oneof![
        proptest::sample::select(issuers.map(|issuer| issuer.public_pem.clone()).to_vec()),
        Just("-----BEGIN CERTIFICATE-----".to_owned()),
        Just("-----END CERTIFICATE-----".to_owned()),
        Just("-----BEGIN ".to_owned()),
        Just("-----".to_owned()),
        Just("MIIBIjAN\n".to_owned()),
        "[A-Za-z0-9+/= \n\\\\-]{0,20}",
        "\\PC{0,8}",
    ]
}

proptest! {
    #[test]
    fn never_panics(pieces in proptest::collection::vec(pieces(), 0..8)) {
        let text = pieces.concat();
        let whole = text.matches("-----BEGIN PUBLIC KEY-----").count();
        if let Ok(keys) = KeySet::from_pem(&text) {
            prop_assert!(keys.keys().len() <= whole);
            prop_assert_eq!(keys.is_empty(), text.trim().is_empty());
        }
    }

    #[test]
    fn damaged_keys_never_panic(at in 0..294_usize, byte in any::<u8>()) {
        let mut spki = RSA.spki.clone();
        spki[at] = byte;
        KeySet::from_pem(&pem("PUBLIC KEY", &spki)).ok();
        KeySet::from_pem(&pem("CERTIFICATE", &spki)).ok();
    }

    #[test]
    fn damaged_certificates_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        static CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| certificate().der().to_vec());
        let mut der = CERTIFICATE.clone();
        let at = at.index(der.len());
        der[at] = byte;
        KeySet::from_pem(&pem("CERTIFICATE", &der)).ok();
        der.truncate(cut.index(der.len()));
        prop_assert!(KeySet::from_pem(&pem("CERTIFICATE", &der)).is_err());
    }
}

#[test]
fn blocks_are_taken_out_and_what_stands_around_them_stays() {
    let (first, second) = (pem("PUBLIC KEY", &RSA.spki), pem("PUBLIC KEY", &P256.spki));
    let text = format!("old:\n{first}new:\n{second}");
    let fingerprint = fingerprints(&first).remove(0);
    let without = super::without_keys(&text, |its| its == fingerprint).unwrap();
    assert_eq!(without, format!("old:\nnew:\n{second}"));
    assert_eq!(super::without_keys(&text, |_| false).unwrap(), text);
    let twice = format!("{second}{second}");
    assert_eq!(super::without_keys(&twice, |_| true).unwrap(), "");
    assert!(super::without_keys("-----BEGIN X", |_| true).is_err());
}
