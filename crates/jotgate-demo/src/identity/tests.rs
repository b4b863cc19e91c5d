//! Reading the gateway's headers, whole and broken.

use http::HeaderValue;

use super::*;

fn caller(lines: &[(&'static str, &str)]) -> Caller {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Caller::from_headers(&headers)
}

fn flat(attributes: &[Attribute]) -> Vec<(&str, Vec<&str>)> {
    attributes
        .iter()
        .map(|a| {
            (
                a.name.as_str(),
                a.values.iter().map(String::as_str).collect(),
            )
        })
        .collect()
}

#[test]
fn the_user_is_url_decoded() {
    let caller = caller(&[(
        "x-qlik-user",
        "UserDirectory=M%C3%BCnchen; UserId=ann%40example.com",
    )]);
    let user = caller.user.unwrap();
    assert_eq!(user.directory, "München");
    assert_eq!(user.id, "ann@example.com");
}

#[test]
fn the_documented_security_header_is_read() {
    let caller = caller(&[(
        "x-qlik-security",
        "OS=Windows; Device=Default; Browser=Firefox 50.0; IP=fe80::f0bf:12cb:47cd:2086%14; \
         ClientOsVersion=6.3; SecureRequest=true; Context=AppAccess; role=Domain+Users; role=group5; ",
    )]);
    assert_eq!(
        flat(&caller.attributes),
        [("role", vec!["Domain Users", "group5"])]
    );
    assert_eq!(caller.circumstances.len(), 7);
    assert_eq!(caller.circumstances[6].values, ["AppAccess"]);
}

#[test]
fn an_attribute_may_have_the_name_of_a_circumstance() {
    let header = "SecureRequest=true; Context=AppAccess; IP=claimed; OS=; ";
    let caller = caller(&[("x-qlik-security", header)]);
    assert_eq!(
        flat(&caller.attributes),
        [("IP", vec!["claimed"]), ("OS", vec![""])]
    );
    assert_eq!(
        flat(&caller.circumstances),
        [
            ("SecureRequest", vec!["true"]),
            ("Context", vec!["AppAccess"])
        ]
    );
}

#[test]
fn without_a_context_the_known_names_are_circumstances() {
    let caller = caller(&[("x-qlik-security", "SecureRequest=false; Group=sales")]);
    assert_eq!(
        flat(&caller.circumstances),
        [("SecureRequest", vec!["false"])]
    );
    assert_eq!(flat(&caller.attributes), [("Group", vec!["sales"])]);
}

#[test]
fn encoded_separators_do_not_make_new_entries() {
    let header = "Context=AppAccess; Group=a%3B%20Admin%3Dtrue";
    let caller = caller(&[("x-qlik-security", header)]);
    assert_eq!(flat(&caller.attributes), [("Group", vec!["a; Admin=true"])]);
}

#[test]
fn broken_headers_are_shown_and_not_refused() {
    for broken in [
        "",
        ";",
        ";;;",
        "=",
        "UserId",
        "UserId=",
        "UserDirectory=x",
        "=;=;",
        "%",
        " ; ",
    ] {
        assert_eq!(caller(&[("x-qlik-user", broken)]).user, None, "{broken:?}");
    }
    let user = caller(&[("x-qlik-user", ";; UserId=a%zzb%4 ; ;UserDirectory")])
        .user
        .unwrap();
    assert_eq!((user.id.as_str(), user.directory.as_str()), ("a%zzb%4", ""));

    let caller = caller(&[(
        "x-qlik-security",
        "; Context=AppAccess;; stray ; =nameless; a=b=c;",
    )]);
    assert_eq!(
        flat(&caller.attributes),
        [
            ("stray", vec![""]),
            ("", vec!["nameless"]),
            ("a", vec!["b=c"])
        ]
    );
}

#[test]
fn bytes_that_are_no_utf8_do_not_break_anything() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-qlik-user",
        HeaderValue::from_bytes(b"UserId=\xff\xfe%ff").unwrap(),
    );
    assert!(
        Caller::from_headers(&headers)
            .user
            .unwrap()
            .id
            .contains('\u{fffd}')
    );
}

#[test]
fn links_carry_the_prefix() {
    assert_eq!(
        caller(&[("x-qlik-virtual-proxy-prefix", "jwt")]).base(),
        "/jwt"
    );
    assert_eq!(
        caller(&[("x-qlik-virtual-proxy-prefix", "a/b")]).base(),
        "/a/b"
    );
    assert_eq!(caller(&[("x-qlik-virtual-proxy-prefix", "")]).base(), "");
    assert_eq!(caller(&[]).base(), "");
    // Neither another host's address nor markup can come out of it.
    assert_eq!(
        caller(&[("x-qlik-virtual-proxy-prefix", "//evil.example")]).base(),
        "/evil.example"
    );
    assert_eq!(
        caller(&[("x-qlik-virtual-proxy-prefix", "\"><b>")]).base(),
        "/%22%3E%3Cb%3E"
    );
}

#[test]
fn outside_addresses_follow_the_forwarded_headers() {
    let behind = caller(&[
        ("host", "127.0.0.1:9000"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "portal.example:8443"),
        ("x-qlik-virtual-proxy-prefix", "jwt"),
    ]);
    assert_eq!(
        behind.outside("/qps/user"),
        "https://portal.example:8443/jwt/qps/user"
    );

    let direct = caller(&[("host", "[::1]:9000"), ("x-forwarded-host", "a b/<c>")]);
    assert_eq!(direct.outside("/"), "http://[::1]:9000/");
}

#[test]
fn the_engine_name_cannot_be_forged() {
    let user = User {
        id: "x; UserId=admin".into(),
        directory: "50% Öl".into(),
    };
    assert_eq!(
        user.engine_name(),
        "UserDirectory=50%25 %C3%96l; UserId=x%3B UserId%3Dadmin"
    );
}
