use jotgate_model::entity::{ProxyService, VirtualProxyConfig};
use proptest::strategy::Strategy;
use serde_json::{Value, json};

use super::{MAX_ENTRIES, Reader};
use crate::qrs::wire::{PROXY_SERVICE, SERVER_NODE_CONFIGURATION, Shape, VIRTUAL_PROXY_CONFIG};

fn read_as(shape: &Shape, body: Value, stored: Value) -> Result<Value, String> {
    let (Value::Object(body), Value::Object(stored)) = (body, stored) else {
        panic!("both are objects");
    };
    let read = Reader::default().read(shape, body, stored);
    read.map(Value::Object).map_err(|errors| errors.to_string())
}

fn read(body: Value, stored: Value) -> Result<Value, String> {
    read_as(&VIRTUAL_PROXY_CONFIG, body, stored)
}

fn problem(body: Value) -> String {
    read(body, json!({})).unwrap_err()
}

#[test]
fn absent_members_stay_and_null_means_the_default() {
    let stored = json!({
        "prefix": "jwt",
        "allowAdministration": true,
        "sessionInactivityTimeout": 5,
        "jwtAudience": "portal",
    });
    let body = json!({"prefix": "other", "sessionInactivityTimeout": null});
    let read = read(body, stored).unwrap();
    let expected = json!({"prefix": "other", "allowAdministration": true, "jwtAudience": "portal"});
    assert_eq!(read, expected);
    let document: VirtualProxyConfig = serde_json::from_value(read).unwrap();
    assert_eq!(document.session_inactivity_timeout, 30);
}

#[test]
fn members_of_parts_are_merged_as_well() {
    let mut stored = ProxyService::default();
    stored.settings.listen_port = 8443;
    stored.settings.log_verbosity.log_verbosity_audit = 1;
    let body = json!({"settings": {"logVerbosity": {"logVerbosityService": 5}, "schemaPath": "x"}});
    let read = read_as(&PROXY_SERVICE, body, json!(stored)).unwrap();
    assert_eq!(read["settings"]["listenPort"], 8443);
    assert_eq!(read["settings"]["logVerbosity"]["logVerbosityAudit"], 1);
    assert_eq!(read["settings"]["logVerbosity"]["logVerbosityService"], 5);
}

#[test]
fn what_nobody_decides_is_ignored() {
    let body = json!({
        "id": "x", "createdDate": 1, "modifiedDate": null, "modifiedByUserName": [],
        "schemaPath": {}, "privileges": ["delete"], "SchemaPath": 1,
    });
    let stored = json!({"id": "a", "modifiedByUserName": "b"});
    assert_eq!(read(body, stored.clone()), Ok(stored));
}

#[test]
fn names_count_in_any_case_but_once() {
    let body = json!({"Prefix": "jwt", "JWTAUDIENCE": "a"});
    let expected = json!({"prefix": "jwt", "jwtAudience": "a"});
    assert_eq!(read(body, json!({})), Ok(expected));
    let twice = problem(json!({"prefix": "a", "Prefix": "b"}));
    assert_eq!(
        twice,
        "prefix: comes twice, in different spellings; send it once"
    );
}

#[test]
fn an_unknown_property_is_named() {
    let misspelled = problem(json!({"jwtRequireExpiraton": true}));
    insta::assert_snapshot!(misspelled, @"jwtRequireExpiraton: is no property of VirtualProxyConfig; remove it or correct its name");
    let nested = read_as(&PROXY_SERVICE, json!({"settings": {"port": 1}}), json!({}));
    insta::assert_snapshot!(nested.unwrap_err(), @"settings.port: is no property of ProxyService.Settings; remove it or correct its name");
    let item = problem(json!({"jwtAttributeMap": [{"from": "a"}]}));
    insta::assert_snapshot!(item, @"jwtAttributeMap[0].from: is no property of VirtualProxyConfig.JwtAttributeMapItem; remove it or correct its name");
    let long = problem(json!({"x".repeat(5000): true}));
    assert!(long.len() < 300, "{long}");
}

#[test]
fn enumerations_come_as_numbers_or_names() {
    for method in [
        json!(1),
        json!("HeaderStaticUserDirectory"),
        json!("headerstaticuserdirectory"),
    ] {
        let read = read(json!({"authenticationMethod": method}), json!({})).unwrap();
        assert_eq!(read["authenticationMethod"], "HeaderStaticUserDirectory");
    }
    for bad in [
        json!(6),
        json!(-1),
        json!(1.0),
        json!("static"),
        json!(true),
        json!([1]),
    ] {
        let problem = problem(json!({"authenticationMethod": bad}));
        let names = "must be one of 0 (Ticket), 1 (HeaderStaticUserDirectory)";
        assert!(problem.contains(names), "{problem}");
    }
}

