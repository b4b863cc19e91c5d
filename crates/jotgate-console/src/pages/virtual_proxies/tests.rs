mod unsaved;

use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::Privilege;
use jotgate_model::entity::VirtualProxyConfig;

use crate::testing::{Site, now, site};

async fn create(site: &Site, prefix: &str) -> Arc<VirtualProxyConfig> {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap()
}

fn is_linked(site: &Site, vp: &VirtualProxyConfig) -> bool {
    let snapshot = site.management.snapshot();
    let proxy = &snapshot.documents.proxy_services[&snapshot.proxy_id];
    proxy.settings.virtual_proxies.contains(&vp.metadata.id)
}

#[tokio::test]
async fn proxies_are_linked_and_unlinked() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let path = format!("/qmc/virtual-proxies/{}/proxies", vp.metadata.id);
    let shown = site.get(&path).await;
    assert!(shown.text.contains("value=\"link\""), "{}", shown.text);
    let proxy = site.management.snapshot().proxy_id.to_string();
    let unknown = site
        .post(&path, &[("proxy", "nonsense"), ("do", "link")])
        .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);

    let linked = site.post(&path, &[("proxy", &proxy), ("do", "link")]).await;
    let next = format!("{path}?done=linked");
    assert_eq!(
        (linked.status, linked.header("location")),
        (StatusCode::SEE_OTHER, &*next)
    );
    assert!(is_linked(&site, &vp));
    assert!(
        site.get(&next)
            .await
            .text
            .contains("nothing had to restart")
    );

    site.post(&path, &[("proxy", &proxy), ("do", "unlink")])
        .await;
    assert!(!is_linked(&site, &vp));
}

#[tokio::test]
async fn a_virtual_proxy_is_deleted_after_its_consequences_were_shown() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let path = format!("/qmc/virtual-proxies/{}/delete", vp.metadata.id);
    assert!(site.get(&path).await.text.contains("Nobody is signed in."));
    let deleted = site.post(&path, &[]).await;
    assert_eq!(
        deleted.header("location"),
        "/qmc/virtual-proxies?done=deleted"
    );
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_empty_site_leads_to_the_first_virtual_proxy() {
    let site = site().await;
    let words = "The first one for your portal";
    assert!(site.get("/qmc/virtual-proxies").await.text.contains(words));
    create(&site, "jwt").await;
    assert!(!site.get("/qmc/virtual-proxies").await.text.contains(words));
}

