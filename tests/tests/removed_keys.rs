//! A key that is removed while tokens of it are on their way in.

mod support {
    #[expect(dead_code, reason = "what only API keys need")]
    pub(crate) mod native;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jotgate_scenarios::{Backend, Cookie, Gateway, Keys, eventually};
use serde_json::json;
use support::native::Native;

/// How many clients sign in at a time.
const CLIENTS: usize = 16;
/// How often the key is taken away.
const ROUNDS: usize = 4;

/// A token that was verified with the old key, and whose session would be opened behind the end of the
/// others: whoever removed the key has been told that its sessions are over. Tokens that count once are
/// written down between the two, so that many are there at any moment.
#[tokio::test]
async fn no_session_of_a_removed_key_is_opened_behind_the_end_of_the_others() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let native = Native::of(&gateway);
    let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
    let both = Keys::first().public_key() + &Keys::second().public_key();
    let vp = vp.set("jwtPublicKeyCertificate", &*both);
    let vp = vp.set("jwtSingleUse", true).create().await;
    let id = vp.path().rsplit('/').next().expect("an id").to_owned();
    for round in 0..ROUNDS {
        vp.set("jwtPublicKeyCertificate", &*both).await;
        let (removed, opened) = (
            Arc::new(AtomicBool::new(false)),
            Arc::<AtomicUsize>::default(),
        );
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (client, removed, opened) = (gateway.client(), removed.clone(), opened.clone());
                tokio::spawn(async move {
                    let mut cookies: Vec<Cookie> = Vec::new();
                    for count in 0.. {
                        let last = removed.load(Ordering::SeqCst);
                        let jti = format!("{round}-{number}-{count}");
                        let token = Keys::first().token().claim("jti", jti).sign();
                        let answer = client.get("/jwt/hub/").bearer(&token).send().await;
                        match answer.status {
                            // None where the session ended before the answer went out.
                            200 => cookies.extend(answer.cookies()),
                            status => assert_eq!(status, 401, "{}", answer.text()),
                        }
                        opened.fetch_add(1, Ordering::SeqCst);
                        if last {
                            break;
                        }
                    }
                    cookies
                })
            })
            .collect();
        let enough = async || (opened.load(Ordering::SeqCst) > 2 * CLIENTS).then_some(());
        eventually("clients that sign in", enough).await;
        let properties = json!({"jwtPublicKeyCertificate": Keys::second().public_key()});
        let put = json!({"kind": "VirtualProxyConfig", "id": id, "properties": properties});
        let body = json!({"changes": [{"put": put}], "endSessions": true});
        native.ask("POST", "/configuration/apply", &body).await;
        removed.store(true, Ordering::SeqCst);
        for client in clients {
            for cookie in client.await.expect("a client") {
                let request = gateway.client().get("/jwt/hub/").cookie(&cookie);
                let answer = request.send().await;
                assert_eq!(answer.status, 401, "a session of the removed key is alive");
            }
        }
    }
}
