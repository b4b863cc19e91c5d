use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::{KeyRing, LiveSide, OwnKey, Privilege, ProbeAnswer};
use jotgate_model::entity::{AttributeMapItem, AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{Algorithm, Uuid};
use jotgate_token::SigningKey;
use serde_json::{Value, json};

use crate::testing::{Shown, Site, now, quiet_side, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

struct Bench {
    site: Site,
    id: Uuid,
    key: SigningKey,
    keys: Arc<KeyRing>,
}

async fn bench() -> Bench {
    let site = site().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-portal".to_owned(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_public_key_certificate: pair.public_key_pem(),
        jwt_algorithms: vec!["ES256".to_owned()],
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_attribute_map: vec![AttributeMapItem {
            jwt_attribute: "groups".to_owned(),
            sense_attribute: "Group".to_owned(),
            ..Default::default()
        }],
        private_claims: vec!["salary".to_owned()],
        ..Default::default()
    };
    let (management, actor) = (&site.management, &site.visitor.actor);
    let created = management.create_virtual_proxy(actor, draft, now()).await;
    let id = created.unwrap().metadata.id;
    let keys = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    keys.prepare(&management.snapshot());
    let keys = Arc::new(keys);
    management.use_keys(keys.clone(), now()).await.unwrap();
    let key = SigningKey::from_pem(&pair.serialize_pem()).unwrap();
    Bench {
        site,
        id,
        key,
        keys,
    }
}

impl Bench {
    fn token(&self, more: &Value) -> String {
        let seconds = now().as_millis() / 1000;
        let mut claims = json!({
            "userId": "boz", "userDirectory": "LAB", "groups": ["sales"], "salary": "98765",
            "iat": seconds - 60, "exp": seconds + 600,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = claims.as_object().unwrap();
        self.key.sign(Algorithm::ES256, None, claims).unwrap()
    }

    async fn check(&self, token: &str) -> Shown {
        self.press("check", token).await
    }

    async fn press(&self, button: &str, token: &str) -> Shown {
        let id = self.id.to_string();
        let fields = [
            ("do", button),
            ("virtual-proxy", &*id),
            ("token", token),
            ("path", "/app/42"),
        ];
        self.site.post("/qmc/tokens", &fields).await
    }
}

#[tokio::test]
async fn a_token_is_judged_step_by_step_with_its_user_and_headers() {
    let bench = bench().await;
    let address = format!("/qmc/tokens?virtual-proxy={}", bench.id);
    let asked = bench.site.get(&address).await.text;
    assert!(asked.contains(&format!("value=\"{}\" selected", bench.id)));
    let shown = bench.check(&bench.token(&json!({}))).await;
    assert_eq!(shown.status, StatusCode::OK);
    for text in [
        "It signs in <strong>LAB\\boz</strong>",
        "expires in 10 minutes",
        "issued 1 minute ago",
        "<dt>Group</dt><dd>sales</dd>",
        "UserDirectory=LAB; UserId=boz",
        "<dt class=\"mono\">x-qlik-app</dt><dd class=\"mono\">42</dd>",
        "is not linked to this gateway",
    ] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert_eq!(shown.text.matches("data-name=\"Outcome\"").count(), 14);
    assert!(!shown.text.contains("98765"), "a private claim");
}

#[tokio::test]
async fn a_refused_token_says_why_and_leads_to_the_field() {
    let bench = bench().await;
    let expired = bench.token(&json!({"exp": now().as_millis() / 1000 - 180}));
    let shown = bench.check(&expired).await.text;
    assert!(shown.contains("401 token_expired"), "{shown}");
    assert!(shown.contains("expired 3 minutes ago"), "{shown}");
    let field = format!("/qmc/virtual-proxies/{}#f-jwtClockSkewSeconds", bench.id);
    assert!(shown.contains(&field), "{shown}");
    assert!(!shown.contains("What the backend is told"));
    let missing = bench.check(&bench.token(&json!({"userId": 5}))).await.text;
    assert!(missing.contains("#f-jwtAttributeUserId"), "{missing}");
}

#[tokio::test]
async fn what_surrounds_a_token_is_forgiven_and_said() {
    let bench = bench().await;
    let token = bench.token(&json!({}));
    let shown = bench.check(&format!("\"Bearer {token}\"")).await.text;
    assert!(shown.contains("quotes around it, Bearer before it"));
    assert!(shown.contains("It signs in"));
    let plain = bench.check(&token).await.text;
    assert!(!plain.contains("Judged without"));
}

#[tokio::test]
async fn what_is_no_token_or_no_virtual_proxy_is_said_at_once() {
    let bench = bench().await;
    let empty = bench.check(" ").await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert!(empty.text.contains("Paste a token first"));
    let long = bench.check(&"x".repeat(70_000)).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    assert!(!long.text.contains("xxxx"));
    let nonsense = bench.check("nonsense").await;
    assert_eq!(nonsense.status, StatusCode::OK);
    assert!(nonsense.text.contains("token_malformed"));
    let site = &bench.site;
    let fields = [("virtual-proxy", "nowhere"), ("token", "x")];
    let shown = site.post("/qmc/tokens", &fields).await;
    assert_eq!(shown.status, StatusCode::BAD_REQUEST);
    assert!(shown.text.contains("nowhere"), "{}", shown.text);
    let snapshot = site.management.snapshot();
    let mut all = snapshot.virtual_proxies();
    let ticket = all.find(|vp| vp.id != bench.id).unwrap().id.to_string();
    let fields = [("virtual-proxy", &*ticket), ("token", "x")];
    let shown = site.post("/qmc/tokens", &fields).await;
    assert!(shown.text.contains("is not JWT"), "{}", shown.text);
}

#[tokio::test]
async fn whoever_only_reads_may_judge_and_a_token_never_comes_from_an_address() {
    let mut bench = bench().await;
    bench.site.visitor.actor.privilege = Privilege::AuditAdmin;
    let token = bench.token(&json!({}));
    assert!(bench.check(&token).await.text.contains("It signs in"));
    let id = bench.id;
    let address = format!("/qmc/tokens?virtual-proxy={id}&token={token}");
    let shown = bench.site.get(&address).await.text;
    assert!(!shown.contains(&token) && !shown.contains("It signs in"));
    let form = format!("virtual-proxy={id}&token={token}");
    let forged = bench
        .site
        .send(crate::testing::form_request("/qmc/tokens", form))
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(!forged.text.contains(&token));
}

/// A request path that refuses with a body that begins with `body`.
fn answering(bench: &Bench, body: &'static str) {
    bench.site.management.use_live(LiveSide {
        probe: Box::new(move |probe| {
            Box::pin(async move {
                assert!(probe.token.is_some() && probe.keep == 1024);
                Ok(ProbeAnswer {
                    status: 502,
                    reason: Some("node_unavailable".to_owned()),
                    reference: Some("R1".to_owned()),
                    location: Some(body.to_owned()),
                    content_type: Some(body.to_owned()),
                    start: format!("{} {body}", probe.path),
                    is_cut: true,
                })
            })
        }),
        ..quiet_side()
    });
}

#[tokio::test]
async fn a_token_is_sent_and_the_answer_is_shown_as_text() {
    let mut bench = bench().await;
    answering(&bench, EVIL);
    let token = bench.token(&json!({}));
    let shown = bench.press("send", &token).await.text;
    assert!(shown.contains("502 node_unavailable"), "{shown}");
    assert!(shown.contains("href=\"/qmc/requests/R1\""), "{shown}");
    assert!(shown.contains("/portal/app/42 &#34;&#62;"), "{shown}");
    assert!(!shown.contains("<img") && !shown.contains("<script>alert"));
    assert!(
        !bench
            .check(&token)
            .await
            .text
            .contains("502 node_unavailable")
    );
    bench.site.visitor.actor.privilege = Privilege::AuditAdmin;
    assert_eq!(
        bench.press("send", &token).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(!bench.check(&token).await.text.contains("value=\"send\""));
}

#[tokio::test]
async fn a_token_of_any_provider_is_read_and_fills_in_a_virtual_proxy() {
    let bench = bench().await;
    let claims =
        json!({"iss": "https://id.example.com", "aud": ["gate", "other"], "oid": "42", EVIL: "x"});
    let token = bench.token(&claims);
    let fields = [("virtual-proxy", ""), ("token", &*token)];
    let read = bench.site.post("/qmc/tokens", &fields).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    for text in [
        "<option>oid</option>",
        "name=\"issuer\" value=\"https://id.example.com\"",
        "name=\"audience\" value=\"gate\"",
        "name=\"algorithm\" value=\"ES256\"",
    ] {
        assert!(read.text.contains(text), "{text}: {}", read.text);
    }
    assert!(!read.text.contains("Step by step") && !read.text.contains("<img"));
    let revision = bench.site.management.snapshot().revision;
    let id = bench.id.to_string();
    for (target, path) in [("new", "new"), (&*id, &*id)] {
        let fields = [
            ("target", target),
            ("user-claim", "oid"),
            ("directory-claim", ""),
            ("directory", "ENTRA"),
            ("issuer", "https://id.example.com"),
            ("audience", EVIL),
            ("algorithm", "ES256"),
        ];
        let filled = bench.site.post("/qmc/tokens/fill", &fields).await;
        assert_eq!(filled.status, StatusCode::OK, "{}", filled.text);
        let action = format!("action=\"/qmc/virtual-proxies/{path}\"");
        for text in [
            &*action,
            "value=\"oid\"",
            "value=\"[ENTRA]\"",
            "value=\"https://id.example.com\"",
        ] {
            assert!(filled.text.contains(text), "{text}: {}", filled.text);
        }
        assert!(!filled.text.contains("<img"));
    }
    let gone = [("target", "00000000-0000-0000-0000-000000000001")];
    let gone = bench.site.post("/qmc/tokens/fill", &gone).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.site.management.snapshot().revision, revision);
}

#[tokio::test]
async fn lines_to_copy_have_the_address_and_the_token() {
    let bench = bench().await;
    let token = bench.token(&json!({}));
    let shown = bench.check(&token).await.text;
    let line = "curl --include --header @- &#39;https://gateway.example.com/portal/app/42&#39;";
    assert!(shown.contains(line), "{shown}");
    let id = bench.id.to_string();
    for path in ["'; id", "/a b", "/\"", "/#x", "/\u{e4}"] {
        let fields = [("virtual-proxy", &*id), ("token", &*token), ("path", path)];
        let shown = bench.site.post("/qmc/tokens", &fields).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(!shown.text.contains("curl"), "{path}");
    }
}

#[tokio::test]
async fn a_token_is_in_no_row_of_the_audit() {
    let bench = bench().await;
    let token = bench.token(&json!({}));
    bench.check(&token).await;
    let rows = bench.site.get("/qmc/audit").await.text;
    assert!(!rows.contains(&token));
}

#[tokio::test]
async fn hostile_claims_and_texts_stay_text() {
    let bench = bench().await;
    let claims = json!({"userId": EVIL, "userDirectory": EVIL, "groups": [EVIL], EVIL: EVIL, "iss": EVIL, "jti": EVIL});
    let id = bench.id.to_string();
    for token in [&*bench.token(&claims), EVIL] {
        for path in ["/", EVIL] {
            let fields = [("virtual-proxy", &*id), ("token", token), ("path", path)];
            let shown = bench.site.post("/qmc/tokens", &fields).await;
            assert!(!shown.text.contains("<script>alert"), "{}", shown.text);
            assert!(!shown.text.contains("<img"), "{}", shown.text);
        }
    }
}

/// The bench, with its key as the gateway's own.
async fn own_bench() -> Bench {
    let bench = bench().await;
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let management = &bench.site.management;
    let mut draft = (*management.snapshot().documents.virtual_proxies[&bench.id]).clone();
    draft.jwt_public_key_certificate = own.public_key_pem();
    let actor = &bench.site.visitor.actor;
    let saved = management.update_virtual_proxy(actor, bench.id, draft, now());
    saved.await.unwrap();
    bench.keys.prepare(&management.snapshot());
    let key = OwnKey::from_pem(&own.public_key_pem(), &own.serialize_pem());
    management.use_own_key(key.unwrap());
    bench
}

async fn mint(bench: &Bench, more: &[(&str, &str)]) -> Shown {
    let id = bench.id.to_string();
    let usual = [
        ("virtual-proxy", &*id),
        ("user", "boz"),
        ("directory", "LAB"),
        ("lifetime", "60"),
    ];
    let is_other = |name: &str| more.iter().any(|(other, _)| *other == name);
    let usual = usual.into_iter().filter(|(name, _)| !is_other(name));
    let fields: Vec<_> = usual.chain(more.iter().copied()).collect();
    bench.site.post("/qmc/tokens/mint", &fields).await
}

#[tokio::test]
async fn a_root_admin_makes_a_token_with_the_own_key() {
    let bench = own_bench().await;
    let offered = bench.site.get("/qmc/tokens").await.text;
    assert!(offered.contains("gateway's own key"), "{offered}");
    let made = mint(&bench, &[("claims", "{\"groups\": [\"sales\"]}")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    for text in [
        "It signs in <strong>LAB\\boz",
        "Made. The audit trail",
        "sales",
    ] {
        assert!(made.text.contains(text), "{text}: {}", made.text);
    }
    for (fields, told) in [
        ([("claims", "[1]"), ("user", "boz")], "a JSON object"),
        (
            [("claims", "{\"exp\": 1}"), ("user", "boz")],
            "must not have exp",
        ),
        ([("lifetime", "3600"), ("user", EVIL)], "1 to 300 seconds"),
        ([("lifetime", "soon"), ("claims", EVIL)], "a JSON object"),
        ([("virtual-proxy", "x"), ("user", EVIL)], "no virtual proxy"),
    ] {
        let wrong = mint(&bench, &fields).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{told}");
        assert!(wrong.text.contains(told), "{told}: {}", wrong.text);
        assert!(!wrong.text.contains("<script>alert"), "{told}");
        assert!(!wrong.text.contains("eyJ0"), "no token");
    }
    let trail = bench.site.get("/qmc/audit?action=token.mint").await.text;
    assert_eq!(trail.matches("data-name=\"Outcome\"").count(), 1);
}

#[tokio::test]
async fn nobody_else_is_offered_the_own_key_or_gets_a_token_of_it() {
    let mut bench = own_bench().await;
    for role in [Privilege::SecurityAdmin, Privilege::AuditAdmin] {
        bench.site.visitor.actor.privilege = role;
        let offered = bench.site.get("/qmc/tokens").await.text;
        assert!(!offered.contains("gateway's own key"), "{role:?}");
        let refused = mint(&bench, &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?}");
        assert!(!refused.text.contains("eyJ"), "{role:?}");
    }
    let forged = crate::testing::form_request("/qmc/tokens/mint", "user=boz".to_owned());
    bench.site.visitor.actor.privilege = Privilege::RootAdmin;
    assert_eq!(bench.site.send(forged).await.status, StatusCode::FORBIDDEN);
}
