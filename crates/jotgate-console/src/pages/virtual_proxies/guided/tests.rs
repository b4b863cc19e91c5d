use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jotgate_manage::{LiveSide, Privilege};
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{BackendCheck, BackendOutcome};

use crate::testing::{Shown, Site, quiet_side, site};

const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsfYa5AWR1ohpYMBsENPr
odN4I7/esTlxCbP427nezfirAYl0feEHWOLZQU0g6NK6FosEG53NQ/pVGydMSk5e
9tuaVZJnZz8/11RP+41WHMwmryiqHwARmXB0SHQrilNZ5OJKdPiw38zMQs0Jb6kh
LyVEWYhTQJEu8yJcGZTk5Xu6aa4QWq1RVH2qJS+nWqqujlF+LXCZCkTWLhCLCB2J
WjM/xRbWLay602yYFQ7iO9ZkgDeq8eBpmKjyJ6OhcdA0rAKOLbBbMiji9TC53u1y
v0+p7B4t+zprJOQVcBcI1H3eDgDLG7nG4SFX56bGL2XujFxyPlkGZsRqDwb/TGDl
AwIDAQAB
-----END PUBLIC KEY-----";
const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3r67BtaeWtK8VQm3jYiw98jbgSag
0hAObQPf8F9HlYi79k6gio3f3Uu9X/laQQdLNCGLF2rqdI6ljmI/3qLbnw==
-----END PUBLIC KEY-----";