#[test]
fn references_come_as_objects_or_ids() {
    let id = "d4b844ba-66cc-4a38-aa6c-8d0516641bc2";
    for node in [
        json!(id),
        json!(id.to_uppercase()),
        json!({"id": id}),
        json!({"ID": id, "name": "ignored", "privileges": null}),
    ] {
        let read = read(json!({"loadBalancingServerNodes": [node]}), json!({})).unwrap();
        assert_eq!(read["loadBalancingServerNodes"], json!([id]));
    }
    for bad in [
        json!({"id": null}),
        json!({"name": "x"}),
        json!("x"),
        json!(1),
        json!(null),
    ] {
        let problem = problem(json!({"loadBalancingServerNodes": [bad]}));
        let expected =
            "loadBalancingServerNodes[0]: must be the id of an entity or an object with one, not ";
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn wrong_types_are_named_with_what_was_found() {
    let body = json!({
        "prefix": 7,
        "defaultVirtualProxy": "true",
        "sessionInactivityTimeout": "30",
        "websocketCrossOriginWhiteList": "a",
        "jwtAlgorithms": ["RS256", 5],
        "tags": ["a"],
        "jwtAttributeMap": {},
        "backendHeaders": [null],
        "jwtPublicKeyCertificate": ["-----BEGIN"],
        "jwtClockSkewSeconds": 1.5,
    });
    insta::assert_snapshot!(problem(body).replace("; ", "\n"));
}

#[test]
fn limits_are_those_of_the_table() {
    let of = |name: &str, value: Value| read(json!({name: value}), json!({}));
    assert!(of("description", json!("ä".repeat(500))).is_ok());
    assert_eq!(
        of("description", json!("ä".repeat(501))).unwrap_err(),
        "description: is 501 characters long; shorten it to at most 500"
    );
    assert!(of("sessionInactivityTimeout", json!(71_582)).is_ok());
    assert_eq!(
        of("sessionInactivityTimeout", json!(71_583)).unwrap_err(),
        "sessionInactivityTimeout: must be a whole number from 1 to 71582, not the number 71583"
    );
    assert!(of("sessionInactivityTimeout", json!(0)).is_err());
    assert!(of("sessionInactivityTimeout", json!(-1)).is_err());
    assert!(of("requestsPerSecond", json!(u32::MAX)).is_ok());
    assert!(of("requestsPerSecond", json!(u64::from(u32::MAX) + 1)).is_err());
    let entries = |count: usize| json!(vec!["a"; count]);
    assert!(of("websocketCrossOriginWhiteList", entries(MAX_ENTRIES)).is_ok());
    assert!(of("websocketCrossOriginWhiteList", entries(MAX_ENTRIES + 1)).is_err());
}

#[test]
fn rows_are_merged_by_id() {
    let a = "00000000-0000-0000-0000-00000000000a";
    let b = "00000000-0000-0000-0000-00000000000b";
    let stored = json!({"jwtAttributeMap": [
        {"id": a, "createdDate": "2017-02-22T18:09:51.896Z", "jwtAttribute": "email",
         "senseAttribute": "Mail", "isMandatory": true},
    ]});
    let body = json!({"jwtAttributeMap": [
        {"id": b, "jwtAttribute": "new", "senseAttribute": "New", "isMandatory": false},
        {"id": a, "senseAttribute": "Address", "schemaPath": "x", "createdDate": "now"},
        {"jwtAttribute": "g", "senseAttribute": "Group"},
    ]});
    let expected = json!({"jwtAttributeMap": [
        {"jwtAttribute": "new", "senseAttribute": "New", "isMandatory": false, "id": b},
        {"id": a, "createdDate": "2017-02-22T18:09:51.896Z", "jwtAttribute": "email",
         "senseAttribute": "Address", "isMandatory": true},
        {"jwtAttribute": "g", "senseAttribute": "Group"},
    ]});
    assert_eq!(read(body, stored), Ok(expected));
}

/// Whoever reads an entity sees no secret; what they send back must not erase it. The use cases
/// keep the stored one where the draft has none.
#[test]
fn secrets_are_taken_over_only_when_they_are_sent() {
    let stored = json!({"clientCertificate": "c", "clientKey": "stored"});
    for body in [json!({}), json!({"clientKey": null})] {
        let read = read_as(&SERVER_NODE_CONFIGURATION, body, stored.clone()).unwrap();
        assert_eq!(read, json!({"clientCertificate": "c"}));
    }
    for key in ["", "new"] {
        let body = json!({"clientKey": key});
        let read = read_as(&SERVER_NODE_CONFIGURATION, body, stored.clone()).unwrap();
        assert_eq!(read["clientKey"], key);
    }
    let found = read_as(
        &SERVER_NODE_CONFIGURATION,
        json!({"clientKey": ["secret"]}),
        stored,
    );
    assert!(!found.unwrap_err().contains("secret\""));
}

#[test]
fn quirks_of_clients_are_kept_as_sent() {
    let pem = "-----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----";
    let body = json!({"websocketCrossOriginWhiteList": [""], "jwtPublicKeyCertificate": pem});
    assert_eq!(read(body.clone(), json!({})), Ok(body));
}

proptest::proptest! {
    /// Whatever is sent, it is refused or becomes a document.
    #[test]
    fn what_is_read_is_a_document(
        name in proptest::sample::select(
            VIRTUAL_PROXY_CONFIG.all().map(|p| p.name).collect::<Vec<_>>(),
        ),
        value in proptest::prop_oneof![
            proptest::strategy::Just(Value::Null),
            proptest::prelude::any::<bool>().prop_map(Value::from),
            proptest::prelude::any::<i64>().prop_map(Value::from),
            proptest::prelude::any::<f64>().prop_map(Value::from),
            proptest::prelude::any::<u8>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            "\\PC{0,40}".prop_map(|text| json!([text])),
            "\\PC{0,40}".prop_map(|text| json!([{"id": text, "name": text}])),
        ],
    ) {
        if let Ok(read) = read(json!({name: value}), json!({})) {
            serde_json::from_value::<VirtualProxyConfig>(read).unwrap();
        }
    }
}
