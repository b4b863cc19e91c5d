use std::fs;
use std::path::PathBuf;

use clap::Parser;
use jotgate_model::{Reason, Refusal};
use jotgate_token::{Outcome, Step, StepName, Verdict};
use serde_json::{Value, json};

use super::*;
use crate::cli::{Cli, Command};
use crate::exit::Exit;

const NOW: UnixTime = UnixTime(1_795_000_000);

/// The example of RFC 7515 appendix A.2, and its key as a key set.
const RFC_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const RFC_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// A second before its `exp`.
const RFC_NOW: UnixTime = UnixTime(1_300_819_379);

fn token(words: &[&str], now: UnixTime) -> Result<Answer, Failure> {
    let words = ["jotgate", "token"].iter().chain(words);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Token(command) => run(&command, now),
        other => panic!("{other:?}"),
    }
}

/// A key and its certificate, made once.
fn keys() -> (PathBuf, PathBuf) {
    static KEYS: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let made = crate::certificates::self_signed(
            crate::certificates::KeySize::Bits2048,
            "tests",
            10,
            NOW,
        )
        .unwrap();
        made.private_key
            .create(&folder.path().join("key.pem"))
            .unwrap();
        made.certificate
            .create(&folder.path().join("cert.pem"))
            .unwrap();
        folder
    };
    let folder = KEYS.get_or_init(make).path();
    (folder.join("key.pem"), folder.join("cert.pem"))
}

fn sign(more: &[&str]) -> Result<String, Failure> {
    let (key, _) = keys();
    let words = ["sign", "--key", key.to_str().unwrap()];
    let words: Vec<&str> = words.iter().chain(more).copied().collect();
    let answer = token(&words, NOW)?;
    assert_eq!(answer.exit, Exit::Done);
    Ok(answer.text.strip_suffix('\n').unwrap().to_owned())
}

fn check(text: &str, more: &[&str], now: UnixTime) -> Answer {
    let (_, certificate) = keys();
    let words = [
        "check",
        text,
        "--certificate",
        certificate.to_str().unwrap(),
    ];
    let words: Vec<&str> = words.iter().chain(more).copied().collect();
    token(&words, now).unwrap()
}

fn claims(token: &str) -> Value {
    let parts = jotgate_token::unverified_parts(token.as_bytes());
    Value::Object(parts.claims.unwrap())
}

const ME: [&str; 4] = ["--claim", "userId=boz", "--claim", "userDirectory=example"];