/// Posts what a browser would, with `typed` put over a form that can be accepted.
async fn start(site: &Site, typed: &[(&str, &str)]) -> Shown {
    let usual = [
        ("description", "Portal"),
        ("prefix", "portal"),
        ("jwtPublicKeyCertificate", RSA),
        ("jwtAttributeUserId", "userId"),
        ("jwtAttributeUserDirectory", "userDirectory"),
        ("node", ""),
        ("uri", "http://10.0.0.5:8080"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| typed.iter().all(|(its, _)| its != name));
    let fields: Vec<_> = kept.chain(typed).copied().collect();
    site.post("/qmc/start", &fields).await
}

fn stored(site: &Site) -> Option<Arc<VirtualProxyConfig>> {
    let snapshot = site.management.snapshot();
    let mut all = snapshot.documents.virtual_proxies.values();
    all.find(|vp| vp.prefix == "portal").cloned()
}

/// What is said at a field.
fn problem(shown: &Shown, field: &str) -> String {
    let after = shown.text.split_once(&format!("id=\"f-{field}\""));
    let (_, after) = after.unwrap_or_else(|| panic!("{field}: {}", shown.text));
    let own = after.split("class=\"field\"").next().unwrap();
    let wrong = own
        .split_once("class=\"wrong\">")
        .map_or("", |found| found.1);
    wrong.split("</p>").next().unwrap().to_owned()
}

#[tokio::test]
async fn one_form_makes_a_node_a_virtual_proxy_and_its_link_in_one_save() {
    let site = site().await;
    let before = site.management.snapshot().revision;
    let shown = site.get("/qmc/start").await;
    assert!(shown.text.contains("value=\"userDirectory\""));
    let created = start(&site, &[("jwtAudience", "our \"portal\"")]).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    let vp = stored(&site).unwrap();
    let next = format!("/qmc/start/{}?done=linked", vp.metadata.id);
    assert_eq!(created.header("location"), next);
    assert_eq!(vp.authentication_method, AuthenticationMethod::JWT);
    assert!(vp.jwt_require_expiration && !vp.jwt_discovery);
    assert_eq!(vp.jwt_algorithms, ["RS256", "RS384", "RS512"]);
    assert_eq!(vp.session_cookie_header_name, "X-Qlik-Session-portal");

    let snapshot = site.management.snapshot();
    assert_eq!(snapshot.revision, before + 1);
    let node = &snapshot.documents.nodes[&vp.load_balancing_server_nodes[0]];
    assert_eq!(
        (&*node.name, &*node.host_name),
        ("10.0.0.5:8080", "10.0.0.5")
    );
    assert_eq!(
        (&*node.services[0].path, &*node.services[0].uri),
        ("/", "http://10.0.0.5:8080")
    );
    let proxy = &snapshot.documents.proxy_services[&snapshot.proxy_id];
    assert!(proxy.settings.virtual_proxies.contains(&vp.metadata.id));

    let portal = site.get(&next).await;
    assert_eq!(portal.status, StatusCode::OK);
    let text = portal.text.replace("&#34;", "\"");
    for line in [
        "\n    \"userId\": userId,\n",
        "\n        \"userDirectory\": user_directory,\n",
        "\n    \"aud\": \"our \\\"portal\\\"\",\n",
        "alg: \"RS256\"",
        "algorithm=\"RS256\"",
        "curl --include https://gateway.example.com/portal/\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(
        text.contains("data-fixed=\"{\"aud\":\"our \\\"portal\\\"\"}\""),
        "{text}"
    );
    assert!(text.contains("fetch(\"https://gateway.example.com/portal/qps/csrftoken\""));
    assert!(text.contains("origin !== \"https://gateway.example.com\""));
    let edit = format!("href=\"/qmc/virtual-proxies/{}\"", vp.metadata.id);
    assert!(portal.text.contains(&edit));
}

#[tokio::test]
async fn the_address_of_a_portal_brings_what_its_pages_need() {
    let site = site().await;
    let created = start(&site, &[("portal", "https://portal.example.org:8443")]).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    let vp = stored(&site).unwrap();
    assert_eq!(vp.cors_allowed_origins, ["https://portal.example.org:8443"]);
    assert_eq!(
        vp.websocket_cross_origin_white_list,
        ["portal.example.org:8443"]
    );
    assert!(vp.cookie_partitioned && vp.has_secure_attribute_https);
    let portal = site.get(created.header("location")).await;
    assert!(
        portal
            .text
            .contains("may embed it: https://portal.example.org:8443.")
    );
}

#[tokio::test]
async fn each_field_shows_its_own_error_and_nothing_is_saved() {
    let site = site().await;
    let before = site.management.snapshot().revision;
    for (field, text, expected) in [
        ("prefix", "Portal!", "It "),
        ("prefix", "", "It "),
        ("prefix", "qmc", "It "),
        ("jwtPublicKeyCertificate", "", "It is empty"),
        (
            "jwtPublicKeyCertificate",
            "nonsense",
            "It holds no certificate",
        ),
        ("jwtJwksUri", "http://keys.example.com/", "no https address"),
        ("jwtAttributeUserId", " ", "It is empty"),
        ("jwtAttributeUserDirectory", "", "It is empty"),
        ("uri", "", "It is empty"),
        ("uri", "ftp://x", "It "),
        ("uri", "nonsense", "It "),
        ("node", "nonsense", "does not exist"),
        ("portal", "portal.example.com", "no origin"),
    ] {
        // What is wrong elsewhere does not hide it.
        for others in [&[][..], &[("description", "Mine")]] {
            let typed: Vec<_> = [(field, text)].iter().chain(others).copied().collect();
            let answer = start(&site, &typed).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field} {text}");
            let found = problem(&answer, field);
            assert!(found.contains(expected), "{field} {text:?}: {found}");
            let link = format!("href=\"#f-{field}\"");
            assert!(answer.text.contains(&link), "{field} {text}");
            assert!(others.is_empty() || answer.text.contains("value=\"Mine\""));
        }
    }
    let all = [
        ("prefix", "Portal!"),
        ("uri", "ftp://x"),
        ("jwtAttributeUserId", ""),
    ];
    let answer = start(&site, &all).await;
    for (field, _) in all {
        assert_ne!(problem(&answer, field), "", "{field}");
    }
    assert_eq!(site.management.snapshot().revision, before);
}

#[tokio::test]
async fn a_node_that_exists_can_be_chosen() {
    let site = site().await;
    let snapshot = site.management.snapshot();
    let node = *snapshot.documents.nodes.keys().next().unwrap();
    let id = node.to_string();
    let both = start(&site, &[("node", &id)]).await;
    assert!(problem(&both, "uri").contains("choose a new node"));
    let created = start(&site, &[("node", &id), ("uri", "")]).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    assert_eq!(stored(&site).unwrap().load_balancing_server_nodes, [node]);
    assert_eq!(site.management.snapshot().documents.nodes.len(), 1);
    // Once more: the prefix is taken.
    let again = start(&site, &[("node", &id), ("uri", "")]).await;
    assert!(problem(&again, "prefix").contains("Portal"));
}

