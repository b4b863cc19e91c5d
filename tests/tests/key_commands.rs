//! `jotgate keys` and `jotgate api-keys`, on the machine and with an API key from elsewhere.

#[path = "support/shell.rs"]
mod shell;

use std::process::Output;

use jotgate_scenarios::{Backend, Folder, Gateway, Keys};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_key_from_a_file_rotates_and_does_nothing_else() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let (folder, data) = (Folder::empty(), gateway.folder().data());
    let on_the_machine = [("JOTGATE_DATA_DIR", data.to_str().expect("text"))];
    let here = async |arguments: &[&str]| {
        shell::run("jotgate", arguments, folder.path(), &on_the_machine).await
    };
    let create = ["api-keys", "create", "rotation", "--action", "keys.rotate"];
    let create = [&create[..], &["--virtual-proxy", "jwt"]].concat();
    let key = shell::succeeded(&here(&create).await);
    assert!(
        key.starts_with("jotgate_") && key.lines().count() == 1,
        "{key}"
    );
    std::fs::write(folder.path().join("key"), &key).expect("a file");
    std::fs::write(folder.path().join("new.pem"), Keys::second().certificate()).expect("a file");

    let root = gateway.certificates().join("root.pem");
    let (server, root) = (
        gateway.client().origin(),
        root.to_str().expect("text").to_owned(),
    );
    let elsewhere = async |arguments: &[&str]| {
        let to = ["--server", &server, "--ca", &root, "--api-key-file", "key"];
        let arguments = [arguments, &to].concat();
        shell::run("jotgate", &arguments, folder.path(), &[]).await
    };
    let before = shell::succeeded(&elsewhere(&["keys", "list", "jwt"]).await);
    let old = before.split(' ').next().expect("a fingerprint").to_owned();
    let both = shell::succeeded(&elsewhere(&["keys", "add", "jwt", "new.pem"]).await);
    assert_eq!(both.lines().count(), 2, "{both}");
    let token = Keys::first().token().sign();
    let hub = || gateway.client().get("/jwt/hub/").bearer(&token);
    assert_eq!(hub().send().await.status, 200);
    let one = elsewhere(&["keys", "remove", "jwt", &old]).await;
    assert_eq!(shell::succeeded(&one).lines().count(), 1);
    assert_eq!(hub().send().await.status, 401);

    for (arguments, sentence) in [
        (&["export"][..], "allows keys.rotate, and not this"),
        (
            &["revisions", "restore", "1"],
            "allows keys.rotate, and not this",
        ),
        (&["api-keys", "list"], "allows keys.rotate, and not this"),
        (
            &["keys", "list", "admin"],
            "does not name this virtual proxy",
        ),
        (&["keys", "remove", "jwt", "00"], "the fingerprint of none"),
    ] {
        let refused = elsewhere(arguments).await;
        assert_eq!(
            refused.status.code(),
            Some(1),
            "{arguments:?}: {}",
            said(&refused)
        );
        assert!(
            said(&refused).contains(sentence),
            "{arguments:?}: {}",
            said(&refused)
        );
    }

    let listed = shell::succeeded(&here(&["api-keys", "list"]).await);
    assert!(
        listed.contains("rotation") && !listed.contains(key.trim()),
        "{listed}"
    );
    assert!(!listed.contains("never"), "{listed}");
    let id = listed.split(' ').next().expect("an id").to_owned();
    shell::succeeded(&here(&["api-keys", "delete", &id]).await);
    let gone = elsewhere(&["keys", "list", "jwt"]).await;
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        said(&gone).contains("The API key is not valid"),
        "{}",
        said(&gone)
    );
    assert!(!said(&gone).contains(key.trim()));
}

#[tokio::test]
async fn wrong_usage_is_said_and_no_key_with_it() {
    let folder = Folder::empty();
    std::fs::write(folder.path().join("key"), "jotgate_\u{1}secretsecret").expect("a file");
    let server = ["keys", "list", "jwt", "--server", "https://localhost:1"];
    for (more, sentence) in [
        (&[][..], "--api-key-file"),
        (
            &["--api-key-file", "key", "--certificate", "c", "--key", "k"],
            "cannot be used with",
        ),
        (&["--certificate", "c"], "--key"),
        (&["--api-key-file", "nowhere"], "nowhere"),
        (&["--api-key-file", "key"], "holds no API key"),
    ] {
        let arguments = [&server[..], more].concat();
        let output = shell::run("jotgate", &arguments, folder.path(), &[]).await;
        let said = said(&output);
        assert!(matches!(output.status.code(), Some(2)), "{more:?}: {said}");
        assert!(said.contains(sentence), "{more:?}: {said}");
        assert!(!said.contains("secretsecret"), "{said}");
    }
}
