//! What is typed, taken to the preview and to the token workbench, and back.

use http::StatusCode;
use jotgate_manage::KeyRing;
use jotgate_model::entity::JwtIssuerConfig;

use super::{create, form, stored};
use crate::testing::{Shown, Site, now, site};

const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3r67BtaeWtK8VQm3jYiw98jbgSag
0hAObQPf8F9HlYi79k6gio3f3Uu9X/laQQdLNCGLF2rqdI6ljmI/3qLbnw==
-----END PUBLIC KEY-----";

/// The hidden fields of a page, each once.
fn carried(shown: &Shown) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for part in shown.text.split("type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = part.split_once("\" value=\"").unwrap();
        let value = rest.split('"').next().unwrap();
        let value = value
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#38;", "&");
        let is_new = fields.iter().all(|(its, _)| its != name);
        if is_new && name != "csrf" {
            fields.push((name.to_owned(), value));
        }
    }
    fields
}

/// Presses a button of a page that carries a change.
async fn press(site: &Site, path: &str, shown: &Shown, more: &[(&str, &str)]) -> Shown {
    let fields = carried(shown);
    let fields = fields.iter().map(|(n, v)| (&**n, &**v));
    let fields: Vec<_> = fields.chain(more.iter().copied()).collect();
    site.post(path, &fields).await
}

