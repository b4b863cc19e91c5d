use super::*;
use crate::ClaimSource;
use crate::entity::BackendHeaderConfig;

fn config() -> VirtualProxyConfig {
    VirtualProxyConfig {
        prefix: "jwt".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_public_key_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "[example]".to_owned(),
        ..Default::default()
    }
}

fn problem(edit: impl FnOnce(&mut VirtualProxyConfig)) -> String {
    let mut config = config();
    edit(&mut config);
    VirtualProxy::parse(&config, 1).unwrap_err().to_string()
}

#[test]
fn the_smallest_useful_virtual_proxy() {
    let vp = VirtualProxy::parse(&config(), 1).unwrap();
    let Authentication::Jwt(jwt) = &vp.authentication else {
        panic!("{:?}", vp.authentication)
    };
    assert_eq!(jwt.user_id, ClaimSource::Claim("userId".into()));
    assert_eq!(jwt.user_directory, ClaimSource::Constant("example".into()));
    assert_eq!(vp.session.inactivity, 1800);
    assert_eq!(
        &*vp.cookie.https.attributes,
        "; Path=/; HttpOnly; Secure; SameSite=Lax"
    );
    assert_eq!(vp.cookie.http.name.as_str(), "X-Qlik-Session-jwt-HTTP");
    assert_eq!(&*vp.cookie.http.attributes, "; Path=/; HttpOnly");
}

#[test]
fn each_problem_names_its_field() {
    assert!(problem(|c| c.prefix = "JWT".into()).starts_with("prefix: contains 'J'"));
    assert!(problem(|c| c.prefix = String::new()).contains("default virtual proxy"));
    assert!(
        problem(|c| c.session_cookie_header_name = String::new())
            .starts_with("sessionCookieHeaderName")
    );
    assert!(problem(|c| c.session_inactivity_timeout = 0).contains("1 to 71582"));
    assert!(problem(|c| c.session_inactivity_timeout = 71_583).contains("1 to 71582"));
    assert!(problem(|c| c.csrf_protection = 2).starts_with("csrfProtection"));
    assert!(problem(|c| c.jwt_algorithms = vec!["none".into()]).contains("not offered"));
    assert!(problem(|c| c.jwt_algorithms = vec!["HS256".into()]).contains("not offered"));
    assert!(problem(|c| c.jwt_algorithms.clear()).contains("at least one"));
    assert!(
        problem(|c| c.cors_allowed_origins = vec!["*".into()]).starts_with("corsAllowedOrigins[0]")
    );
    assert!(
        problem(|c| c.jwt_jwks_uri = "http://idp.example.com/jwks".into()).contains("https only")
    );
    assert!(
        problem(|c| c.authentication_module_redirect_uri = "javascript:alert(1)".into())
            .contains("no address")
    );
    assert!(
        problem(|c| c.session_cookie_domain = "a.com; Secure".into())
            .starts_with("sessionCookieDomain")
    );
    assert!(problem(|c| c.description = "x".repeat(501)).contains("at most 500"));
}

#[test]
fn response_headers_cannot_smuggle_lines_or_framing() {
    let mut c = config();
    c.additional_response_headers =
        "Access-Control-Allow-Origin: https://a\r\nX-A:b\n\n".to_owned();
    assert_eq!(
        VirtualProxy::parse(&c, 1).unwrap().response_headers.len(),
        2
    );
    for bad in [
        "no colon",
        "X-A: b\rX-C: d",
        "Content-Length: 1",
        "Set-Cookie: a=b",
        "X A: b",
        ": b",
    ] {
        assert!(
            problem(|c| c.additional_response_headers = bad.into())
                .starts_with("additionalResponseHeaders"),
            "{bad:?}"
        );
    }
}

#[test]
fn backend_headers_cannot_take_identity_names_in_any_spelling() {
    let header = |name: &str, value: &str| BackendHeaderConfig {
        name: name.into(),
        value: value.into(),
    };
    let mut c = config();
    c.backend_headers = vec![header(
        "X-WEBAUTH-USER",
        "{userId}@{userDirectory}{attribute.Group}!",
    )];
    assert_eq!(
        VirtualProxy::parse(&c, 1).unwrap().backend_headers[0]
            .parts
            .len(),
        5
    );
    for name in [
        "X-Qlik-User",
        "x_qlik_user",
        "Content-Length",
        "Connection",
        "Cookie",
        "Authorization",
        "a b",
        "",
    ] {
        assert!(
            problem(|c| c.backend_headers = vec![header(name, "x")])
                .starts_with("backendHeaders[0].name"),
            "{name}"
        );
    }
    for value in ["{user}", "{userId", "{attribute.}"] {
        assert!(
            problem(|c| c.backend_headers = vec![header("X-A", value)])
                .starts_with("backendHeaders[0].value"),
            "{value}"
        );
    }
}

#[test]
fn what_is_not_served_is_stored_and_says_why() {
    for edit in [
        (|c: &mut VirtualProxyConfig| c.authentication_method = AuthenticationMethod::SAML)
            as fn(&mut _),
        |c| c.session_module_base_uri = "https://module".into(),
        |c| c.jwt_public_key_certificate.clear(),
        |c| c.jwt_attribute_user_id.clear(),
    ] {
        let mut c = config();
        edit(&mut c);
        let vp = VirtualProxy::parse(&c, 1).unwrap();
        assert!(matches!(vp.authentication, Authentication::Unserved(_)));
    }
}

/// What is wrong is said at once, also while something else is still missing.
#[test]
fn an_incomplete_virtual_proxy_cannot_store_an_algorithm_that_is_not_offered() {
    let problem = problem(|c| {
        c.jwt_attribute_user_id.clear();
        c.jwt_algorithms = vec!["none".into()];
    });
    assert!(problem.starts_with("jwtAlgorithms[0]"), "{problem}");
}

#[test]
fn one_empty_allow_list_entry_is_an_empty_list() {
    let mut c = config();
    c.websocket_cross_origin_white_list = vec![String::new()];
    assert!(VirtualProxy::parse(&c, 1).unwrap().allow_list.is_empty());
}
