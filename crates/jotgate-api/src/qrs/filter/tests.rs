use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Comparison, Filter, FilterError, MAX_DEPTH, MAX_LENGTH, Operator};
use crate::qrs::wire::{PROXY_SERVICE, SERVER_NODE_CONFIGURATION, Shape, VIRTUAL_PROXY_CONFIG};

fn holds_for(entity: &Value, shape: &'static Shape, filter: &str) -> bool {
    let bound = Filter::parse(filter).and_then(|filter| filter.bind(shape));
    bound
        .unwrap_or_else(|e| panic!("{filter}: {e}"))
        .holds(entity)
}

fn holds(filter: &str) -> bool {
    let entity = json!({
        "id": "d4b844ba-66cc-4a38-aa6c-8d0516641bc2",
        "createdDate": "2017-02-22T18:09:51.896Z",
        "customProperties": [
            {"value": "North", "definition": {"name": "Team"}},
            {"value": "2", "definition": {"name": "Tier"}},
        ],
        "prefix": "jwt",
        "description": "O'Brien's Portal",
        "sessionInactivityTimeout": 30,
        "authenticationMethod": 4,
        "defaultVirtualProxy": false,
        "websocketCrossOriginWhiteList": ["portal.example.com", "10.0.0.7"],
        "loadBalancingServerNodes": [
            {"name": "One", "hostName": "one.example.com", "serviceCluster": {"name": "C"}},
            {"name": "Two", "hostName": "two.example.com", "serviceCluster": {"name": "C"}},
        ],
        "tags": [{"name": "Prod"}],
        "samlAttributeMap": [{"level": 3, "live": true}],
        "oidcClientSecret": "",
    });
    holds_for(&entity, &VIRTUAL_PROXY_CONFIG, filter)
}

fn refusal(filter: &str) -> FilterError {
    let bound = Filter::parse(filter).and_then(|filter| filter.bind(&VIRTUAL_PROXY_CONFIG));
    bound.expect_err(filter)
}

#[test]
fn filters_as_clients_write_them() {
    for filter in [
        "prefix eq 'jwt'",
        "(prefix eq 'jwt')",
        "Prefix EQ 'JWT'",
        "prefix eq jwt",
        "description eq 'o''brien''s portal'",
        "id eq d4b844ba-66cc-4a38-aa6c-8d0516641bc2",
        "id eq 'D4B844BA-66CC-4A38-AA6C-8D0516641BC2'",
        "defaultVirtualProxy eq false",
        "loadBalancingServerNodes.hostName eq 'two.example.com' or prefix eq 'x'",
        "tags.name eq 'Prod'",
        "@Team eq 'north'",
        "createdDate gt '2017-01-01 12:00:00'",
        "authenticationMethod eq JWT",
        "authenticationMethod eq 4",
    ] {
        assert!(holds(filter), "{filter}");
    }
    let proxy = json!({
        "serverNodeConfiguration": {"id": "d4b844ba-66cc-4a38-aa6c-8d0516641bc2", "hostName": "x"},
        "settings": {"listenPort": 443, "virtualProxies": [{"prefix": "jwt"}]},
    });
    for filter in [
        "serverNodeConfiguration.hostName eq 'x'",
        "serverNodeConfiguration.id eq d4b844ba-66cc-4a38-aa6c-8d0516641bc2",
        "settings.listenPort le 443 and settings.virtualProxies.prefix sw 'j'",
    ] {
        assert!(holds_for(&proxy, &PROXY_SERVICE, filter), "{filter}");
    }
    let node = json!({"isCentral": true, "serviceCluster": {"name": "ServiceCluster"}});
    let filter = "isCentral eq True and serviceCluster.name so 'cluster'";
    assert!(holds_for(&node, &SERVER_NODE_CONFIGURATION, filter));
}

