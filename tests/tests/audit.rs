//! The audit trail: who did what is in it, secrets are not, and whoever touches it is found out.

#[path = "support/administrator.rs"]
mod administrator;
#[path = "support/forms.rs"]
mod forms;
#[path = "support/native.rs"]
mod native;
#[path = "support/started.rs"]
mod started;

use std::fs;
use std::path::Path;

use administrator::make_administrator;
use forms::Form;
use jotgate_scenarios::{Backend, Client, Gateway, Keys, eventually};
use native::Native;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use started::ended;

const PASSWORD: &str = "canary correct horse";
const WRONG: &str = "canary wrong horse";

/// Runs `jotgate audit` on a data directory, expects `code`, and gives what it says.
async fn audit(words: &[&str], data: &Path, code: i32) -> String {
    let data = data.to_str().expect("text");
    let arguments = [&["audit"], words, &["--data-dir", data]].concat();
    let ended = ended(&arguments, &[]).await;
    let said = ended.stdout + &ended.stderr;
    assert_eq!(ended.code, Some(code), "{words:?}: {said}");
    said
}

/// The rows that fit, newest first.
async fn rows(gateway: &Gateway, query: &str) -> Vec<Value> {
    let path = format!("/audit?{query}");
    let found = Native::of(gateway).ask("GET", &path, &Value::Null).await;
    found["rows"].as_array().expect("rows").clone()
}

async fn execute(database: &Path, statements: &[&str]) {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.expect("a connection");
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(*statement)).execute(&mut connection);
        done.await.expect(statement);
    }
    connection.close().await.expect("an end");
}

/// Every text of the table, as it lies on the disk.
async fn table(database: &Path) -> String {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true);
    let mut connection = options.connect().await.expect("a connection");
    let columns = "actor || source || action || subject_name || coalesce(before, '') || \
                   coalesce(after, '') || reason";
    let query = format!("SELECT group_concat({columns}, char(10)) FROM audit");
    let text: String = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(&mut connection)
        .await
        .expect("a text");
    text
}

#[tokio::test]
async fn a_save_is_in_the_trail_with_who_and_where_and_without_secrets() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    make_administrator(&gateway, "anna", PASSWORD).await;
    let qrs = gateway.qrs();
    let vp = qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    vp.set("sessionInactivityTimeout", 17).await;
    let read = |name: &str| fs::read_to_string(gateway.certificates().join(name)).expect("PEM");
    let key = read("client_key.pem");
    let tls = json!({"clientCertificate": read("client.pem"), "clientKey": key});
    qrs.node_with(tls).await;

    let found = rows(&gateway, "action=configuration&limit=2").await;
    assert_eq!(found[0]["after"]["clientKey"], "[secret]");
    let update = &found[1];
    assert_eq!(
        update["actor"],
        json!({"name": "INTERNAL\\sa_repository", "kind": "certificate", "source": "127.0.0.1"})
    );
    assert_eq!(update["action"], "configuration.update");
    assert_eq!(update["subject"]["kind"], "VirtualProxyConfig");
    assert_eq!(update["subject"]["name"], "the virtual proxy jwt");
    assert_eq!(update["before"], json!({"sessionInactivityTimeout": 30}));
    assert_eq!(update["after"], json!({"sessionInactivityTimeout": 17}));
    assert_eq!(
        (&update["outcome"], &update["reason"]),
        (
            &json!("done"),
            &json!("update virtual proxy \"the virtual proxy jwt\"")
        )
    );

    let made = &rows(&gateway, "action=set_up_link.use").await[0];
    assert_eq!(made["actor"]["name"], "INTERNAL\\anna");
    assert_eq!(made["actor"]["kind"], "local_administrator");
    assert_eq!(made["after"]["roles"], json!(["RootAdmin"]));

    let folder = gateway.folder().clone();
    let data = folder.data();
    let listed = audit(&["list", "--limit", "0", "--json"], &data, 0).await;
    let short = audit(&["list", "--subject", "the virtual proxy jwt"], &data, 0).await;
    assert!(
        short.contains(
            "INTERNAL\\sa_repository (certificate, 127.0.0.1)  configuration.update done"
        ),
        "{short}"
    );
    let exported = Native::of(&gateway).request("GET", "/audit");
    let exported = exported
        .header("Accept", "application/x-ndjson")
        .send()
        .await;
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    let exported = exported.text();
    let mut lines: Vec<&str> = exported.lines().collect();
    lines.reverse();
    assert_eq!(
        lines,
        listed.lines().collect::<Vec<_>>(),
        "the same the other way round"
    );
    let whole = table(&data.join("configuration.db")).await;
    let key_line = key.lines().nth(2).expect("a line");
    for written in [&listed, &exported, &whole] {
        assert!(!written.contains("canary") && !written.contains(key_line));
    }
    // Passwords are nowhere; not in the database either.
    assert_eq!(gateway.stop().await.code, Some(0));
    let bytes = fs::read(data.join("configuration.db")).expect("a file");
    assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
}