#[tokio::test]
async fn what_is_typed_is_previewed_taken_back_and_applied() {
    let site = site().await;
    let vp = create(&site, "portal").await;
    let path = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    let version = vp.metadata.modified_date.to_string();
    let typed = form(&[
        ("description", "Another \"name\""),
        ("version", &version),
        ("do", "preview"),
    ]);
    let shown = site.post(&path, &typed).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(
        shown.text.contains("<span>Another &#34;name&#34;</span>"),
        "{}",
        shown.text
    );
    assert!(
        !shown.text.contains("createdDate"),
        "only what the page shows"
    );
    assert_eq!(
        stored(&site, "portal").unwrap().description,
        "Portal portal"
    );

    let back = press(&site, &path, &shown, &[("do", "back")]).await;
    assert!(
        back.text.contains("value=\"Another &#34;name&#34;\""),
        "{}",
        back.text
    );
    let applied = press(&site, "/qmc/changes", &shown, &[("do", "apply")]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    assert_eq!(
        stored(&site, "portal").unwrap().description,
        "Another \"name\""
    );
    // Once more from the same page: somebody has saved since.
    let late = site.post(&path, &typed).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
}

/// Browsers send other line ends than clients of QRS, and the page leaves out the last one.
#[tokio::test]
async fn a_certificate_that_nobody_has_touched_is_no_difference() {
    let site = site().await;
    let vp = create(&site, "portal").await;
    let pem = format!("{P256}\n");
    let mut draft = (*vp).clone();
    draft.jwt_public_key_certificate.clone_from(&pem);
    let (actor, id) = (&site.visitor.actor, vp.metadata.id);
    let saved = site
        .management
        .update_virtual_proxy(actor, id, draft, now());
    let version = saved.await.unwrap().metadata.modified_date.to_string();
    let browser = P256.replace('\n', "\r\n");
    let path = format!("/qmc/virtual-proxies/{id}");
    let typed = async |pem: &str, button: &str| {
        let fields = form(&[
            ("description", "Another"),
            ("jwtPublicKeyCertificate", pem),
            ("version", &version),
            ("do", button),
        ]);
        site.post(&path, &fields).await
    };
    let shown = typed(&browser, "preview").await.text;
    assert!(shown.contains("<span>Another</span>"), "{shown}");
    assert!(!shown.contains("<code>jwtPublicKeyCertificate"), "{shown}");
    let other = rcgen::KeyPair::generate().unwrap().public_key_pem();
    let shown = typed(&other, "preview").await.text;
    assert!(shown.contains("<code>jwtPublicKeyCertificate"), "{shown}");
    let applied = typed(&browser, "save").await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    assert_eq!(
        stored(&site, "portal").unwrap().jwt_public_key_certificate,
        pem
    );
}

/// The same for what stands in rows.
#[tokio::test]
async fn rows_that_nobody_has_touched_are_no_difference() {
    let site = site().await;
    let vp = create(&site, "portal").await;
    let mut draft = (*vp).clone();
    let issuer = |name: &str| JwtIssuerConfig {
        issuer: format!("https://{name}.example.com"),
        public_key_certificate: format!("{}\r\n", P256.replace('\n', "\r\n")),
        ..Default::default()
    };
    draft.jwt_issuers = vec![issuer("one"), issuer("two")];
    draft.additional_response_headers = "X-One:1\r\nX-Two:  2\r\n".to_owned();
    let (actor, id) = (&site.visitor.actor, vp.metadata.id);
    let saved = site
        .management
        .update_virtual_proxy(actor, id, draft, now());
    let saved = saved.await.unwrap();
    let version = saved.metadata.modified_date.to_string();
    let browser = P256.replace('\n', "\r\n");
    let rows = [
        ("jwtIssuers.issuer", "https://one.example.com"),
        ("jwtIssuers.publicKeyCertificate", &*browser),
        ("jwtIssuers.issuer", "https://two.example.com"),
        ("jwtIssuers.publicKeyCertificate", &*browser),
        ("additionalResponseHeaders.name", "X-One"),
        ("additionalResponseHeaders.value", "1"),
        ("additionalResponseHeaders.name", "X-Two"),
        ("additionalResponseHeaders.value", "2"),
    ];
    let path = format!("/qmc/virtual-proxies/{id}");
    let send = async |more: &[(&str, &str)]| {
        let mut fields = vec![("description", "Another"), ("version", &*version)];
        fields.extend(rows);
        fields.extend(more);
        site.post(&path, &form(&fields)).await
    };
    let shown = send(&[("do", "preview")]).await.text;
    assert!(shown.contains("<span>Another</span>"), "{shown}");
    for name in ["jwtIssuers", "additionalResponseHeaders"] {
        assert!(!shown.contains(&format!("<code>{name}")), "{name}: {shown}");
    }
    let third = [
        ("do", "preview"),
        ("additionalResponseHeaders.name", "X-Three"),
        ("additionalResponseHeaders.value", "3"),
    ];
    let shown = send(&third).await.text;
    assert!(shown.contains("<code>additionalResponseHeaders"), "{shown}");
    let applied = send(&[("do", "save")]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    let after = stored(&site, "portal").unwrap();
    assert_eq!(after.jwt_issuers, saved.jwt_issuers);
    assert_eq!(
        after.additional_response_headers,
        saved.additional_response_headers
    );
}

#[tokio::test]
async fn a_new_one_is_previewed_and_made() {
    let site = site().await;
    let path = "/qmc/virtual-proxies/new";
    let typed = form(&[
        ("do", "preview"),
        ("jwtAttributeMap.id", ""),
        ("jwtAttributeMap.jwtAttribute", "mail"),
        ("jwtAttributeMap.senseAttribute", "email"),
    ]);
    let shown = site.post(path, &typed).await;
    assert!(shown.text.contains("created"), "{}", shown.text);
    let back = press(&site, path, &shown, &[("do", "back")]).await;
    assert!(back.text.contains("value=\"portal\""), "{}", back.text);
    let applied = press(&site, "/qmc/changes", &shown, &[("do", "apply")]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    assert_eq!(stored(&site, "portal").unwrap().jwt_attribute_map.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_saved_stays_on_the_edit_page() {
    let site = site().await;
    for button in ["preview", "try"] {
        let typed = form(&[("prefix", "Wrong!"), ("do", button)]);
        let shown = site.post("/qmc/virtual-proxies/new", &typed).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{button}");
        assert!(shown.text.contains("value=\"Wrong!\""), "{button}");
        assert!(shown.text.contains("href=\"#f-prefix\""), "{button}");
    }
}

#[tokio::test]
async fn a_token_is_tried_with_settings_that_are_not_saved() {
    let site = site().await;
    let keys = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    let management = &site.management;
    let using = management.use_keys(std::sync::Arc::new(keys), now());
    using.await.unwrap();
    let path = "/qmc/virtual-proxies/new";
    let typed = form(&[
        ("authenticationMethod", "JWT"),
        ("jwtPublicKeyCertificate", P256),
        ("jwtAttributeUserId", "sub"),
        ("jwtAttributeUserDirectory", "[portal]"),
        ("do", "try"),
    ]);
    let shown = site.post(path, &typed).await;
    assert!(
        shown.text.contains("As it is being edited"),
        "{}",
        shown.text
    );
    let judged = press(&site, "/qmc/tokens", &shown, &[("token", "e30.e30.AA")]).await;
    assert_eq!(judged.status, StatusCode::OK, "{}", judged.text);
    assert!(judged.text.contains("Step by step"));
    assert!(
        !judged.text.contains("value=\"send\""),
        "nothing to send it to"
    );
    let back = press(&site, path, &judged, &[("do", "back")]).await;
    assert!(back.text.contains("value=\"[portal]\""), "{}", back.text);
    assert!(stored(&site, "portal").is_none());
    let elsewhere = [("back", "//evil.example.com"), ("token", "e30.e30.AA")];
    let shown = site.post("/qmc/tokens", &elsewhere).await;
    assert!(!shown.text.contains("evil"), "{}", shown.text);
}