#[tokio::test]
async fn the_default_virtual_proxy_stays() {
    let site = site().await;
    let snapshot = site.management.snapshot();
    let mut all = snapshot.documents.virtual_proxies.values();
    let default = all.find(|vp| vp.default_virtual_proxy).unwrap();
    let path = format!("/qmc/virtual-proxies/{}/delete", default.metadata.id);
    assert!(!site.get(&path).await.text.contains("class=\"danger\""));
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_only_reads_changes_nothing() {
    let mut site = site().await;
    let vp = create(&site, "jwt").await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let base = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    assert_eq!(
        site.get(&format!("{base}/proxies")).await.status,
        StatusCode::OK
    );
    let refused = site.post(&format!("{base}/delete"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("AuditAdmin reads everything"));
    assert!(
        site.management
            .snapshot()
            .documents
            .virtual_proxies
            .contains_key(&vp.metadata.id)
    );
}

/// Every field of a page's form as a browser would send it: the page's own hidden fields and what `typed`
/// puts over the values of a virtual proxy that can be saved.
fn form<'a>(typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("description", "Portal"),
        ("prefix", "portal"),
        ("sessionInactivityTimeout", "30"),
        ("sessionCookieHeaderName", "X-Qlik-Session-portal"),
        ("anonymousAccessMode", "NoAnonymousUser"),
        ("authenticationMethod", "Ticket"),
        ("jwtAlgorithms", "RS256"),
        ("jwtMaxLifetimeSeconds", "0"),
        ("jwtClockSkewSeconds", "60"),
        ("windowsAuthenticationEnabledDevicePattern", "Windows"),
        ("loadBalancingAlgorithm", "RoundRobin"),
        ("hasSecureAttributeHttps", "true"),
        ("sameSiteAttributeHttps", "Lax"),
        ("sameSiteAttributeHttp", "NoAttribute"),
        ("csrfProtection", "0"),
        ("sessionMaxLifetime", "0"),
        ("maxSessionsPerUser", "0"),
        ("requestsPerSecond", "0"),
        ("requestsPerSecondPerUser", "0"),
        ("maxRequestsInFlight", "0"),
        ("maxSocketsPerSession", "0"),
        ("do", "save"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !typed.iter().any(|(its, _)| its == name));
    kept.chain(typed.iter().copied()).collect()
}

fn stored(site: &Site, prefix: &str) -> Option<Arc<VirtualProxyConfig>> {
    let snapshot = site.management.snapshot();
    let mut all = snapshot.documents.virtual_proxies.values();
    all.find(|vp| vp.prefix == prefix).cloned()
}

#[tokio::test]
async fn a_virtual_proxy_is_created_with_everything_that_was_typed() {
    let site = site().await;
    let typed = form(&[
        ("websocketCrossOriginWhiteList", "one.example.com"),
        ("websocketCrossOriginWhiteList", ""),
        ("websocketCrossOriginWhiteList", " *.two.example.com "),
        ("additionalResponseHeaders.name", "X-One"),
        ("additionalResponseHeaders.value", "1"),
        ("additionalResponseHeaders.name", "X-Two"),
        ("additionalResponseHeaders.value", "2"),
        ("jwtAttributeMap.id", ""),
        ("jwtAttributeMap.jwtAttribute", "mail"),
        ("jwtAttributeMap.senseAttribute", "email"),
        ("jwtAttributeMap.isMandatory", "true"),
        ("useStickyLoadBalancing", "true"),
    ]);
    let created = site.post("/qmc/virtual-proxies/new", &typed).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    let vp = stored(&site, "portal").unwrap();
    let next = format!(
        "/qmc/virtual-proxies/{}/proxies?done=created",
        vp.metadata.id
    );
    assert_eq!(created.header("location"), next);
    assert_eq!(
        vp.websocket_cross_origin_white_list,
        ["one.example.com", "*.two.example.com"]
    );
    assert_eq!(vp.additional_response_headers, "X-One: 1\nX-Two: 2");
    let row = &vp.jwt_attribute_map[0];
    assert_eq!(
        (row.jwt_attribute.as_str(), row.is_mandatory),
        ("mail", true)
    );
    assert!(vp.use_sticky_load_balancing && !vp.jwt_require_expiration);
    assert_eq!(vp.jwt_algorithms, ["RS256"]);
}

#[tokio::test]
async fn each_field_shows_its_own_error_and_keeps_what_was_typed() {
    let site = site().await;
    let long = "x".repeat(501);
    for (field, text, shown) in [
        ("description", long.as_str(), "It "),
        ("prefix", "Portal!", "It "),
        ("prefix", "qmc", "It "),
        ("sessionCookieHeaderName", "a b", "It "),
        ("sessionInactivityTimeout", "0", "It "),
        ("sessionInactivityTimeout", "71583", "It "),
        ("sessionInactivityTimeout", "4294967296", "whole number"),
        ("sessionInactivityTimeout", "soon", "whole number"),
        ("authenticationMethod", "Magic", "none of the values"),
        ("csrfProtection", "2", "none of the values"),
        (
            "jwtPublicKeyCertificate",
            "nonsense",
            "holds no certificate",
        ),
        (
            "jwtPublicKeyCertificate",
            "-----BEGIN PRIVATE KEY-----",
            "private key",
        ),
        ("websocketCrossOriginWhiteList", "https://x", "Row 1 "),
        ("corsAllowedOrigins", "x", "Row 1 "),
        ("accessRule", "((", "It "),
    ] {
        let typed = form(&[(field, text)]);
        let answer = site.post("/qmc/virtual-proxies/new", &typed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field} {text}");
        let link = format!("href=\"#f-{field}\"");
        assert!(
            answer.text.contains(&link),
            "{field} {text}: {}",
            answer.text
        );
        let (_, after) = answer
            .text
            .split_once(&format!("id=\"f-{field}\""))
            .unwrap();
        let (_, wrong) = after.split_once("class=\"wrong\">").unwrap();
        let (wrong, _) = wrong.split_once("</p>").unwrap();
        assert!(wrong.contains(shown), "{field} {text}: {wrong}");
        assert!(answer.text.contains("X-Qlik-Session-portal") || field.ends_with("Name"));
        assert!(stored(&site, "portal").is_none(), "{field}");
    }
}

#[tokio::test]
async fn buttons_beside_rows_change_the_form_and_save_nothing() {
    let site = site().await;
    let typed = |action| {
        form(&[
            ("corsAllowedOrigins", "https://a.example.com"),
            ("corsAllowedOrigins", "https://b.example.com"),
            ("do", action),
        ])
    };
    for (action, expected) in [
        (
            "rows",
            ["https://a.example.com", "https://b.example.com", ""],
        ),
        (
            "up:corsAllowedOrigins:1",
            ["https://b.example.com", "https://a.example.com", ""],
        ),
        (
            "up:corsAllowedOrigins:7",
            ["https://a.example.com", "https://b.example.com", ""],
        ),
        (
            "down:corsAllowedOrigins:0",
            ["https://b.example.com", "https://a.example.com", ""],
        ),
        (
            "down:corsAllowedOrigins:1",
            ["https://a.example.com", "https://b.example.com", ""],
        ),
        (
            "remove:corsAllowedOrigins:0",
            ["https://b.example.com", "", ""],
        ),
        (
            "remove:corsAllowedOrigins:99999999999999999999",
            ["https://a.example.com", "https://b.example.com", ""],
        ),
    ] {
        let answer = site.post("/qmc/virtual-proxies/new", &typed(action)).await;
        assert_eq!(answer.status, StatusCode::OK, "{action}");
        let inputs = answer
            .text
            .split("name=\"corsAllowedOrigins\" value=\"")
            .skip(1);
        let values: Vec<_> = inputs.map(|rest| rest.split('"').next().unwrap()).collect();
        let expected: Vec<_> = expected.into_iter().take(values.len()).collect();
        assert_eq!(values, expected, "{action}");
    }
    assert!(stored(&site, "portal").is_none());
}

#[tokio::test]
async fn a_change_that_came_between_is_told_and_nothing_that_was_typed_is_lost() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let path = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    let version = vp.metadata.modified_date.to_string();
    let typed = |version| {
        form(&[
            ("prefix", "jwt"),
            ("sessionCookieHeaderName", "X-Qlik-Session-jwt"),
            ("description", "Mine"),
            ("version", version),
        ])
    };
    let mut other = VirtualProxyConfig::clone(&vp);
    other.session_inactivity_timeout = 99;
    let mut somebody = site.visitor.actor.clone();
    somebody.name = "INTERNAL\\bert".to_owned();
    let saved = site
        .management
        .update_virtual_proxy(&somebody, vp.metadata.id, other, now());
    let saved = saved.await.unwrap();

    let answer = site.post(&path, &typed(&version)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    for shown in [
        "INTERNAL\\bert",
        "Session inactivity timeout</li>",
        "value=\"Mine\"",
    ] {
        assert!(answer.text.contains(shown), "{shown}");
    }
    let stored_version = saved.metadata.modified_date.to_string();
    assert!(
        answer
            .text
            .contains(&format!("name=\"version\" value=\"{stored_version}\""))
    );
    let again = site.post(&path, &typed(&stored_version)).await;
    assert_eq!(again.header("location"), format!("{path}?done=saved"));
    assert_eq!(stored(&site, "jwt").unwrap().description, "Mine");
}

#[tokio::test]
async fn a_save_keeps_what_the_page_does_not_show() {
    let site = site().await;
    let draft = VirtualProxyConfig {
        prefix: "oidc".to_owned(),
        session_cookie_header_name: "X-Oidc".to_owned(),
        oidc_client_id: "client".to_owned(),
        oidc_client_secret: "secret that nobody sees".to_owned().into(),
        saml_entity_id: "entity".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let vp = site
        .management
        .create_virtual_proxy(actor, draft, now())
        .await
        .unwrap();
    let path = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    let shown = site.get(&path).await;
    assert!(!shown.text.contains("secret that nobody sees"));
    let version = vp.metadata.modified_date.to_string();
    let typed = form(&[("prefix", "oidc"), ("version", &version)]);
    let saved = site.post(&path, &typed).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let vp = stored(&site, "oidc").unwrap();
    assert_eq!(vp.description, "Portal");
    assert_eq!(vp.oidc_client_secret.as_str(), "secret that nobody sees");
    assert_eq!(
        (vp.oidc_client_id.as_str(), vp.saml_entity_id.as_str()),
        ("client", "entity")
    );
}

#[tokio::test]
async fn a_clone_has_everything_but_what_must_be_unique() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let id = vp.metadata.id.to_string();
    let shown = site
        .get(&format!("/qmc/virtual-proxies/new?from={id}"))
        .await;
    assert!(shown.text.contains("value=\"Copy of Portal jwt\""));
    assert!(shown.text.contains("name=\"prefix\" value=\"\""));
    let created = site
        .post("/qmc/virtual-proxies/new", &form(&[("from", &id)]))
        .await;
    assert_eq!(created.status, StatusCode::SEE_OTHER);
    assert_ne!(stored(&site, "portal").unwrap().metadata.id, vp.metadata.id);
    let gone = site.get("/qmc/virtual-proxies/new?from=nothing").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

/// A key that was pasted by mistake is in no answer, not even in the field that it was pasted into.
#[tokio::test]
async fn a_private_key_is_never_shown_again() {
    let site = site().await;
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvgSECRET\n-----END PRIVATE KEY-----";
    for field in ["jwtPublicKeyCertificate", "jwtIssuers.publicKeyCertificate"] {
        for action in ["save", "look", "rows"] {
            let typed = form(&[
                (field, pem),
                ("jwtIssuers.issuer", "https://x"),
                ("do", action),
            ]);
            let answer = site.post("/qmc/virtual-proxies/new", &typed).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field} {action}");
            assert!(
                answer.text.contains("holds a private key"),
                "{field} {action}"
            );
            assert!(!answer.text.contains("SECRET"), "{field} {action}");
        }
    }
}

/// The part of a page that is about one field.
fn field<'a>(shown: &'a str, name: &str) -> &'a str {
    let mark = format!("data-field=\"{name}\"");
    let (_, after) = shown.split_once(&mark).unwrap();
    after.split("data-field=").next().unwrap()
}

