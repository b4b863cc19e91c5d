use jotgate_model::{Algorithm, Identity};

use super::*;

const NOW: UnixTime = UnixTime(1000);
const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

fn verified(issued: Option<i64>, jti: Option<&str>) -> Verified {
    Verified {
        identity: Identity {
            user: User::new("example", "boz"),
            attributes: Vec::new(),
        },
        expires: None,
        not_before: None,
        issued: issued.map(UnixTime),
        jti: jti.map(Box::from),
        issuer: None,
        key_fingerprint: "".into(),
        kid: None,
        algorithm: Algorithm::RS256,
        presented: std::sync::Arc::default(),
    }
}

fn refused(revocations: &Revocations, vp: Uuid, token: &[u8], verified: &Verified) -> bool {
    match revocations.check(vp, &TokenHash::of(token), verified, NOW) {
        Ok(()) => false,
        Err(refusal) => {
            assert_eq!(refusal.reason, Reason::TokenRevoked);
            true
        }
    }
}

#[test]
fn one_token_is_revoked_everywhere_and_no_other() {
    let mut revocations = Revocations::default();
    assert!(revocations.is_empty());
    revocations.add_token(TokenHash::of(b"a"));
    let verified = verified(Some(1), None);
    assert!(refused(&revocations, ONE, b"a", &verified));
    assert!(refused(&revocations, TWO, b"a", &verified));
    assert!(!refused(&revocations, ONE, b"b", &verified));
}

#[test]
fn a_token_id_is_revoked_at_one_virtual_proxy() {
    let mut revocations = Revocations::default();
    revocations.add_id(ONE, "id-1");
    assert!(refused(
        &revocations,
        ONE,
        b"a",
        &verified(None, Some("id-1"))
    ));
    assert!(!refused(
        &revocations,
        TWO,
        b"a",
        &verified(None, Some("id-1"))
    ));
    assert!(!refused(
        &revocations,
        ONE,
        b"a",
        &verified(None, Some("id-2"))
    ));
    assert!(!refused(&revocations, ONE, b"a", &verified(None, None)));
}

#[test]
fn tokens_of_a_user_are_revoked_by_their_time() {
    let mut revocations = Revocations::default();
    let issued_before = UnixTime(500);
    let until = Some(UnixTime(1001));
    let user = User::new("example", "boz");
    revocations.add_user(
        user,
        RevokedUser {
            issued_before,
            until,
        },
    );
    assert!(refused(&revocations, ONE, b"a", &verified(Some(499), None)));
    assert!(!refused(
        &revocations,
        ONE,
        b"a",
        &verified(Some(500), None)
    ));
    assert!(refused(&revocations, ONE, b"a", &verified(None, None)));
    let mut other = verified(Some(1), None);
    other.identity.user = User::new("example", "BOZ");
    assert!(!refused(&revocations, ONE, b"a", &other));
}

#[test]
fn a_revocation_of_a_user_ends() {
    let revoked = RevokedUser {
        issued_before: UnixTime(500),
        until: Some(UnixTime(1000)),
    };
    assert!(revoked.covers(Some(UnixTime(1)), UnixTime(999)));
    assert!(!revoked.covers(Some(UnixTime(1)), UnixTime(1000)));
    let forever = RevokedUser {
        until: None,
        ..revoked
    };
    assert!(forever.covers(Some(UnixTime(1)), UnixTime(i64::MAX)));
}
