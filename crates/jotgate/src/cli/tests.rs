use super::*;

fn arguments(words: &[&str]) -> Vec<OsString> {
    ["jotgate"]
        .iter()
        .chain(words)
        .map(OsString::from)
        .collect()
}

fn wrong(words: &[&str]) -> String {
    let arguments = arguments(words);
    let error = Cli::try_parse_from(&arguments).unwrap_err();
    usage_sentence(&error, &arguments)
}

/// The help of every command, as it is shown in a wide window.
#[test]
fn help_of_every_command() {
    for words in [
        vec![],
        vec!["serve"],
        vec!["demo"],
        vec!["admin", "reset"],
        vec!["export"],
        vec!["diff"],
        vec!["apply"],
        vec!["import"],
        vec!["revisions"],
        vec!["revisions", "list"],
        vec!["revisions", "diff"],
        vec!["revisions", "restore"],
        vec!["backup"],
        vec!["restore"],
        vec!["move"],
        vec!["check"],
        vec!["audit"],
        vec!["audit", "list"],
        vec!["audit", "verify"],
        vec!["keys"],
        vec!["keys", "list"],
        vec!["keys", "add"],
        vec!["keys", "remove"],
        vec!["api-keys"],
        vec!["api-keys", "list"],
        vec!["api-keys", "create"],
        vec!["api-keys", "delete"],
        vec!["keygen"],
        vec!["token"],
        vec!["token", "sign"],
        vec!["token", "check"],
    ] {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut shown = &mut command;
        for word in &words {
            shown = shown.find_subcommand_mut(word).unwrap();
        }
        let name = ["help"]
            .iter()
            .chain(&words)
            .copied()
            .collect::<Vec<_>>()
            .join("_");
        insta::assert_snapshot!(name, shown.render_long_help().to_string());
    }
}

#[test]
fn the_commands_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_wrong_command_line_is_answered_with_one_sentence() {
    let sentences = [
        vec!["tokn"],
        vec!["serve", "--lisen", "127.0.0.1:1"],
        vec!["serve", "--listen"],
        vec!["serve", "--check=yes"],
        vec!["keygen"],
        vec!["keygen", "--out", "x", "--bits", "1024"],
        vec!["keygen", "--out", "x", "--days", "0"],
        vec!["token", "sign", "--key", "k", "--alg", "HS256"],
        vec!["token", "sign", "--key", "k", "--expires-in", "10"],
        vec!["token", "check", "a.b.c"],
        vec![
            "token",
            "check",
            "a.b.c",
            "--certificate",
            "c",
            "--jwks",
            "j",
        ],
        vec![
            "token",
            "check",
            "a.b.c",
            "--certificate",
            "c",
            "--attribute",
            "email",
        ],
    ]
    .map(|words| format!("{}\n    {}", words.join(" "), wrong(&words)));
    for sentence in &sentences {
        assert_eq!(sentence.lines().count(), 2, "{sentence}");
    }
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_wrong_command_line_never_repeats_a_token_or_a_password() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl";
    let with_flag = format!("--tokn={token}");
    let database = "postgres://me:hunter2@db/jotgate";
    let flag_with_database = format!("--databas-url={database}");
    let spaces = " ".repeat(50);
    let broken = format!("{token}\n\n{token}");
    for words in [
        vec!["token", "check", token, token],
        vec!["token", "check", token],
        vec!["token", "check", "--certificate", "c", &with_flag],
        vec!["token", token],
        vec![token],
        vec!["token", "check", "--certificate", "c", "x", &broken],
        vec![
            "token",
            "check",
            "--certificate",
            "c",
            "x",
            "--clock-skew",
            token,
        ],
        vec![
            "token",
            "check",
            "--certificate",
            "c",
            "--algorithm",
            token,
            "-",
        ],
        vec!["serve", database],
        vec!["serve", &flag_with_database],
        vec!["serve", &spaces],
    ] {
        let sentence = wrong(&words);
        assert!(
            !sentence.contains("eyJ") && !sentence.contains("hunter2"),
            "{sentence}"
        );
        assert!(sentence.len() < 300, "{sentence}");
    }
}

#[test]
fn settings_are_not_shown_when_the_command_line_is() {
    let words = [
        "serve",
        "--database-url",
        "postgres://me:hunter2@db/jotgate",
    ];
    let shown = format!("{:?}", Cli::try_parse_from(arguments(&words)).unwrap());
    assert!(
        shown.contains("database-url") && !shown.contains("hunter2"),
        "{shown}"
    );
    let words = ["token", "check", "eyJ.eyJ.x", "--certificate", "c"];
    let shown = format!("{:?}", Cli::try_parse_from(arguments(&words)).unwrap());
    assert!(!shown.contains("eyJ"), "{shown}");
}
