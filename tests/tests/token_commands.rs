//! `jotgate token`: what `sign` makes, `check` accepts, and what is wrong it says with an exit code.

#[path = "support/refused.rs"]
mod refused;
#[path = "support/started.rs"]
mod started;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jotgate_scenarios::{Backend, Ended, Folder, Gateway, Keys, binary};
use refused::assert_refused;
use serde_json::Value;
use started::ended;

/// A new key pair and what is needed to use it.
struct Portal {
    folder: Folder,
}

impl Portal {
    async fn new() -> Self {
        let folder = Folder::empty();
        let made = ended(
            &["keygen", "--out", folder.path().to_str().expect("text")],
            &[],
        )
        .await;
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder
            .path()
            .join(name)
            .to_str()
            .expect("text")
            .to_owned()
    }

    async fn sign(&self, more: &[&str]) -> String {
        let key = self.file("private_key.pem");
        let arguments = [
            "token",
            "sign",
            "--key",
            &key,
            "--claim",
            "userId=boz",
            "--claim",
            "userDirectory=example",
        ];
        let signed = ended(&[&arguments, more].concat(), &[]).await;
        assert_eq!((signed.code, signed.stderr.as_str()), (Some(0), ""));
        let token = signed.stdout.strip_suffix('\n').expect("a line");
        assert!(
            token.starts_with("eyJ") && !token.contains(char::is_whitespace),
            "the token alone: {token}"
        );
        token.to_owned()
    }

    async fn check(&self, token: &str, more: &[&str]) -> Ended {
        let certificate = self.file("certificate.pem");
        let arguments = ["token", "check", token, "--certificate", &certificate];
        ended(&[&arguments, more].concat(), &[]).await
    }
}