#[tokio::test]
async fn an_issuer_brings_its_own_keys_and_needs_an_audience() {
    let site = site().await;
    let issuer = [
        ("jwtPublicKeyCertificate", ""),
        ("jwtIssuer", "https://id.example.com"),
    ];
    let refused = start(&site, &issuer).await;
    assert!(problem(&refused, "jwtAudience").contains("whomever it is for"));
    let typed: Vec<_> = issuer
        .into_iter()
        .chain([("jwtAudience", "gate")])
        .collect();
    let created = start(&site, &typed).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    assert!(stored(&site).unwrap().jwt_discovery);
    let portal = site.get(created.header("location")).await;
    assert!(portal.text.contains("iss = https://id.example.com"));
    assert!(!portal.text.contains("private_key.pem"), "the issuer signs");
}

#[tokio::test]
async fn a_key_of_another_kind_brings_its_algorithm() {
    let site = site().await;
    let typed = [
        ("jwtPublicKeyCertificate", P256),
        ("jwtAttributeUserDirectory", "[portal]"),
    ];
    let created = start(&site, &typed).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    assert_eq!(stored(&site).unwrap().jwt_algorithms, ["ES256"]);
    let portal = site.get(created.header("location")).await;
    let text = portal.text.replace("&#34;", "\"");
    assert!(text.contains("alg: \"ES256\"") && !text.contains("[portal]"));
}

#[tokio::test]
async fn a_private_key_is_never_shown_again() {
    let site = site().await;
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvgSECRET\n-----END PRIVATE KEY-----";
    for field in ["jwtPublicKeyCertificate", "description", "uri"] {
        let answer = start(&site, &[(field, key), ("prefix", "Portal!")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let echoed = answer.text.contains("value=\"-----")
            || answer.text.contains("\">\n-----BEGIN PRIVATE");
        assert!(!echoed, "{field}: {}", answer.text);
    }
    let answer = start(&site, &[("jwtPublicKeyCertificate", key)]).await;
    assert!(!answer.text.contains("SECRET"));
    assert!(problem(&answer, "jwtPublicKeyCertificate").contains("holds a private key"));
}

#[tokio::test]
async fn what_a_host_header_says_is_no_text_for_a_shell() {
    let site = site().await;
    let created = start(&site, &[]).await;
    let path = created.header("location");
    for (host, shown) in [
        (
            "portal.example.com:8443",
            "https://portal.example.com:8443/portal/",
        ),
        ("[::1]:8443", "https://[::1]:8443/portal/"),
        ("x$(id)", "https://gateway.example.com/portal/"),
        ("", "https://gateway.example.com/portal/"),
    ] {
        let request = http::Request::get(path).header("host", host);
        let page = site
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert!(page.text.contains(shown), "{host}");
    }
}

#[tokio::test]
async fn whoever_only_reads_creates_nothing() {
    let mut site = site().await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    assert!(
        !site
            .get("/qmc/start")
            .await
            .text
            .contains("Create and link")
    );
    assert_eq!(start(&site, &[]).await.status, StatusCode::FORBIDDEN);
    assert!(stored(&site).is_none());
    let forged = crate::testing::form_request("/qmc/start", "prefix=portal&csrf=x".to_owned());
    assert_eq!(site.send(forged).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_backend_is_tried_before_anything_is_saved() {
    let site = site().await;
    site.management.use_live(LiveSide {
        try_backend: Box::new(|_, service| {
            Box::pin(async move {
                let refused = service.authority.as_str().contains("10.0.0.6");
                BackendCheck {
                    outcome: match refused {
                        true => BackendOutcome::Refused,
                        false => BackendOutcome::Reachable,
                    },
                    detail: if refused {
                        "refuses"
                    } else {
                        "takes connections"
                    }
                    .to_owned(),
                    elapsed: Duration::from_millis(7),
                }
            })
        }),
        ..quiet_side()
    });
    let before = site.management.snapshot().revision;
    let tried = async |uri: &str| {
        start(
            &site,
            &[("uri", uri), ("do", "try"), ("description", "Mine")],
        )
        .await
    };
    let good = tried("http://10.0.0.5:8080").await;
    assert_eq!(good.status, StatusCode::OK);
    let sentence = "http://10.0.0.5:8080: the backend takes connections, after 7 ms.";
    assert!(good.text.contains(sentence), "{}", good.text);
    assert!(good.text.contains("value=\"Mine\""));
    let bad = tried("http://10.0.0.6:8080").await;
    assert!(
        bad.text
            .contains("the backend refuses, after 7 ms. Start the backend")
    );
    assert!(problem(&tried("").await, "uri").contains("is empty"));
    assert_ne!(problem(&tried("ftp://x").await, "uri"), "");
    assert_eq!(site.management.snapshot().revision, before);
}