#[test]
fn operators_follow_the_types() {
    for (filter, expected) in [
        ("prefix ne 'jwt'", false),
        ("prefix sw 'J'", true),
        ("prefix ew 'WT'", true),
        ("prefix so 'w'", true),
        ("prefix so 'x'", false),
        ("sessionInactivityTimeout gt 29", true),
        ("sessionInactivityTimeout gt 30", false),
        ("sessionInactivityTimeout ge 30", true),
        ("sessionInactivityTimeout lt 30", false),
        ("sessionInactivityTimeout le 30", true),
        ("sessionInactivityTimeout eq '30'", true),
        ("sessionInactivityTimeout ne 9", true),
        ("createdDate eq '2017-02-22T18:09:51.896Z'", true),
        ("createdDate lt 2017-02-22T18:09:51.896Z", false),
        ("defaultVirtualProxy ne false", false),
        ("websocketCrossOriginWhiteList eq '10.0.0.7'", true),
        ("websocketCrossOriginWhiteList eq '10.0.0.8'", false),
        ("loadBalancingServerNodes.name ne 'One'", true),
        ("@Tier gt 1", true),
        ("@Team eq 'x'", false),
        ("@Nobody eq 'x'", false),
        ("samlAttributeMap.level ge 3", true),
        ("samlAttributeMap.live eq TRUE", true),
        ("samlAttributeMap.nothing eq 'x'", false),
        // What is never shown is not found either.
        ("oidcClientSecret sw 's'", false),
    ] {
        assert_eq!(holds(filter), expected, "{filter}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(holds("prefix eq 'jwt' or prefix eq 'a' and prefix eq 'b'"));
    assert!(!holds(
        "(prefix eq 'jwt' or prefix eq 'a') and prefix eq 'b'"
    ));
    assert!(holds("prefix eq 'a' and prefix eq 'b' OR prefix eq 'jwt'"));
}

#[test]
fn what_is_no_filter_is_refused() {
    for filter in [
        "",
        " ",
        "prefix",
        "prefix eq",
        "eq 'jwt'",
        "prefix is 'jwt'",
        "prefix eq 'jwt",
        "prefix eq 'jwt' and",
        "prefix eq 'jwt' prefix eq 'jwt'",
        "(prefix eq 'jwt'",
        "prefix eq 'jwt')",
        "()",
        "not prefix eq 'jwt'",
        "not (prefix eq 'jwt')",
        "prefix. eq 'x'",
        ".prefix eq 'x'",
        "@ eq 'x'",
        "pre-fix eq 'x'",
        "'prefix' eq 'x'",
        "prefix eq ('x')",
    ] {
        assert!(Filter::parse(filter).is_err(), "{filter}");
    }
}

#[test]
fn what_does_not_fit_the_entity_is_refused() {
    for property in [
        "nothing",
        "prefix.length",
        "tags",
        "loadBalancingServerNodes",
        "loadBalancingServerNodes.clientKeyx",
        "loadBalancingServerNodes.serviceCluster",
        "loadBalancingServerNodes.serviceCluster.host",
        "privileges",
    ] {
        let error = refusal(&format!("{property} eq 'x'"));
        assert_eq!(error, FilterError::Property(property.to_owned()));
    }
    for filter in [
        "prefix gt 'a'",
        "sessionInactivityTimeout sw 3",
        "id lt x",
        "createdDate so 1",
    ] {
        let error = refusal(filter);
        let expected = matches!(error, FilterError::Operator { .. });
        assert!(expected, "{filter}: {error}");
    }
    for filter in [
        "id eq 'x'",
        "sessionInactivityTimeout eq 'many'",
        "defaultVirtualProxy eq 1",
        "createdDate gt 'yesterday'",
        "authenticationMethod eq Magic",
    ] {
        let error = refusal(filter);
        assert!(
            matches!(error, FilterError::Value { .. }),
            "{filter}: {error}"
        );
    }
}

#[test]
fn length_and_depth_have_limits() {
    let nested =
        |depth: usize| format!("{}prefix eq 'jwt'{}", "(".repeat(depth), ")".repeat(depth));
    assert!(holds(&nested(MAX_DEPTH)));
    assert_eq!(refusal(&nested(MAX_DEPTH + 1)), FilterError::Deep);
    assert_eq!(refusal(&"(".repeat(MAX_LENGTH)), FilterError::Deep);
    // One after the other is not one inside of the other.
    let row = vec![nested(1); MAX_DEPTH * 2].join(" or ");
    assert!(holds(&row));

    let long = |length: usize| format!("prefix eq '{}'", "a".repeat(length - "prefix eq ''".len()));
    assert!(!holds(&long(MAX_LENGTH)));
    assert_eq!(refusal(&long(MAX_LENGTH + 1)), FilterError::Long);
}

#[test]
fn the_longest_chain_is_evaluated() {
    let link = "prefix eq a or ";
    let chain = format!("{}prefix eq jwt", link.repeat(MAX_LENGTH / link.len() - 1));
    assert!(holds(&chain));
}

fn comparison() -> impl Strategy<Value = Filter> {
    let property = prop_oneof!["[a-zA-Z_]{1,8}(\\.[a-z0-9]{1,5}){0,2}", "@[A-Za-z_]{1,8}"];
    let operator = (0..Operator::ALL.len()).prop_map(|i| Operator::ALL[i]);
    let value = prop_oneof![
        ("\\PC{0,12}", Just(true)),
        ("[a-z0-9:.-]{1,12}", Just(false)),
    ];
    (property, operator, value).prop_map(|(property, operator, (value, quoted))| {
        Filter::Compare(Comparison {
            property,
            operator,
            value,
            quoted,
        })
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    comparison().prop_recursive(6, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner, 2..4).prop_map(Filter::Or),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,200}") {
        drop(Filter::parse(&text).and_then(|filter| filter.bind(&VIRTUAL_PROXY_CONFIG)));
    }

    #[test]
    fn nothing_that_looks_like_a_filter_makes_it_panic(
        words in prop::collection::vec(
            prop_oneof![
                Just("prefix"), Just("tags.name"), Just("@x"), Just("eq"), Just("gt"), Just("and"),
                Just("or"), Just("("), Just(")"), Just("'"), Just("''"), Just("1"), Just("'a'"),
            ],
            0..40,
        ),
    ) {
        let text = words.join(" ");
        if let Ok(bound) = Filter::parse(&text).and_then(|f| f.bind(&VIRTUAL_PROXY_CONFIG)) {
            bound.holds(&json!({"prefix": "a", "tags": [1, null, {"name": []}]}));
        }
    }

    #[test]
    fn what_is_printed_is_parsed_again(filter in filter()) {
        let printed = filter.to_string();
        prop_assert_eq!(Filter::parse(&printed), Ok(filter), "{}", printed);
    }
}

#[test]
fn what_must_be_equal_can_be_looked_up() {
    let bound = |text: &str| {
        Filter::parse(text)
            .unwrap()
            .bind(&VIRTUAL_PROXY_CONFIG)
            .unwrap()
    };
    for (text, expected) in [
        ("prefix eq 'JWT'", Some("jwt")),
        (
            "(defaultVirtualProxy eq false and (prefix eq 'a' and prefix ne 'b'))",
            Some("a"),
        ),
        ("prefix eq 'a' or prefix eq 'b'", None),
        ("prefix ne 'a'", None),
        ("prefix sw 'a'", None),
        ("tags.name eq 'a'", None),
        ("description eq 'a'", None),
    ] {
        assert_eq!(
            bound(text).must_equal("prefix").as_deref(),
            expected,
            "{text}"
        );
    }
}
