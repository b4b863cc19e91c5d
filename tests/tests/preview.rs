//! A change that is tried before it is made: who would notice, and whether applying it does what was told.

mod support {
    pub(crate) mod native;
}
#[path = "support/started.rs"]
mod started;

use jotgate_scenarios::{
    Backend, Client, Cookie, Gateway, Keys, Reply, SOON, VirtualProxy, eventually,
};
use serde_json::{Value, json};
use support::native::{BASE, Native};

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    native: Native,
}

impl Site {
    /// A virtual proxy that takes tokens of both keys.
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
        let both = Keys::first().public_key() + &Keys::second().public_key();
        let vp = vp.set("jwtPublicKeyCertificate", both).create().await;
        let native = Native::of(&gateway);
        Self {
            gateway,
            backend,
            vp,
            native,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    async fn sign_in(&self, keys: &Keys, user: &str) -> Cookie {
        let token = keys.token().user("corp", user).sign();
        let request = self.client().get("/jwt/hub/").bearer(&token);
        request.send().await.cookie()
    }

    async fn status_with(&self, cookie: &Cookie) -> u16 {
        let request = self.client().get("/jwt/hub/").cookie(cookie);
        request.send().await.status
    }

    async fn revision(&self) -> u64 {
        let list = self.native.ask("GET", "/revisions?limit=1", &Value::Null);
        let list = list.await;
        list["revisions"][0]["revision"].as_u64().expect("a number")
    }

    /// One change of the virtual proxy.
    fn put(&self, properties: Value) -> Value {
        let id = self.vp.path().rsplit('/').next().expect("an id").to_owned();
        json!({"put": {"kind": "VirtualProxyConfig", "id": id, "properties": properties}})
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.native.request("POST", path).body(body.to_string());
        let answer = request.send().await;
        (answer.status, answer.json())
    }
}

/// The test of issue 5: three live users, of whom two were signed in by the old key alone.
#[tokio::test]
async fn a_swapped_key_ends_exactly_those_whom_the_preview_named() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    let boz = site.sign_in(Keys::first(), "boz").await;
    let zoe = site.sign_in(Keys::second(), "zoe").await;
    let open = async |cookie: &Cookie| {
        let request = site.client().get("/jwt/app/1").cookie(cookie);
        request.open_socket().await.expect("a WebSocket")
    };
    let (of_anna, mut of_zoe) = (open(&anna).await, open(&zoe).await);
    let before = site.revision().await;
    let swap = site.put(json!({"jwtPublicKeyCertificate": Keys::second().public_key()}));
    let body = json!({"changes": [swap], "base": before, "endSessions": true});

    let tried = site
        .native
        .ask("POST", "/configuration/preview", &body)
        .await;
    let groups = tried["sessions"]["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 1, "{tried}");
    let group = &groups[0];
    assert_eq!(
        (&group["outcome"], &group["reason"]),
        (&json!("ends"), &json!("key_removed"))
    );
    let named = group["sessions"].as_array().expect("sessions");
    let users: Vec<_> = named
        .iter()
        .map(|session| session["user"].clone())
        .collect();
    assert_eq!(
        users,
        ["corp\\anna", "corp\\boz"].map(|user| json!(user)),
        "{tried}"
    );
    assert_eq!(named[0]["openSockets"], 1);
    assert_eq!(tried["sessions"]["lookedAt"], 3);
    assert_eq!(site.revision().await, before, "nothing is saved");
    for cookie in [&anna, &boz, &zoe] {
        assert_eq!(site.status_with(cookie).await, 200, "nobody's session ends");
    }

    let applied = site.native.ask("POST", "/configuration/apply", &body).await;
    assert_eq!(
        (&applied["endedSessions"], &applied["after"]),
        (&json!(2), &json!(before + 1))
    );
    let (notice, _) = of_anna.expect_end(SOON).await;
    assert_eq!(notice["method"], "OnSessionClosed");
    assert_eq!(site.status_with(&anna).await, 401);
    assert_eq!(site.status_with(&boz).await, 401);
    assert_eq!(site.status_with(&zoe).await, 200);
    of_zoe.assert_echo("still here").await;
    let token = Keys::first().token().user("corp", "anna").sign();
    let again = site.client().get("/jwt/hub/").bearer(&token).send().await;
    assert_eq!(again.status, 401, "the old key opens nothing any more");
}

/// Decision 8: a removed key ends sessions only where the save asks for it.
#[tokio::test]
async fn without_end_sessions_a_removed_key_ends_nobody() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    let swap = site.put(json!({"jwtPublicKeyCertificate": Keys::second().public_key()}));
    let body = json!({"changes": [swap]});
    let tried = site
        .native
        .ask("POST", "/configuration/preview", &body)
        .await;
    assert_eq!(
        tried["sessions"]["groups"][0]["outcome"], "goes_on",
        "{tried}"
    );
    let applied = site.native.ask("POST", "/configuration/apply", &body).await;
    assert_eq!(applied["endedSessions"], 0);
    assert_eq!(site.status_with(&anna).await, 200);
}

