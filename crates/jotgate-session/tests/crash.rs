//! `kill -9` while sessions come and go: whatever was acknowledged is there afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{EndReason, NewSession, Sessions};
use uuid::Uuid;

const NOW: UnixTime = UnixTime(1_800_000_000);
const VP: Uuid = Uuid::from_u128(0x11);
const PATH: &str = "JOTGATE_SESSION_CRASH_TEST";

fn new_session() -> NewSession {
    NewSession {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example", "boz"),
            attributes: Vec::new(),
        },
        now: NOW,
        expires: None,
        key_fingerprint: None,
        token_issued: None,
        client_address: "192.0.2.1".into(),
        user_agent: "".into(),
        secret: None,
        max_per_user: None,
        rules: SessionRules {
            inactivity: 1800,
            max_lifetime: None,
            ends_with_token: false,
            max_per_user: None,
        },
    }
}

/// The process that is killed. Writes a line for each thing that was acknowledged, after it was.
async fn child(path: &Path) {
    let store = Sessions::open(path, NOW).await.unwrap();
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    let work = (0..8).map(|worker| {
        let store = store.clone();
        async move {
            for round in 0.. {
                let (secret, session) = store.create(new_session()).await.unwrap();
                say(format!("created {}", session.public_id()));
                let jti = format!("{}-{worker}-{round}", std::process::id());
                assert_eq!(
                    store.use_token_id(VP, &jti, NOW.plus(60), NOW).await,
                    Ok(true)
                );
                say(format!("used {jti}"));
                if round % 3 == 0 {
                    say(format!("ending {}", session.public_id()));
                    store
                        .end(&secret.key(), EndReason::LoggedOut)
                        .await
                        .unwrap();
                    say(format!("ended {}", session.public_id()));
                }
            }
        }
    });
    futures_util::future::join_all(work).await;
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost() {
    // This test starts itself once more, as the process that is killed.
    if let Some(path) = std::env::var_os(PATH) {
        return child(path.as_ref()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let mut said = Vec::new();
    for lines in [100, 301, 57] {
        said.extend(lines_of_a_killed_child(&path, lines));
        let of = |verb: &str| -> Vec<&str> {
            let lines = said.iter().filter_map(|line: &String| line.split_once(' '));
            lines
                .filter(|(v, _)| *v == verb)
                .map(|(_, id)| id)
                .collect()
        };
        let (created, ending, ended, used) = (of("created"), of("ending"), of("ended"), of("used"));
        assert!(
            ended.len() >= 5 && used.len() >= 15,
            "the child did too little"
        );

        let store = Sessions::open(&path, NOW).await.unwrap();
        for id in created {
            let there = store.find_public(id).is_some();
            assert!(
                there || ending.contains(&id),
                "{id} was acknowledged and is lost"
            );
        }
        for id in ended {
            assert!(store.find_public(id).is_none(), "{id} came back");
        }
        for jti in used {
            let again = store.use_token_id(VP, jti, NOW.plus(60), NOW).await;
            assert_eq!(again, Ok(false), "{jti} counts twice");
        }
        store.close().await.unwrap();
    }
}

/// Starts a child, kills it when it has written that many lines, and gives all it wrote.
fn lines_of_a_killed_child(path: &Path, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "nothing_that_was_acknowledged_is_lost",
            "--nocapture",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines: Vec<_> = output.by_ref().take(count).map_while(Result::ok).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    lines.extend(output.map_while(Result::ok));
    lines
}