#[tokio::test]
async fn a_token_is_signed_checked_and_opens_a_session() {
    let portal = Portal::new().await;
    let token = portal
        .sign(&[
            "--claim",
            r#"Group=["sales","finance"]"#,
            "--expires-in",
            "10m",
        ])
        .await;
    let checked = portal.check(&token, &["--attribute", "Group=group"]).await;
    assert_eq!(
        (checked.code, checked.stderr.as_str()),
        (Some(0), ""),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains(r"accepted: example\boz") && checked.stdout.contains("finance"),
        "{}",
        checked.stdout
    );
    assert!(!checked.stdout.contains(&token), "the token is shown");

    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    for name in ["certificate.pem", "public_key.pem"] {
        let pem = fs::read_to_string(portal.file(name)).expect("a file");
        let prefix = name.split(['.', '_']).next().expect("a word");
        let vp = gateway
            .qrs()
            .virtual_proxy(prefix)
            .set("jwtPublicKeyCertificate", pem)
            .backend(&backend)
            .await;
        vp.create().await;
        let answer = gateway
            .client()
            .get(&format!("/{prefix}/"))
            .bearer(&token)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_token_that_is_refused_ends_with_1_and_says_why() {
    let portal = Portal::new().await;
    let good = portal.sign(&[]).await;
    let last = |ended: &Ended| ended.stdout.lines().last().unwrap_or_default().to_owned();
    let foreign = Keys::second().token().sign();
    let cut = &good[..good.len() - 10];
    for (token, more, reason) in [
        (foreign.as_str(), &[][..], "signature_invalid"),
        (cut, &[], "token_truncated"),
        ("nonsense", &[], "token_malformed"),
        (&good, &["--audience", "other"], "audience_mismatch"),
        (&good, &["--issuer", "other"], "issuer_mismatch"),
        (&good, &["--user-id-attribute", "sub"], "claim_missing"),
        (&good, &["--algorithm", "PS256"], "algorithm_not_allowed"),
    ] {
        let refused = portal.check(token, more).await;
        assert_eq!(
            (refused.code, refused.stderr.as_str()),
            (Some(1), ""),
            "{reason}: {}",
            refused.stdout
        );
        assert!(
            last(&refused).starts_with(&format!("refused: {reason}")),
            "{reason}: {}",
            refused.stdout
        );
        let refused = portal.check(token, &[more, &["--json"]].concat()).await;
        assert_eq!(refused.code, Some(1), "{reason}");
        let verdict: Value = serde_json::from_str(&refused.stdout).expect("JSON");
        assert_eq!(
            (&verdict["accepted"], &verdict["reason"]),
            (&Value::from(false), &Value::from(reason))
        );
    }
    let accepted = portal.check(&good, &["--json"]).await;
    assert_eq!(accepted.code, Some(0));
    let verdict: Value = serde_json::from_str(&accepted.stdout).expect("JSON");
    assert_eq!(
        (&verdict["accepted"], &verdict["identity"]["userId"]),
        (&Value::from(true), &Value::from("boz"))
    );
}

#[tokio::test]
async fn a_token_is_read_from_standard_input_where_nobody_sees_it() {
    let portal = Portal::new().await;
    let token = portal.sign(&[]).await;
    let arguments = ["token", "check", "-", "--certificate", "certificate.pem"];
    let checked = ended_in(portal.folder.path(), &arguments, &format!("{token}\n"));
    assert_eq!(
        (checked.code, checked.stderr.as_str()),
        (Some(0), ""),
        "{}",
        checked.stdout
    );
    let refused = ended_in(portal.folder.path(), &arguments, "");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let endless = "a".repeat(2 << 20);
    let refused = ended_in(portal.folder.path(), &arguments, &endless);
    assert!(matches!(refused.code, Some(1 | 2)), "{refused:?}");
    assert!(
        refused.stdout.len() + refused.stderr.len() < 10_000,
        "it is repeated"
    );
}

#[tokio::test]
async fn tokens_and_keys_that_cannot_be_used_are_wrong_usage() {
    let portal = Portal::new().await;
    let (key, certificate) = (
        portal.file("private_key.pem"),
        portal.file("certificate.pem"),
    );
    let token = portal.sign(&[]).await;
    let claim = ["--claim", "userId=boz"];
    for (arguments, texts) in [
        (
            vec!["token", "sign", "--key", "/nowhere/key.pem"],
            ["--key", "/nowhere/key.pem"],
        ),
        (
            vec!["token", "sign", "--key", &certificate],
            ["--key", "certificate"],
        ),
        (
            vec!["token", "sign", "--key", &key, "--claim", "userId"],
            ["--claim", "="],
        ),
        (
            vec!["token", "sign", "--key", &key, "--alg", "none"],
            ["--alg", "RS256"],
        ),
        (
            vec!["token", "sign", "--key", &key, "--alg", "HS256"],
            ["--alg", "RS256"],
        ),
        (
            vec!["token", "sign", "--key", &key, "--expires-in", "soon"],
            ["--expires-in", "soon"],
        ),
        (vec!["token", "sign"], ["--key", "--help"]),
        (vec!["token", "check", &token], ["--certificate", "--jwks"]),
        (
            vec!["token", "check", &token, "--certificate", "/nowhere/c.pem"],
            ["--certificate", "/nowhere/c.pem"],
        ),
        (
            vec!["token", "check", &token, "--certificate", &key],
            ["--certificate", "private key"],
        ),
        (vec!["token", "check"], ["TOKEN", "--help"]),
        (vec!["token"], ["sign", "check"]),
    ] {
        let signs = arguments.get(1) == Some(&"sign") && arguments.len() > 2;
        let arguments = if signs {
            [&arguments[..], &claim].concat()
        } else {
            arguments
        };
        let refused = ended(&arguments, &[]).await;
        assert!(!refused.stderr.contains(&token), "the token is shown");
        if arguments == ["token"] {
            assert_eq!(refused.code, Some(2), "{refused:?}");
            continue;
        }
        assert_refused(&refused, 2, &texts);
    }
}

/// Runs `jotgate` in that folder with something on standard input.
fn ended_in(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    // What ends without reading closes the pipe.
    drop(
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes()),
    );
    let output = child.wait_with_output().expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended {
        code: output.status.code(),
        signal: None,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
