use proptest::prelude::*;

use super::*;

fn error(text: &str) -> JsonError {
    parse_object(text.as_bytes()).expect_err(text)
}

#[test]
fn values_are_read_as_they_are() {
    let text =
        r#" {"a":"x","n":-1.50e+2,"t":true,"f":false,"z":null,"l":[1,"2",[]],"o":{"k":{}}} "#;
    let object = parse_object(text.as_bytes()).unwrap();
    assert_eq!(object.get("a").and_then(Value::as_text), Some("x"));
    assert_eq!(object.get("n"), Some(&Value::Number("-1.50e+2")));
    assert_eq!(object.get("t"), Some(&Value::Bool(true)));
    assert_eq!(object.get("f"), Some(&Value::Bool(false)));
    assert_eq!(object.get("z"), Some(&Value::Null));
    assert_eq!(object.get("A"), None);
    let Some(Value::Array(items)) = object.get("l") else {
        panic!("no array");
    };
    assert_eq!(items.len(), 3);
    assert!(object.get("o").and_then(Value::as_object).is_some());
    let names: Vec<_> = object.names().collect();
    assert_eq!(names, ["a", "n", "t", "f", "z", "l", "o"]);
    assert_eq!(parse_object(b"{ }").unwrap(), Object::default());
}

#[test]
fn strings_borrow_unless_they_have_escapes() {
    let object =
        parse_object(br#"{"a":"plain","b":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00!"}"#).unwrap();
    assert!(matches!(
        object.get("a"),
        Some(Value::Text(Cow::Borrowed("plain")))
    ));
    let expected = "\"\\/\u{8}\u{c}\n\r\té😀!";
    assert_eq!(object.get("b").and_then(Value::as_text), Some(expected));
}

/// T5: what parsers disagree about is refused.
#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    assert_eq!(error(""), JsonError::Empty);
    assert_eq!(
        error(r#"{"a":1,"a":1}"#),
        JsonError::Duplicate("\"a\"".into())
    );
    assert_eq!(
        error(r#"{"a":1,"\u0061":2}"#),
        JsonError::Duplicate("\"a\"".into())
    );
    assert_eq!(
        error(r#"{"o":[{"b":1,"b":2}]}"#),
        JsonError::Duplicate("\"b\"".into())
    );
    assert_eq!(error(r#"{"a":"\u0000"}"#), JsonError::Nul);
    assert_eq!(error("{\"a\":\"\0\"}"), JsonError::Nul);
    assert_eq!(error("{\0}"), JsonError::Nul);
    assert_eq!(error("\u{feff}{}"), JsonError::Syntax(0));
    assert_eq!(error(r#"{"a":"\ud800"}"#), JsonError::LoneSurrogate);
    assert_eq!(error(r#"{"a":"\ud800\u0041"}"#), JsonError::LoneSurrogate);
    assert_eq!(error(r#"{"a":"\udc00"}"#), JsonError::LoneSurrogate);
    assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonError::NotUtf8));
    assert_eq!(
        parse_object(b"{\"a\":\"\xed\xa0\x80\"}"),
        Err(JsonError::NotUtf8)
    );
    assert_eq!(
        parse_object(b"{\"a\":\"\xc0\x80\"}"),
        Err(JsonError::NotUtf8)
    );
}

#[test]
fn only_objects_are_objects() {
    for (text, kind) in [
        ("[]", "an array"),
        ("1", "a number"),
        ("null", "null"),
        ("\"a\"", "text"),
    ] {
        assert_eq!(error(text), JsonError::NotObject(kind));
    }
}

#[test]
fn the_grammar_is_that_of_the_rfc() {
    for text in [
        "{,}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.1}",
        "{\"a\":1e}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":tru}",
        "{\"a\":1}x",
        "{}{}",
        "{\"a\":[1,]}",
        "{\"a\":\"\t\"}",
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        "{\"a\" 1}",
        "/**/{}",
        "{}\u{a0}",
        "{\"a\":0x1}",
        "{\"a\":-}",
        "{1:1}",
    ] {
        assert!(
            matches!(error(text), JsonError::Syntax(_)),
            "{text}: {:?}",
            error(text)
        );
    }
    for text in [
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":\"x",
        "{\"a\":\"\\",
        "{\"a\":[",
        " ",
    ] {
        assert_eq!(error(text), JsonError::Cut, "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(error(&nested(MAX_DEPTH + 1)), JsonError::TooDeep);
    assert_eq!(error(&"{\"a\":".repeat(100_000)), JsonError::TooDeep);
}

#[test]
fn duplicates_are_found_among_many_members() {
    let many = |last: &str| {
        let members: Vec<_> = (0..1000).map(|i| format!("\"m{i}\":{i}")).collect();
        format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert!(parse_object(many("other").as_bytes()).is_ok());
    assert_eq!(
        error(&many("m500")),
        JsonError::Duplicate("\"m500\"".into())
    );
}

/// Any JSON value, as serde_json has it.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no NaN", |f| f.is_finite())
            .prop_map(Into::into),
        "[^\0]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::hash_map("[^\0]{0,5}", inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(a), serde_json::Value::Number(b)) => *a == b.to_string(),
        (Value::Text(a), serde_json::Value::String(b)) => a == b,
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.0.len() == b.len()
                && b.iter()
                    .all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn reads_what_serde_json_writes(value in any_json()) {
        let text = serde_json::json!({ "v": value }).to_string();
        let object = parse_object(text.as_bytes()).unwrap();
        prop_assert!(same(object.get("v").unwrap(), &value));
        let pretty = serde_json::to_string_pretty(&serde_json::json!({ "v": value })).unwrap();
        prop_assert_eq!(parse_object(pretty.as_bytes()).unwrap(), object);
    }

    /// Whatever we accept, serde_json reads as well: we are the stricter of the two.
    #[test]
    fn accepts_nothing_that_serde_json_refuses(text in r#"[{}\[\]",:0-9a-fA-Fntrlseu\\. +-]{0,40}"#) {
        for text in [format!("{{\"a\":{text}}}"), format!("{{\"a\":\"{text}\"}}"), text] {
            if parse_object(text.as_bytes()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn special_characters_are_found_where_they_are(bytes in proptest::collection::vec(
        prop_oneof![6 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => 0..0x21_u8, 20 => 0x23..0x5b_u8],
        0..40,
    )) {
        let slow = bytes.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
        prop_assert_eq!(reader::find_special(&bytes), slow);
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_object(&bytes).ok();
    }
}