#[tokio::test]
async fn whoever_is_refused_is_in_the_trail() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    make_administrator(&gateway, "anna", PASSWORD).await;
    let qrs = gateway.qrs();
    let vp = qrs
        .virtual_proxy("jwt")
        .keys(Keys::first())
        .backend(&backend)
        .await;
    vp.set("allowAdministration", true).create().await;
    let form = Form::load(&gateway.client(), "/internal_forms_authentication/").await;
    let answer = form.post(&[("userId", "anna"), ("password", WRONG)]).await;
    assert_eq!(answer.status, 401);
    let server =
        Client::tls_with_certificate(gateway.listeners().qrs, &gateway.certificates(), "server");
    assert!(server.get("/qrs/about").try_send().await.is_err());
    let client = gateway.client();
    let token = Keys::first().token().user("example", "boz").sign();
    let answer = client.get("/jwt/qmc/").bearer(&token).send().await;
    assert_eq!(answer.status, 403);
    let answer = client
        .get("/jotgate/v1/sessions")
        .bearer("jotgate_nobody")
        .send()
        .await;
    assert_eq!(answer.status, 401);
    let id = qrs.find("jwt").await.id;
    let key = Native::of(&gateway)
        .api_key(&["sessions.read"], &[&id])
        .await;
    let answer = client.get("/jotgate/v1/audit").bearer(&key).send().await;
    assert_eq!(answer.status, 403);

    let who = async || {
        let found = rows(&gateway, "outcome=refused").await;
        let line = |row: &Value| {
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let actor = &row["actor"];
            format!(
                "{} {} {}",
                word(&actor["kind"]),
                word(&actor["name"]),
                word(&row["action"])
            )
        };
        let mut found: Vec<String> = found.iter().map(line).collect();
        found.sort_unstable();
        (found.len() == 5).then_some(found)
    };
    let expected = [
        "api_key API key rotation management.request",
        "api_key unknown management.connect",
        "certificate unknown management.connect",
        r"local_administrator INTERNAL\anna sign_in",
        r"user example\boz management.request",
    ];
    assert_eq!(eventually("the rows", who).await, expected);
    let made = &rows(&gateway, "action=api_key.create").await[0];
    assert_eq!(made["after"]["actions"], json!(["sessions.read"]));
}

#[tokio::test]
async fn a_take_over_keeps_one_chain() {
    let (old, backend) = (Gateway::serve().await, Backend::echo().await);
    let folder = old.folder().clone();
    let data = folder.data();
    old.qrs()
        .jwt_virtual_proxy("one", Keys::first(), &backend)
        .await;
    let new = old.again().taking_over().await;
    new.qrs()
        .jwt_virtual_proxy("two", Keys::first(), &backend)
        .await;
    assert_eq!(old.wait().await.code, Some(0));
    new.qrs().find("one").await.delete().await;
    let said = audit(&["verify"], &data, 0).await;
    assert!(said.contains("rows are as they were written"), "{said}");
    let found = rows(&new, "action=configuration.delete").await;
    assert_eq!(found[0]["subject"]["name"], "the virtual proxy one");
    // A process that is killed leaves a chain that the next one continues.
    new.kill().await;
    audit(&["verify"], &data, 0).await;
}

