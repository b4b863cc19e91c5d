//! Clients that save and sign in until the gateway is killed, and what they were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jotgate_scenarios::{Answer, Client, Cookie, Gateway, Keys};
use serde_json::{Value, json};

use super::administration::Administration;

/// Everything that was acknowledged, and what may have been done without it.
#[derive(Default)]
pub(crate) struct Acknowledged(Mutex<State>);

#[derive(Default)]
struct State {
    saves: usize,
    /// What was acknowledged last of each virtual proxy, by its prefix.
    saved: BTreeMap<String, usize>,
    /// What was asked for and not answered: the save may be done or not, but not by halves.
    asked: BTreeMap<String, usize>,
    sessions: Vec<(String, Cookie)>,
}

impl Acknowledged {
    /// How many saves were acknowledged.
    pub(crate) fn saves(&self) -> usize {
        self.lock().saves
    }

    /// How many sign-ins were.
    pub(crate) fn sign_ins(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Every save is there, as a whole; what is there beside them was asked for.
    pub(crate) async fn check_configuration(&self, gateway: &Gateway) {
        let all = gateway.qrs().get("/virtualproxyconfig/full").await;
        let mut found = BTreeMap::new();
        for entity in all.as_array().expect("a list") {
            let prefix = entity["prefix"].as_str().expect("a prefix").to_owned();
            if !prefix.starts_with("saved-") {
                continue;
            }
            let version = entity["sessionInactivityTimeout"]
                .as_u64()
                .expect("a number");
            let version = usize::try_from(version).expect("a small number");
            // Everything that one save wrote is there, or nothing.
            for (property, value) in document(&prefix, version).as_object().expect("an object") {
                assert_eq!(
                    &entity[property], value,
                    "{prefix} was saved by halves: {entity}"
                );
            }
            found.insert(prefix, version);
        }
        let mut state = self.lock();
        for (prefix, saved) in &state.saved {
            let there = found.get(prefix);
            let asked = state.asked.get(prefix);
            let good = there == Some(saved) || (there.is_some() && there == asked);
            assert!(
                good,
                "{prefix} was acknowledged at {saved}, asked for {asked:?}, and is {there:?}"
            );
        }
        for (prefix, version) in &found {
            let told = state.saved.contains_key(prefix) || state.asked.get(prefix) == Some(version);
            assert!(told, "nobody saved {prefix}");
        }
        state.asked.clear();
        state.saved = found;
    }

    /// Every cookie opens the session of its user.
    pub(crate) async fn check_sessions(&self, gateway: &Gateway) {
        let sessions = self.lock().sessions.clone();
        let mut connection = gateway.client().connection().await;
        for (user, cookie) in sessions {
            let request = connection.get("/jwt/").cookie(&cookie);
            let answer = connection.send(request).await.expect("an answer");
            assert_eq!(
                answer.status,
                200,
                "the session of {user} is lost: {}",
                answer.text()
            );
            assert!(
                answer.text().ends_with(&format!("UserId={user}")),
                "{} for {user}",
                answer.text()
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the state")
    }
}

/// A client that creates virtual proxies and changes each of them.
pub(crate) struct Saver {
    administration: Administration,
    known: Arc<Acknowledged>,
    round: usize,
    number: usize,
}

impl Saver {
    /// The client of that number.
    pub(crate) fn new(
        administration: Administration,
        known: Arc<Acknowledged>,
        round: usize,
        number: usize,
    ) -> Self {
        Self {
            administration,
            known,
            round,
            number,
        }
    }

    /// Saves until no answer comes any more.
    pub(crate) async fn save_until_killed(self) {
        for count in 0.. {
            let prefix = format!("saved-{}-{}-{count}", self.round, self.number);
            let Some(created) = self
                .save("POST", "/virtualproxyconfig", &prefix, 1, json!({}))
                .await
            else {
                return;
            };
            let mut entity = created;
            for version in 2..=4 {
                let path = format!(
                    "/virtualproxyconfig/{}",
                    entity["id"].as_str().expect("an id")
                );
                match self.save("PUT", &path, &prefix, version, entity).await {
                    Some(updated) => entity = updated,
                    None => return,
                }
            }
        }
    }

    /// Saves, and notes what was asked for and what was acknowledged.
    async fn save(
        &self,
        method: &str,
        path: &str,
        prefix: &str,
        version: usize,
        entity: Value,
    ) -> Option<Value> {
        let mut entity = entity;
        for (property, value) in document(prefix, version).as_object().expect("an object") {
            entity[property] = value.clone();
        }
        self.known.lock().asked.insert(prefix.to_owned(), version);
        let request = self
            .administration
            .request(method, path)
            .body(entity.to_string());
        let answer = request.try_send().await.ok()?;
        assert!(
            matches!(answer.status, 200 | 201),
            "{method} {path}: {}",
            answer.text()
        );
        let mut state = self.known.lock();
        state.saves += 1;
        state.asked.remove(prefix);
        state.saved.insert(prefix.to_owned(), version);
        Some(answer.json())
    }
}

/// What a save writes: the version is in a number, in two texts and in a list.
fn document(prefix: &str, version: usize) -> Value {
    json!({
        "prefix": prefix,
        "sessionInactivityTimeout": version,
        "description": format!("{prefix} at version {version}"),
        "sessionCookieHeaderName": format!("X-Qlik-Session-{prefix}"),
        "authenticationMethod": 4,
        "jwtPublicKeyCertificate": Keys::first().public_key(),
        "jwtAttributeUserId": "userId",
        "jwtAttributeUserDirectory": "userDirectory",
        "jwtAudience": format!("audience {version}"),
        "websocketCrossOriginWhiteList": (0..version).map(|n| format!("host-{n}.example")).collect::<Vec<_>>(),
    })
}

/// Signs in one user after the other until no answer comes any more.
pub(crate) async fn sign_in_until_killed(
    client: Client,
    known: Arc<Acknowledged>,
    round: usize,
    number: usize,
) {
    for count in 0.. {
        let user = format!("user-{round}-{number}-{count}");
        let token = Keys::first().token().user("example", &user).sign();
        let Ok(answer) = client.get("/jwt/").bearer(&token).try_send().await else {
            return;
        };
        let answer: Answer = answer;
        assert_eq!(answer.status, 200, "{}", answer.text());
        known.lock().sessions.push((user, answer.cookie()));
    }
}