/// The script asks this when a field is left.
#[tokio::test]
async fn a_check_says_what_a_save_would_and_saves_nothing() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let before = site.management.snapshot().revision;
    let stored = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    for path in ["/qmc/virtual-proxies/new", &stored] {
        let typed = form(&[
            ("prefix", "Portal!"),
            ("accessRule", "(("),
            ("sessionInactivityTimeout", "soon"),
            ("websocketCrossOriginWhiteList", "*.example.com"),
            ("websocketCrossOriginWhiteList", "https://x"),
            ("do", "check"),
        ]);
        let answer = site.post(path, &typed).await;
        for (name, expected) in [
            ("prefix", "lower case letters"),
            ("accessRule", "class=\"wrong\""),
            ("sessionInactivityTimeout", "whole number"),
            ("websocketCrossOriginWhiteList", "Row 2 "),
            (
                "websocketCrossOriginWhiteList",
                "any subdomain of example.com",
            ),
        ] {
            let part = field(&answer.text, name);
            assert!(part.contains(expected), "{path} {name}: {part}");
        }
        assert!(!field(&answer.text, "description").contains("wrong"));
        // Each mistake once.
        let prefix = field(&answer.text, "prefix");
        assert_eq!(prefix.matches("class=\"wrong\"").count(), 1, "{prefix}");
    }
    let taken = form(&[("prefix", "jwt"), ("do", "check")]);
    let answer = site.post("/qmc/virtual-proxies/new", &taken).await;
    assert!(field(&answer.text, "prefix").contains("Portal jwt"));
    assert_eq!(site.management.snapshot().revision, before);
}

#[tokio::test]
async fn what_a_mashup_needs_is_filled_in_and_not_saved() {
    let site = site().await;
    let typed = |origin| {
        form(&[
            ("mashupOrigin", origin),
            ("mashupWay", "same-domain"),
            ("do", "mashup"),
        ])
    };
    let path = "/qmc/virtual-proxies/new";
    let filled = site
        .post(path, &typed("https://mashup.example.com:8443"))
        .await;
    assert_eq!(filled.status, StatusCode::OK);
    assert!(field(&filled.text, "sessionCookieDomain").contains("value=\"example.com\""));
    let cors = field(&filled.text, "corsAllowedOrigins");
    assert!(cors.contains("value=\"https://mashup.example.com:8443\""));
    let hosts = field(&filled.text, "websocketCrossOriginWhiteList");
    assert!(hosts.contains("mashup.example.com alone, port 8443 only"));
    assert!(filled.text.contains("data-guarded=\"changed\""));
    let wrong = site.post(path, &typed("mashup")).await;
    assert!(wrong.text.contains("id=\"mashup-wrong\">It cannot be used"));
    assert!(stored(&site, "portal").is_none());
}