#[tokio::test]
async fn whoever_touches_the_trail_is_found_out() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    let folder = gateway.folder().clone();
    let data = folder.data();
    let (database, head) = (data.join("configuration.db"), data.join("audit_head"));
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    assert!(
        audit(&["verify"], &data, 0)
            .await
            .contains("as they were written")
    );
    let older = fs::read(&head).expect("the end");
    gateway.qrs().find("jwt").await.delete().await;
    let newest = rows(&gateway, "limit=1").await.remove(0);
    let (number, mac) = (
        newest["sequence"].as_i64().expect("a number"),
        &newest["mac"],
    );
    let noted = format!("{number}:{}", mac.as_str().expect("a seal"));
    let ended = gateway.stop().await;
    let log = data.with_file_name("log");
    fs::write(&log, &ended.stderr).expect("a file");
    let log = log.to_str().expect("text");
    audit(&["verify", "--log", log], &data, 0).await;
    audit(&["verify", "--head", &noted], &data, 0).await;

    let (good, good_head) = (
        fs::read(&database).expect("rows"),
        fs::read(&head).expect("the end"),
    );
    let fences = [
        "DROP TRIGGER audit_is_not_changed",
        "DROP TRIGGER audit_is_not_removed",
    ];
    let cut = format!("DELETE FROM audit WHERE sequence >= {number}");
    let cases = [
        (
            "UPDATE audit SET actor = 'LAB\\nobody' WHERE sequence = 2",
            "row 2 was altered",
        ),
        ("DELETE FROM audit WHERE sequence = 2", "row 2 was removed"),
        (
            "UPDATE audit SET sequence = -sequence; UPDATE audit SET sequence = 5 + sequence WHERE sequence IN (-2, -3); UPDATE audit SET sequence = -sequence WHERE sequence < 0",
            "in the place of row 2 stands what was written as row 3",
        ),
        (&cut, "the end is cut off"),
    ];
    for (statement, sentence) in cases {
        execute(&database, &[&fences[..], &[statement]].concat()).await;
        let said = audit(&["verify"], &data, 1).await;
        assert!(said.contains(sentence), "{statement}: {said}");
        fs::write(&database, &good).expect("a file");
    }
    // With an older copy of what is kept beside it, the log alone still knows.
    execute(&database, &[&fences[..], &[&cut]].concat()).await;
    fs::write(&head, older).expect("a file");
    audit(&["verify"], &data, 0).await;
    for words in [["verify", "--log", log], ["verify", "--head", &noted]] {
        let said = audit(&words, &data, 1).await;
        assert!(said.contains("the end is cut off"), "{said}");
    }
    fs::write(&database, &good).expect("a file");
    fs::write(&head, good_head).expect("a file");
    audit(&["verify"], &data, 0).await;

    let key = data.join("audit_key");
    fs::rename(&key, data.join("certificates/elsewhere")).expect("a file");
    let said = audit(&["verify"], &data, 1).await;
    assert!(said.contains("is missing"), "{said}");
    let refused = ended_serve(&data).await;
    assert!(refused.contains("the key of the audit trail"), "{refused}");
    assert!(!key.exists());
}

/// What a gateway says that must not start on a data directory.
async fn ended_serve(data: &Path) -> String {
    let data = data.to_str().expect("text");
    let listen = [
        "--listen",
        "--qrs-listen",
        "--qps-listen",
        "--observe-listen",
    ];
    let mut words = vec!["serve", "--data-dir", data];
    for flag in listen {
        words.extend([flag, "127.0.0.1:0"]);
    }
    let ended = ended(&words, &[]).await;
    assert_eq!(ended.code, Some(65), "{}", ended.stderr);
    ended.stderr
}

#[tokio::test]
async fn a_restore_is_in_the_trail_and_the_chain_goes_on() {
    let (gateway, backend) = (Gateway::serve().await, Backend::echo().await);
    let folder = gateway.folder().clone();
    let (data, file) = (folder.data(), folder.path().join("site.backup"));
    let words = ["--data-dir", data.to_str().expect("text")];
    let run = async |command: &str| {
        let arguments = [&[command, file.to_str().expect("text")], &words[..]].concat();
        let ended = ended(&arguments, &[]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    };
    let qrs = gateway.qrs();
    let vp = qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    run("backup").await;
    vp.delete().await;
    let again = gateway.again();
    let stopped = gateway.stop().await;
    run("restore").await;
    audit(&["verify"], &data, 0).await;
    let gateway = again.await;
    assert_eq!(gateway.qrs().find("jwt").await.prefix, "jwt");
    audit(&["verify"], &data, 0).await;
    let restored = &rows(&gateway, "action=backup").await;
    // That it was taken is told behind what is in it.
    assert_eq!(restored.len(), 1, "{restored:?}");
    assert_eq!(restored[0]["action"], "backup.restore");
    assert_eq!(restored[0]["actor"]["kind"], "command_line");
    let reason = restored[0]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("revision "), "{reason}");
    // The log of before knows rows that are not in this trail.
    let log = data.with_file_name("log");
    fs::write(&log, stopped.stderr).expect("a file");
    let said = audit(&["verify", "--log", log.to_str().expect("text")], &data, 1).await;
    assert!(said.contains("row"), "{said}");
}