#[tokio::test]
async fn what_both_have_changed_is_a_conflict_that_names_the_fields() {
    let site = Site::new().await;
    let base = site.revision().await;
    site.vp.set("jwtAudience", "theirs").await;
    let mine = site.put(json!({"jwtAudience": "mine"}));
    let body = json!({"changes": [mine], "base": base});
    for path in ["difference", "preview", "apply"] {
        let (status, problem) = site.post(&format!("/configuration/{path}"), &body).await;
        assert_eq!(status, 409, "{problem}");
        let conflict = &problem["conflicts"][0];
        assert_eq!(conflict["kind"], "VirtualProxyConfig", "{problem}");
        let expected =
            json!({"field": "jwtAudience", "base": "", "mine": "mine", "theirs": "theirs"});
        assert_eq!(conflict["fields"], json!([expected]));
    }
    // Another document than theirs is no conflict.
    let tag = json!({"put": {"kind": "Tag", "properties": {"name": "portal"}}});
    let body = json!({"changes": [tag], "base": base});
    let applied = site.native.ask("POST", "/configuration/apply", &body).await;
    assert_eq!(applied["after"], base + 2);
    assert_eq!(site.vp.entity().await["jwtAudience"], "theirs");
}

#[tokio::test]
async fn a_draft_that_is_none_is_refused_with_what_is_wrong() {
    let site = Site::new().await;
    let before = site.revision().await;
    let put = |properties| json!({"changes": [site.put(properties)]});
    for (body, status, told) in [
        (json!({}), 400, "either configuration or changes"),
        (json!({"configuration": {}, "changes": []}), 400, "either"),
        (json!({"changes": [], "later": 1}), 400, "later"),
        (json!({"changes": [{"move": {}}]}), 400, "move"),
        (
            json!({"changes": [{"delete": {"kind": "App", "id": "x"}}]}),
            400,
            "App",
        ),
        (
            put(json!({"jwtAudienze": "x"})),
            400,
            "changes[0].jwtAudienze",
        ),
        (
            put(json!({"jwtAudience": null})),
            400,
            "changes[0].jwtAudience",
        ),
        (put(json!({"prefix": "x".repeat(300)})), 400, "prefix"),
        (
            put(json!({"sessionInactivityTimeout": 0})),
            400,
            "sessionInactivityTimeout",
        ),
        (
            json!({"changes": [], "base": before + 1}),
            404,
            "no revision",
        ),
    ] {
        for path in ["preview", "apply"] {
            let (found, problem) = site.post(&format!("/configuration/{path}"), &body).await;
            assert_eq!(found, status, "{body}: {problem}");
            assert!(problem.to_string().contains(told), "{body}: {problem}");
        }
    }
    assert_eq!(site.revision().await, before);
}