#[test]
fn a_signed_token_is_accepted() {
    let groups = ["--claim", r#"Group=["sales","finance"]"#];
    let signed = sign(&[&ME[..], &groups[..]].concat()).unwrap();
    assert!(!signed.contains(char::is_whitespace), "the token alone");
    let answer = check(&signed, &["--attribute", "Group=group"], NOW);
    assert_eq!(answer.exit, Exit::Done, "{}", answer.text);
    assert!(
        answer.text.contains("accepted: example\\boz\n"),
        "{}",
        answer.text
    );
    assert!(
        answer
            .text
            .contains("group: \"sales\"\n    group: \"finance\"\n"),
        "{}",
        answer.text
    );
}

#[test]
fn claims_are_json_where_they_can_be() {
    let signed = sign(&[
        "--claim",
        "a=text",
        "--claim",
        "b=12",
        "--claim",
        "c=\"12\"",
        "--claim",
        "d={\"e\":[null]}",
        "--claim",
        "f=",
        "--claim",
        "g=h=i",
        "--claim",
        "j=007",
        "--claim",
        "k=true",
    ])
    .unwrap();
    assert_eq!(
        claims(&signed),
        json!({
            "a": "text", "b": 12, "c": "12", "d": {"e": [null]}, "f": "", "g": "h=i", "j": "007",
            "k": true, "iat": NOW.0, "exp": NOW.0 + 3600,
        })
    );
}

#[test]
fn dates_issuer_audience_and_key_id() {
    let signed = sign(&[
        "--expires-in=5m",
        "--issuer=i",
        "--audience=a",
        "--kid=k1",
        "--alg=PS384",
    ])
    .unwrap();
    let expected = json!({"iss": "i", "aud": "a", "iat": NOW.0, "exp": NOW.0 + 300});
    assert_eq!(claims(&signed), expected);
    let header = jotgate_token::unverified_parts(signed.as_bytes())
        .header
        .unwrap();
    assert_eq!(
        Value::Object(header),
        json!({"alg": "PS384", "typ": "JWT", "kid": "k1"})
    );
    assert_eq!(
        claims(&sign(&["--expires-in=never"]).unwrap()),
        json!({"iat": NOW.0})
    );
    let own = sign(&["--claim=exp=1", "--claim=iat=0"]).unwrap();
    assert_eq!(claims(&own), json!({"exp": 1, "iat": 0}));
}

#[test]
fn contradictions_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    fs::copy(keys().1, &file).unwrap();
    let other = |path: &str| token(&["sign", "--key", path], NOW).unwrap_err();
    let failures = [
        sign(&["--claim=a"]).unwrap_err(),
        sign(&["--claim==b"]).unwrap_err(),
        sign(&["--claim=a=1", "--claim=a=2"]).unwrap_err(),
        sign(&["--claim=exp=1", "--expires-in=1h"]).unwrap_err(),
        sign(&["--claim=iss=a", "--issuer=b"]).unwrap_err(),
        sign(&["--claim=aud=a", "--audience=b"]).unwrap_err(),
        sign(&["--alg=ES256"]).unwrap_err(),
        other("/nowhere/key.pem"),
        other(file.to_str().unwrap()),
    ];
    let text: Vec<String> = failures
        .iter()
        .map(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            let text = failure.to_string();
            let text = text.replace(folder.path().to_str().unwrap(), "DIR");
            text.replace(keys().0.to_str().unwrap(), "KEY")
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn refused_tokens_end_with_1() {
    let signed = sign(&ME).unwrap();
    let refused = |text: &str, more: &[&str], now| {
        let answer = check(text, more, now);
        assert_eq!(answer.exit, Exit::Refused, "{}", answer.text);
        let last = answer.text.lines().last().unwrap().to_owned();
        last.strip_prefix("refused: ")
            .unwrap()
            .split(':')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(refused(&signed, &[], NOW.plus(3600 + 61)), "token_expired");
    assert_eq!(
        refused(&signed, &["--clock-skew=0"], NOW.plus(3600)),
        "token_expired"
    );
    assert_eq!(
        refused(&signed, &["--audience=a"], NOW),
        "audience_mismatch"
    );
    assert_eq!(refused(&signed, &["--issuer=a"], NOW), "issuer_mismatch");
    assert_eq!(
        refused(&signed, &["--algorithm=PS256"], NOW),
        "algorithm_not_allowed"
    );
    assert_eq!(
        refused(&signed, &["--user-id-attribute=sub"], NOW),
        "claim_missing"
    );
    assert_eq!(refused(RFC_TOKEN, &[], NOW), "signature_invalid");
    assert_eq!(refused("", &[], NOW), "token_malformed");
    let endless = sign(&[&ME[..], &["--expires-in=never"]].concat()).unwrap();
    assert_eq!(check(&endless, &[], NOW).exit, Exit::Done);
    assert_eq!(
        refused(&endless, &["--require-expiration"], NOW),
        "expiration_missing"
    );
}

#[test]
fn what_surrounds_a_copied_token_does_not_matter() {
    let signed = sign(&ME).unwrap();
    for text in [
        format!("Bearer {signed}"),
        format!("Authorization: Bearer {signed}"),
        format!("authorization:bearer  {signed}\n"),
        format!("  {signed}\r\n"),
        format!("\"{signed}\""),
    ] {
        assert_eq!(check(&text, &[], NOW).exit, Exit::Done, "{text}");
    }
}

fn check_rfc(more: &[&str], now: UnixTime) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let key = json!({"kty": "RSA", "e": "AQAB", "n": RFC_MODULUS});
    fs::write(&file, json!({"keys": [key]}).to_string()).unwrap();
    let words = ["check", RFC_TOKEN, "--jwks", file.to_str().unwrap()];
    let attributes = [
        "--user-id-attribute=iss",
        "--user-directory-attribute=[example]",
    ];
    let words: Vec<&str> = words
        .iter()
        .chain(&attributes)
        .chain(more)
        .copied()
        .collect();
    token(&words, now).unwrap()
}

#[test]
fn what_is_said_of_an_accepted_token() {
    let answer = check_rfc(&["--attribute", "http://example.com/is_root=root"], RFC_NOW);
    assert_eq!(answer.exit, Exit::Done, "{}", answer.text);
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines.len(), 13 + 3, "{}", answer.text);
    assert!(
        lines.iter().take(13).all(|line| line.contains("  good  ")),
        "{}",
        answer.text
    );
    assert!(
        answer
            .text
            .ends_with("\naccepted: example\\joe\n    root: \"true\"\n"),
        "{}",
        answer.text
    );
}

/// The layout, with words of our own: those of the verdict are not ours.
#[test]
fn how_a_refusal_is_shown() {
    let step = |name, outcome, found: &str, reason: Option<Reason>| Step {
        name,
        outcome,
        found: found.to_owned(),
        expected: "what is expected".to_owned(),
        reason,
        remedy: reason.map(|_| "What to do."),
    };
    let refused = Some(Reason::TokenExpired);
    let verdict = Verdict {
        steps: vec![
            step(StepName::Form, Outcome::Passed, "what was found", None),
            step(
                StepName::Algorithm,
                Outcome::Failed,
                "something bad",
                refused,
            ),
            step(StepName::Payload, Outcome::Unproven, "what was found", None),
            step(
                StepName::Times,
                Outcome::AlsoFailed,
                "something bad",
                refused,
            ),
            step(StepName::Mapping, Outcome::NotReached, "", None),
        ],
        result: Err(Refusal::with(Reason::TokenExpired, "something bad")),
    };
    insta::assert_snapshot!(check::as_text(&verdict));
}

#[test]
fn json_for_programs() {
    let answer = check_rfc(&["--json"], RFC_NOW);
    let accepted: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(accepted["accepted"], true);
    assert_eq!(
        accepted["identity"],
        json!({"userId": "joe", "userDirectory": "example", "attributes": []})
    );
    assert_eq!(accepted["steps"].as_array().unwrap().len(), 13);
    let answer = check_rfc(&["--json"], NOW);
    let refused: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(refused["accepted"], false);
    assert_eq!(refused["reason"], "token_expired");
    let times = &refused["steps"][7];
    assert_eq!(
        (&times["step"], &times["outcome"]),
        (&json!("times"), &json!("failed"))
    );
    assert!(refused.get("identity").is_none());
}

#[test]
fn the_token_is_in_no_answer_and_in_no_error() {
    let signed = sign(&ME).unwrap();
    let (head, tail) = signed.rsplit_once('.').unwrap();
    let mut said = vec![
        check(&signed, &[], NOW).text,
        check(&signed, &["--json"], NOW).text,
        check(head, &[], NOW).text,
        check(&format!("{signed}.x"), &["--json"], NOW).text,
    ];
    for keys in [
        ["--certificate", "/nowhere"],
        ["--jwks", "/nowhere"],
        ["--jwks", "https://a/b"],
    ] {
        let words: Vec<&str> = ["check", &signed].into_iter().chain(keys).collect();
        let failure = token(&words, NOW).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        said.push(failure.to_string());
    }
    let (key, _) = keys();
    let failure = token(
        &["check", &signed, "--certificate", key.to_str().unwrap()],
        NOW,
    )
    .unwrap_err();
    assert!(
        failure.to_string().contains("holds a private key"),
        "{failure}"
    );
    said.push(failure.to_string());
    for text in said {
        assert!(!text.contains("eyJ") && !text.contains(tail), "{text}");
    }
}

#[test]
fn key_files_of_other_kinds_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let path = file.to_str().unwrap();
    for (content, flag) in [
        ("", "--certificate"),
        ("{}", "--jwks"),
        ("nothing", "--certificate"),
        ("", "--jwks"),
    ] {
        fs::write(&file, content).unwrap();
        let failure = token(&["check", "a.b.c", flag, path], NOW).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.to_string().contains(path), "{failure}");
    }
}
