use jotgate_manage::KeySet;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};

use super::*;

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// An authority, and a certificate that it has signed, in PEM form.
fn chain() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(named("Authority"), key).unwrap();
    let own = KeyPair::generate().unwrap();
    let signed = named("portal").signed_by(&own, &authority).unwrap();
    (authority.pem(), signed.pem())
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

#[test]
fn a_chain_is_pointed_at_in_whatever_order_it_was_pasted() {
    let (authority, signed) = chain();
    for (text, expected) in [
        (format!("{signed}{authority}"), ["", "signed number 1"]),
        (format!("{authority}{signed}"), ["signed number 2", ""]),
    ] {
        // As a Windows file has it.
        let set = KeySet::from_pem(&text.replace('\n', "\r\n")).unwrap();
        for (at, expected) in expected.into_iter().enumerate() {
            let found = explained(at, set.keys(), now()).warnings.join(" ");
            assert_eq!(found.is_empty(), expected.is_empty(), "{at}: {found}");
            assert!(found.contains(expected), "{at}: {found}");
        }
    }
    let alone = KeySet::from_pem(&authority).unwrap();
    assert!(explained(0, alone.keys(), now()).warnings.is_empty());
}

#[test]
fn certificates_are_pointed_at_a_month_before_they_run_out() {
    let at = |seconds: i64| expiry(UnixTime(1_790_000_000 + seconds), now());
    for (seconds, expected) in [
        (-1, "Expired"),
        (0, "within a day"),
        (DAY, "in 1 day"),
        (30 * DAY - 1, "in 29 days"),
    ] {
        let found = at(seconds).unwrap();
        assert!(found.contains(expected), "{seconds}: {found}");
    }
    assert_eq!(at(30 * DAY), None);
    assert!(expiry(UnixTime(i64::MIN), now()).is_some());
    assert_eq!(expiry(UnixTime(i64::MAX), now()), None);
}