/// A preview names users: it is for those who may make the change.
#[tokio::test]
async fn a_program_with_an_api_key_previews_nothing() {
    let site = Site::new().await;
    let key = site.native.api_key(&["sessions.read"], &["jwt"]).await;
    for path in ["preview", "apply"] {
        let path = format!("{BASE}/configuration/{path}");
        let request = site.client().post(&path).bearer(&key);
        let request = request.header("Content-Type", "application/json");
        let answer = request
            .body(json!({"changes": []}).to_string())
            .send()
            .await;
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
}

/// The session of a removed key ends only when the change has proved itself.
#[tokio::test]
async fn a_probe_that_fails_takes_the_change_back_and_ends_nobody() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    let dead = Backend::nowhere().await;
    let services = json!([{"path": "/", "uri": format!("http://{dead}")}]);
    let properties = json!({"name": "dead", "services": services});
    let node = site.gateway.qrs().node_with(properties).await;
    let change = site.put(json!({
        "jwtPublicKeyCertificate": Keys::second().public_key(),
        "loadBalancingServerNodes": [node],
    }));
    let token = Keys::second().token().user("corp", "probe").sign();
    let probe = json!({"path": "/jwt/hub/", "token": token, "expect": 200});
    let body = json!({"changes": [change], "endSessions": true, "probe": probe});

    // Others notice nothing of it.
    let other = site.gateway.qrs().virtual_proxy("other");
    other.backend(&site.backend).await.create().await;
    let revision = site.revision().await;
    let token = Keys::first().token().user("corp", "boz").sign();
    let load = tokio::spawn({
        let client = site.client();
        async move {
            let mut statuses = Vec::new();
            while statuses.len() < 200 {
                let request = client.get("/other/hub/").bearer(&token);
                statuses.push(request.send().await.status);
            }
            statuses
        }
    });
    let (status, problem) = site.post("/configuration/apply", &body).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().expect("a sentence");
    assert_eq!(
        detail,
        "Rolled back: the probe of /jwt/hub/ got 502 (node_failed) where 200 was expected."
    );
    let expected = json!({
        "path": "/jwt/hub/", "expected": 200, "status": 502, "reason": "node_failed",
        "revision": revision + 1, "restored": revision + 2,
    });
    assert_eq!(problem["probe"], expected);
    assert_eq!(site.revision().await, revision + 2);
    assert_eq!(site.status_with(&anna).await, 200, "her session goes on");
    let again = site.sign_in(Keys::first(), "zoe").await;
    assert_eq!(site.status_with(&again).await, 200, "the old key is back");
    let statuses = load.await.expect("the load");
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// What the feed has kept decides; what hangs on more than that is unknown.
#[tokio::test]
async fn recent_requests_are_judged_once_more() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    site.sign_in(Keys::second(), "zoe").await;
    assert_eq!(site.status_with(&anna).await, 200);
    let tried = async |properties: Value| {
        let body = json!({"changes": [site.put(properties)]});
        site.native
            .ask("POST", "/configuration/preview", &body)
            .await["requests"]
            .take()
    };
    let all = async || {
        let found = tried(json!({"description": "another"})).await;
        assert_eq!(
            (&found["unknown"], &found["groups"]),
            (&json!(0), &json!([])),
            "{found}"
        );
        (found["lookedAt"] == 3).then_some(())
    };
    eventually("the requests in the feed", all).await;

    let found = tried(json!({"jwtPublicKeyCertificate": Keys::second().public_key()})).await;
    let group = &found["groups"][0];
    assert_eq!(
        (&group["reason"], &group["count"]),
        (&json!("key_not_found"), &json!(1))
    );
    assert_eq!(group["requests"][0]["user"], "corp\\anna", "{found}");
    assert_eq!(
        found["unknown"], 1,
        "the token of zoe is not there to be judged: {found}"
    );

    let found = tried(json!({"accessRule": "id = \"zoe\""})).await;
    let group = &found["groups"][0];
    assert_eq!(
        (&group["reason"], &group["count"]),
        (&json!("access_denied"), &json!(2))
    );
    let found = tried(json!({"prefix": "elsewhere"})).await;
    assert_eq!(found["groups"][0]["count"], 3, "{found}");
}

