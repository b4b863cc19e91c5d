use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{mapping, settings};

type Answer<T> = Result<T, (Reason, String)>;

fn read<T>(
    payload: &serde_json::Value,
    judge: impl FnOnce(&Claims<'_>) -> Result<T, Refusal>,
) -> Answer<T> {
    let text = payload.to_string();
    judge(&Claims::read(text.as_bytes()).unwrap()).map_err(|refusal| {
        (
            refusal.reason,
            refusal.detail().unwrap_or_default().to_owned(),
        )
    })
}

fn user_of(payload: serde_json::Value) -> Answer<User> {
    read(&payload, |claims| user(claims, &settings()))
}

fn attributes_of(payload: serde_json::Value, rows: &[(&str, &str, bool)]) -> Answer<Vec<String>> {
    let attributes = read(&payload, |claims| attributes(claims, &mapping(rows)))?;
    Ok(attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect())
}

#[test]
fn the_user_comes_from_two_claims() {
    let user = user_of(json!({"userId": "bö z", "userDirectory": "ex;ample\\x"})).unwrap();
    assert_eq!((&*user.directory, &*user.id), ("ex;ample\\x", "bö z"));
}

#[test]
fn constants_need_no_claim() {
    let mut policy = settings();
    policy.user_directory = ClaimSource::Constant("fixed".into());
    let user = read(&json!({"userId": "a", "userDirectory": 5}), |c| {
        user(c, &policy)
    })
    .unwrap();
    assert_eq!(user.to_string(), r"fixed\a");
}

/// C5.
#[test]
fn names_that_cannot_be_used_are_refused() {
    let with_id = |id: serde_json::Value| {
        user_of(json!({"userId": id, "userDirectory": "d"})).map_err(|(r, _)| r)
    };
    for bad in [
        json!(""),
        json!(1),
        json!(1.5),
        json!(true),
        json!(null),
        json!([]),
        json!(["boz"]),
        json!({}),
        json!("a\r\nX-Qlik-User: b"),
        json!("a\nb"),
        json!("a\tb"),
        json!("a\u{7f}"),
        json!("a\u{85}"),
        json!("x".repeat(1025)),
        json!("x".repeat(10_000)),
    ] {
        assert_eq!(with_id(bad.clone()), Err(Reason::ClaimInvalid), "{bad}");
    }
    assert!(with_id(json!("x".repeat(1024))).is_ok());
    assert_eq!(
        user_of(json!({"userId": "a"})).unwrap_err().0,
        Reason::ClaimMissing
    );
    assert_eq!(
        user_of(json!({"userDirectory": "a"})).unwrap_err().0,
        Reason::ClaimMissing
    );
}

#[test]
fn a_claim_that_differs_in_case_is_pointed_at() {
    let (reason, detail) = user_of(json!({"userid": "a", "userDirectory": "d"})).unwrap_err();
    assert_eq!(reason, Reason::ClaimMissing);
    assert_eq!(
        detail,
        "the user id comes from the claim \"userId\"; the token has \"userid\", letter case counts"
    );
    let (reason, detail) =
        attributes_of(json!({"EMAIL": "a"}), &[("email", "mail", true)]).unwrap_err();
    assert_eq!(reason, Reason::AttributeMissing);
    assert!(
        detail.ends_with("the token has \"EMAIL\", letter case counts"),
        "{detail}"
    );
}

#[test]
fn values_keep_their_spelling_and_arrays_repeat() {
    let payload =
        json!({"email": "a@b", "Group": ["sales", "fin;ance", 7], "n": 1.50, "b": true, "e": []});
    let rows = [
        ("Group", "group", true),
        ("email", "mail", false),
        ("n", "n", false),
        ("b", "b", false),
        ("e", "empty", false),
        ("absent", "absent", false),
        ("[fixed]", "constant", true),
        ("email", "again", true),
    ];
    let expected = [
        "group=sales",
        "group=fin;ance",
        "group=7",
        "mail=a@b",
        "n=1.5",
        "b=true",
        "constant=fixed",
        "again=a@b",
    ];
    assert_eq!(attributes_of(payload, &rows).unwrap(), expected);
    // The token's own spelling: 1e3 does not become 1000.
    let claims = Claims::read(br#"{"n":1e3,"m":1.50}"#).unwrap();
    let read = attributes(&claims, &mapping(&[("n", "n", false), ("m", "m", false)])).unwrap();
    assert_eq!(
        read,
        [("n".into(), "1e3".into()), ("m".into(), "1.50".into())]
    );
    assert_eq!(
        attributes_of(json!({"a": ""}), &[("a", "a", true)]).unwrap(),
        ["a="]
    );
}

#[test]
fn mandatory_attributes_must_be_there() {
    for payload in [json!({}), json!({"a": []})] {
        let (reason, _) = attributes_of(payload.clone(), &[("a", "a", true)]).unwrap_err();
        assert_eq!(reason, Reason::AttributeMissing);
        assert_eq!(attributes_of(payload, &[("a", "a", false)]), Ok(vec![]));
    }
}

#[test]
fn attributes_of_a_wrong_type_are_refused_mandatory_or_not() {
    for value in [
        json!(null),
        json!({}),
        json!([null]),
        json!([["a"]]),
        json!([{}]),
        json!(["a", null]),
        json!("a\nb"),
        json!(["\u{1}"]),
    ] {
        for mandatory in [true, false] {
            let (reason, _) =
                attributes_of(json!({ "a": value }), &[("a", "a", mandatory)]).unwrap_err();
            assert_eq!(reason, Reason::ClaimInvalid, "{value}");
        }
    }
}

#[test]
fn the_number_and_size_of_attributes_is_bounded() {
    let of = |count: usize| attributes_of(json!({"g": vec!["x"; count]}), &[("g", "g", false)]);
    assert_eq!(of(1000).unwrap().len(), 1000);
    assert_eq!(of(1001).unwrap_err().0, Reason::ClaimInvalid);
    // Name and value of each row: 1 + 8191 bytes, eight times.
    let rows = [("g", "g", false); 9];
    let value = json!({"g": "x".repeat(8191)});
    assert_eq!(attributes_of(value.clone(), &rows[..8]).unwrap().len(), 8);
    assert_eq!(
        attributes_of(value, &rows).unwrap_err().0,
        Reason::ClaimInvalid
    );
}

proptest! {
    #[test]
    fn accepted_users_are_exactly_the_claims(id in "\\PC{0,20}|.{0,20}", directory in ".{1,5}") {
        let payload = json!({"userId": id, "userDirectory": directory});
        prop_assume!(!payload.to_string().contains("\\u0000"));
        match user_of(payload) {
            Ok(user) => {
                prop_assert_eq!((&*user.id, &*user.directory), (id.as_str(), directory.as_str()));
                prop_assert!(!user.to_string().chars().any(char::is_control));
            }
            Err((reason, _)) => prop_assert!(
                reason == Reason::ClaimInvalid
                    && (id.is_empty() || id.chars().chain(directory.chars()).any(char::is_control))
            ),
        }
    }
}
