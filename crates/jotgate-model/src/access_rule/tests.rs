use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Condition {
    let rule = AccessRule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    rule.expect("a rule").0
}

fn is(subject: Subject, texts: &[&str]) -> Condition {
    Condition::Is(subject, texts.iter().map(|text| (*text).into()).collect())
}

#[test]
fn every_form_is_read() {
    let directory = is(Subject::Directory, &["EXAMPLE"]);
    let group = is(Subject::Attribute("Group".into()), &["sales"]);
    let id = is(Subject::Id, &["a", "b"]);
    assert_eq!(parse(r#"directory = "EXAMPLE""#), directory);
    assert_eq!(parse(r#" attribute.Group="sales" "#), group);
    assert_eq!(parse(r#"attribute [ "Group" ] = "sales""#), group);
    assert_eq!(parse(r#"id in("a","b")"#), id);
    assert_eq!(
        parse(
            r#"directory = "EXAMPLE" and (attribute.Group = "sales" or id in ("a", "b")) and not id = "c\"\\""#
        ),
        Condition::All(vec![
            directory,
            Condition::Any(vec![group, id]),
            Condition::Not(Box::new(is(Subject::Id, &["c\"\\"]))),
        ])
    );
    assert_eq!(AccessRule::parse(" \n"), Ok(None));
}

#[test]
fn or_binds_less_than_and() {
    let rule = parse(r#"id = "a" or id = "b" and id = "c""#);
    let Condition::Any(parts) = rule else {
        panic!("{rule:?}")
    };
    assert_eq!(parts.len(), 2);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let long = "x".repeat(4097);
    let deep = "(".repeat(500);
    let mistakes = [
        "directory",
        "directory == \"a\"",
        "directory = EXAMPLE",
        "directory = \"EXAMPLE",
        "directory = \"a\\n\"",
        "Directory = \"a\"",
        "group = \"sales\"",
        "attribute = \"a\"",
        "attribute. = \"a\"",
        "attribute.a.b = \"c\"",
        "id in ()",
        "id in (\"a\" \"b\")",
        "id = \"a\" id = \"b\"",
        "id = \"a\" and",
        "(id = \"a\"",
        "id = \"a\")",
        "not",
        "id != \"a\"",
        "id =~ \".*\"",
        "iderror = \"a\"",
        "größe = \"a\"",
        &long,
        &deep,
    ];
    let told: Vec<String> = mistakes
        .iter()
        .map(|text| {
            let begin: String = text.chars().take(40).collect();
            format!("{begin}\n  {}", AccessRule::parse(text).unwrap_err())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

fn text() -> impl Strategy<Value = Box<str>> {
    "[a-zA-Z\"\\\\ü .=()@-]{0,6}".prop_map(Into::into)
}

fn condition() -> impl Strategy<Value = Condition> {
    let subject = prop_oneof![
        Just(Subject::Directory),
        Just(Subject::Id),
        text().prop_map(Subject::Attribute),
    ];
    let is = (subject, proptest::collection::vec(text(), 1..4));
    let leaf = is.prop_map(|(subject, texts)| Condition::Is(subject, texts));
    leaf.prop_recursive(4, 24, 3, |inner| {
        let several = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(Condition::All),
            several().prop_map(Condition::Any),
            inner.clone().prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(condition in condition()) {
        let text = AccessRule(condition.clone()).to_string();
        prop_assume!(text.chars().count() <= 4096);
        prop_assert_eq!(parse(&text), condition);
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,60}") {
        drop(AccessRule::parse(&text));
    }

    #[test]
    fn nothing_made_of_its_words_is_too_odd(words in proptest::collection::vec(
        proptest::sample::select(vec!["(", ")", "not", "and", "or", "id", "=", "in", ",", "\"a\"", "attribute", ".", "[", "]", "\\", "\""]), 0..40)) {
        if let Ok(Some(rule)) = AccessRule::parse(&words.join(" ")) {
            prop_assert_eq!(AccessRule::parse(&rule.to_string()), Ok(Some(rule)));
        }
    }
}
