//! A change at one node while its users sign in at the others, which have not heard of it yet: whoever was let in
//! behind it does not stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use jotgate_scenarios::{Backend, Client, Cookie, Fleet, Keys, eventually, now};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::native::Native;
use crate::with;

/// How many sign in at each node at a time.
const CLIENTS: usize = 6;

/// Clients of one user, who sign in at every node until they are refused.
struct Crowd {
    opened: Arc<AtomicUsize>,
    changed: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Cookie>>>,
}

impl Crowd {
    /// Each token is another one, has the `jti` if there is one, and was issued a while ago.
    async fn of(fleet: &Fleet, user: &'static str, jti: Option<&'static str>) -> Self {
        let (opened, changed) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let clients = fleet.nodes.iter().flat_map(|node| {
            let all = (0..CLIENTS).map(|number| (node.client(), number));
            all.collect::<Vec<_>>()
        });
        let clients = clients.enumerate().map(|(at, (client, _))| {
            let (opened, changed) = (opened.clone(), changed.clone());
            tokio::spawn(sign_in_until_refused(
                client, user, jti, at, opened, changed,
            ))
        });
        let crowd = Self {
            clients: clients.collect(),
            opened,
            changed,
        };
        let enough = 3 * CLIENTS * fleet.nodes.len();
        let many = async || (crowd.opened.load(Ordering::SeqCst) > enough).then_some(());
        eventually("clients that sign in", many).await;
        crowd
    }

    /// The change is made, and none of the sessions counts at any node a moment later.
    async fn expect_out(self, fleet: &Fleet, what: &str) {
        self.changed.store(true, Ordering::SeqCst);
        let cookies = join_all(self.clients).await.into_iter();
        let cookies: Vec<_> = cookies
            .flat_map(|client| client.expect("a client"))
            .collect();
        assert!(!cookies.is_empty());
        for node in &fleet.nodes {
            let nobody = async || {
                let answers = join_all(cookies.iter().map(|cookie| with(node, cookie))).await;
                let in_vain = answers.iter().all(|answer| answer.status == 401);
                in_vain.then_some(())
            };
            eventually(what, nobody).await;
        }
    }
}

async fn sign_in_until_refused(
    client: Client,
    user: &'static str,
    jti: Option<&'static str>,
    number: usize,
    opened: Arc<AtomicUsize>,
    changed: Arc<AtomicBool>,
) -> Vec<Cookie> {
    let mut cookies = Vec::new();
    for count in 0.. {
        let is_over = changed.load(Ordering::SeqCst);
        let own = format!("{user}-{number}-{count}");
        let token = Keys::first().token().user("example", user);
        let token = token.claim("iat", now() - 60).claim("own", own.as_str());
        let token = token.claim("jti", jti.unwrap_or(&own)).sign();
        let answer = client.get("/jwt/hub/").bearer(&token).send().await;
        match answer.status {
            // None where the session ended before the answer went out.
            200 => cookies.extend(answer.cookies()),
            // Whoever is refused and knows of the change need not try again.
            401 | 403 if is_over => break,
            401 | 403 => {}
            other => panic!("{other}: {}", answer.text()),
        }
        opened.fetch_add(1, Ordering::SeqCst);
    }
    cookies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stays_who_was_let_in_behind_a_change() {
    let fleet = Fleet::of(3, Backend::echo().await).await;
    let both = Keys::first().public_key() + &Keys::second().public_key();
    fleet.vp.set("jwtPublicKeyCertificate", &*both).await;
    fleet.caught_up().await;
    let native = Native::of(&fleet.nodes[0]);

    let crowd = Crowd::of(&fleet, "anna", None).await;
    let revocation = json!({"userDirectory": "example", "userId": "anna"});
    native.ask("POST", "/revocations", &revocation).await;
    crowd.expect_out(&fleet, "the user's tokens").await;

    let crowd = Crowd::of(&fleet, "boz", Some("shared")).await;
    let revocation = json!({"virtualProxy": fleet.vp.id, "jti": "shared"});
    native.ask("POST", "/revocations", &revocation).await;
    crowd.expect_out(&fleet, "the tokens of one jti").await;

    let crowd = Crowd::of(&fleet, "carl", None).await;
    let noted = async || {
        let users = fleet.nodes[0].qrs();
        let users = users.get("/user?filter=userId%20eq%20%27carl%27").await;
        users[0]["id"].as_str().map(str::to_owned)
    };
    let id = eventually("the user at this node", noted).await;
    let (path, block) = (format!("/users/{id}"), json!({"blocked": true}));
    native.ask("PATCH", &path, &block).await;
    crowd.expect_out(&fleet, "the blocked user").await;

    let crowd = Crowd::of(&fleet, "dora", None).await;
    let properties = json!({"jwtPublicKeyCertificate": Keys::second().public_key()});
    let put = json!({"kind": "VirtualProxyConfig", "id": fleet.vp.id, "properties": properties});
    let change = json!({"changes": [{"put": put}], "endSessions": true});
    native.ask("POST", "/configuration/apply", &change).await;
    crowd.expect_out(&fleet, "the removed key").await;

    let verdict = native.ask("GET", "/audit/verify", &Value::Null).await;
    assert_eq!(verdict["problem"], Value::Null, "{verdict}");
}