#[tokio::test]
async fn a_change_that_proves_itself_stays() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    let token = Keys::second().token().user("corp", "probe").sign();
    let change = site.put(json!({"jwtPublicKeyCertificate": Keys::second().public_key()}));
    let probe = json!({"path": "/jwt/hub/", "token": token, "expect": 200});
    let body = json!({"changes": [change], "endSessions": true, "probe": probe});
    let applied = site.native.ask("POST", "/configuration/apply", &body).await;
    assert_eq!(applied["probe"]["status"], 200, "{applied}");
    assert_eq!(applied["endedSessions"], 1);
    assert_eq!(site.status_with(&anna).await, 401);
}

/// A backend that never answers: the probe has a time limit of its own.
#[tokio::test]
async fn a_probe_that_is_not_answered_takes_the_change_back() {
    let site = Site::new().await;
    let silent = Backend::answering(|_| Reply::never()).await;
    let node = site.gateway.qrs().node(&silent).await;
    let change = site.put(json!({"loadBalancingServerNodes": [node]}));
    let token = Keys::first().token().user("corp", "probe").sign();
    let probe = json!({"path": "/jwt/hub/", "token": token, "expect": 200, "timeout": 1});
    let body = json!({"changes": [change], "probe": probe});
    let (status, problem) = site.post("/configuration/apply", &body).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["probe"]["status"], Value::Null);
    let anna = site.sign_in(Keys::first(), "anna").await;
    assert_eq!(site.status_with(&anna).await, 200);
    for (probe, told) in [
        (json!({"path": "jwt", "expect": 200}), "probe.path"),
        (json!({"path": "/", "expect": 600}), "probe.expect"),
        (
            json!({"path": "/", "expect": 200, "timeout": 31}),
            "probe.timeout",
        ),
        (json!({"path": "/"}), "expect"),
    ] {
        let body = json!({"changes": [], "probe": probe});
        let (status, problem) = site.post("/configuration/apply", &body).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem.to_string().contains(told), "{problem}");
    }
}

#[tokio::test]
async fn the_command_line_says_who_would_notice_and_ends_their_sessions() {
    let site = Site::new().await;
    let anna = site.sign_in(Keys::first(), "anna").await;
    let data = site.gateway.folder().data();
    let jotgate = async |words: &[&str]| {
        let place = ["--data-dir", data.to_str().expect("text")];
        let ended = started::ended(&[words, &place].concat(), &[]).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        ended.stdout
    };
    let path = site.gateway.folder().path().join("site.toml");
    let file = path.to_str().expect("text");
    let exported = jotgate(&["export"]).await;
    let kept = exported.replace(Keys::first().public_key().trim_end(), "");
    assert_ne!(kept, exported);
    std::fs::write(&path, kept).expect("a file");
    let said = jotgate(&["diff", file]).await;
    assert!(
        said.contains("sessions at \"/jwt\" going on, ending with --end-sessions: 1"),
        "{said}"
    );
    let said = jotgate(&["apply", file, "--dry-run", "--end-sessions"]).await;
    assert!(
        said.contains("sessions at \"/jwt\" ending: 1") && said.contains("corp\\anna"),
        "{said}"
    );
    assert_eq!(site.status_with(&anna).await, 200);
    let said = jotgate(&["apply", file, "--end-sessions"]).await;
    assert!(said.ends_with("sessions ended: 1\n"), "{said}");
    assert_eq!(site.status_with(&anna).await, 401);

    let exported = jotgate(&["export"]).await;
    let other = exported.replace("prefix = \"jwt\"", "prefix = \"jwt\"\njwtAudience = \"x\"");
    std::fs::write(&path, other).expect("a file");
    let token = path.with_file_name("token");
    let signed = Keys::second().token().user("corp", "probe").sign();
    std::fs::write(&token, signed).expect("a file");
    let token = token.to_str().expect("text");
    let place = ["--data-dir", data.to_str().expect("text")];
    let words = [
        "apply",
        file,
        "--probe",
        "/jwt/hub/",
        "--probe-token-file",
        token,
    ];
    let ended = started::ended(&[&words[..], &place].concat(), &[]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("Rolled back") && ended.stderr.contains("audience_mismatch"),
        "{}",
        ended.stderr
    );
    assert_eq!(jotgate(&["export"]).await, exported);
    let expecting = [&words[..], &place, &["--expect", "401"]].concat();
    let ended = started::ended(&expecting, &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
