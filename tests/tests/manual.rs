//! The manual: its commands are run, and its links lead somewhere.

#[path = "support/shell.rs"]
mod shell;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jotgate_scenarios::{Backend, Cookie, Folder, Gateway, Keys, PATIENCE, Process, Reply};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

/// The shell commands of a page, block by block.
fn shell_blocks(page: &str) -> Vec<String> {
    let parts = page.split("\n```sh\n").skip(1);
    parts
        .map(|part| part.split("\n```").next().expect("a block").to_owned())
        .collect()
}

/// Every line of docs/HOSTILE-INPUT.md names tests, and every test that it names is there.
#[test]
fn every_test_of_the_hostile_inputs_is_there() {
    let page = fs::read_to_string(root().join("docs/HOSTILE-INPUT.md")).expect("the page");
    let mut found = 0;
    let rows = page.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| line ")) {
        let tests = row.split('|').nth(3).expect("three columns");
        let references: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!references.is_empty(), "no test: {row}");
        for reference in references {
            let (file, name) = reference.split_once(": ").expect("a file and a test");
            let folder = if file.starts_with("crates/") {
                ""
            } else {
                "tests/tests"
            };
            let text = fs::read_to_string(root().join(folder).join(file));
            let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{reference}");
            found += 1;
        }
    }
    assert!(found > 100, "only {found} tests are named");
}

#[tokio::test]
async fn the_first_virtual_proxy_can_be_pasted() {
    let page =
        fs::read_to_string(root().join("docs/manual/first-virtual-proxy.md")).expect("the page");
    let blocks = shell_blocks(&page);
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    let gateway = Gateway::serve().first_start().await;
    let backend = Backend::answering(|received| {
        let user = received.header("X-Qlik-User").unwrap_or_default();
        Reply::text(&format!("the backend sees {user}\n"))
    });
    let backend = backend.await;
    let data = gateway.folder().data();
    let qrs = format!("https://localhost:{}", gateway.listeners().qrs.port());
    let environment = [
        ("DATA", data.to_str().expect("text")),
        ("GATEWAY", &gateway.client().origin()),
        ("QRS", &qrs),
        ("BACKEND", &backend.uri()),
    ];
    let folder = Folder::empty();
    let script = blocks.join("\n");
    let arguments = ["-euo", "pipefail", "-c", &script];
    let output = shell::run("bash", &arguments, folder.path(), &environment).await;
    let said = shell::succeeded(&output);

    let missing = "Could not authenticate the request: Expected an authentication header.";
    let refused = said
        .find(missing)
        .unwrap_or_else(|| panic!("no 401: {said}"));
    let accepted = said
        .find(r"accepted: example\boz")
        .unwrap_or_else(|| panic!("no verdict: {said}"));
    let seen: Vec<usize> = said
        .match_indices("the backend sees ")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(seen.len(), 2, "two answers of the backend: {said}");
    assert!(refused < accepted && accepted < seen[0], "{said}");
    assert_eq!(
        said.matches("UserDirectory=example; UserId=boz").count(),
        2,
        "{said}"
    );
    let requests = backend.received();
    assert_eq!(
        requests.len(),
        2,
        "with the token and with the cookie: {requests:#?}"
    );

    // It has logged out.
    let jar = fs::read_to_string(folder.path().join("cookies.txt")).expect("cookies");
    let line = jar
        .lines()
        .find(|line| line.contains("X-Qlik-Session-portal"))
        .expect("the cookie");
    let cookie = Cookie::new(
        "X-Qlik-Session-portal",
        line.rsplit('\t').next().expect("a value"),
    );
    let answer = gateway
        .client()
        .get("/portal/")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!((answer.status, answer.reason()), (401, "session_unknown"));
}

#[tokio::test]
async fn a_program_rotates_keys_as_the_manual_says() {
    let page = fs::read_to_string(root().join("docs/manual/keys.md")).expect("the page");
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("portal", Keys::first(), &backend)
        .await;
    let data = gateway.folder().data();
    let port = format!("https://localhost:{}", gateway.listeners().qrs.port());
    let environment = [
        ("DATA", data.to_str().expect("text")),
        ("GATEWAY", &gateway.client().origin()),
        ("QRS", &port),
    ];
    let script = shell_blocks(&page).join("\n");
    let arguments = ["-euo", "pipefail", "-c", &script];
    let folder = Folder::empty();
    let output = shell::run("bash", &arguments, folder.path(), &environment).await;
    let said = shell::succeeded(&output);
    assert!(
        said.contains("\n2 keys\n") && said.contains("\n1 key\n"),
        "{said}"
    );
    let token = Keys::first().token().sign();
    let refused = gateway
        .client()
        .get("/portal/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(refused.status, 401, "the old key is gone");
    let arguments = ["token", "sign", "--key", "next/private_key.pem"];
    let claims = ["--claim", "userId=boz", "--claim", "userDirectory=example"];
    let arguments = [&arguments[..], &claims[..]].concat();
    let token = shell::run("jotgate", &arguments, folder.path(), &[]).await;
    let token = shell::succeeded(&token);
    let request = gateway.client().get("/portal/hub/").bearer(token.trim());
    assert_eq!(request.send().await.status, 200);
}

#[tokio::test]
async fn the_interfaces_can_be_pasted() {
    let page = fs::read_to_string(root().join("docs/manual/interfaces.md")).expect("the page");
    let gateway = Gateway::serve().await;
    let data = gateway.folder().data();
    let at = |port: u16| format!("https://localhost:{port}");
    let (qrs, qps) = (
        gateway.listeners().qrs.port(),
        gateway.listeners().qps.port(),
    );
    let environment = [
        ("DATA", data.to_str().expect("text")),
        ("QRS", &at(qrs)),
        ("QPS", &at(qps)),
    ];
    let script = shell_blocks(&page).join("\n");
    let arguments = ["-euo", "pipefail", "-c", &script];
    let output = shell::run("bash", &arguments, &data, &environment).await;
    let said = shell::succeeded(&output);
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let expected = [
        "38.22.0.0",
        "3.1.0",
        "30",
        "production",
        r#"[["","X-Qlik-Session"]]"#,
        "[20]",
        "true",
        "client.pem",
        "client_key.pem",
        "root.pem",
        "server.pem",
        "server_key.pem",
        "new user: true",
        r"EXAMPLE\boz",
        "1",
        "1",
        "0",
        "Jotgate",
        "true",
        "0",
        "user",
        "Central /app up",
        "Central /qrs up",
        "monitor",
        "51",
        "monitor: never used",
    ];
    assert_eq!(lines, expected, "{said}");
}

/// Runs the commands of a page against a new gateway and gives what they print.
async fn pasted(page: &str) -> String {
    let text = fs::read_to_string(root().join("docs/manual").join(page)).expect("the page");
    let gateway = Gateway::serve().await;
    let data = gateway.folder().data();
    let folder = Folder::empty();
    let script = shell_blocks(&text).join("\n");
    let arguments = ["-euo", "pipefail", "-c", &script];
    let environment = [("DATA", data.to_str().expect("text"))];
    let output = shell::run("bash", &arguments, folder.path(), &environment).await;
    shell::succeeded(&output)
}

#[tokio::test]
async fn the_configuration_as_a_file_can_be_pasted() {
    let change = "ServerNodeConfiguration \"Central\" updated\n  nodePurpose: 0 -> 2\n";
    assert_eq!(
        pasted("file.md").await,
        format!("nothing differs\n{change}{change}revision 2\nnothing differs\n")
    );
}

#[tokio::test]
async fn changes_and_going_back_can_be_pasted() {
    let said = pasted("changes.md").await;
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("1  ") && lines[0].ends_with("first start"),
        "{said}"
    );
    let change = |from: u8, to: u8| {
        let name = "ServerNodeConfiguration \"Central\" updated".to_owned();
        [name, format!("  nodePurpose: {from} -> {to}")]
    };
    let (there, back) = (change(0, 1), change(1, 0));
    let mut expected = Vec::new();
    expected.extend(there.clone());
    expected.extend(there.clone());
    expected.push("revision 2".to_owned());
    expected.extend(there);
    expected.extend(back);
    expected.push("revision 3".to_owned());
    expected.push("nothing differs".to_owned());
    assert_eq!(lines[1..], expected, "{said}");
}

#[tokio::test]
async fn the_audit_trail_can_be_pasted() {
    let said = pasted("audit.md").await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].contains("configuration.create done"), "{said}");
    assert!(lines[1].contains("rows are as they were written"), "{said}");
}

#[tokio::test]
async fn backup_and_restore_can_be_pasted() {
    let said = pasted("backup.md").await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    assert!(
        lines[0].starts_with("site.backup has revision 1 of "),
        "{said}"
    );
    assert!(
        lines[3].starts_with("./another has revision 1 of "),
        "{said}"
    );
    assert_eq!((lines[2], lines[4]), (lines[0], "nothing differs"));
}

/// Every page of the project.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["README.md", "SECURITY.md", "CHANGELOG.md"]
        .map(|name| root().join(name))
        .to_vec();
    collect(&root().join("docs"), &mut pages);
    pages
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
}

/// The targets of the links of a page, those in code left out.
fn links(page: &str) -> Vec<String> {
    let mut in_block = false;
    let mut links = Vec::new();
    for line in page.lines() {
        in_block ^= line.trim_start().starts_with("```");
        if in_block || line.starts_with("    ") {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        let targets = prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next());
        links.extend(targets.map(str::to_owned));
    }
    links
}

/// The names of the sections of a page, as links write them.
fn sections(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let name = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(name).collect()
}

#[test]
fn every_link_leads_to_a_file_and_to_a_section_of_it() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, section) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => page.clone(),
                _ => page.parent().expect("a folder").join(file),
            };
            let known = |section: &str| {
                let text = fs::read_to_string(&target).unwrap_or_default();
                section.is_empty() || sections(&text).contains(section)
            };
            if !target.exists() || !known(section) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(followed >= 8, "only {followed} links were found");
}

/// What stands in code inside of prose and tables, such as a flag or a property.
fn code(page: &str) -> Vec<String> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in page.lines() {
        in_block ^= line.trim_start().starts_with("```");
        if !in_block && !line.starts_with("    ") {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

#[tokio::test]
async fn every_flag_and_variable_that_a_page_names_is_one() {
    let mut help = String::new();
    for command in [
        &["serve"][..],
        &["demo"],
        &["keygen"],
        &["token", "sign"],
        &["token", "check"],
        &["export"],
        &["diff"],
        &["apply"],
        &["revisions", "list"],
        &["revisions", "restore"],
        &["backup"],
        &["import"],
        &["check"],
        &["restore"],
        &["keys", "add"],
        &["keys", "remove"],
        &["api-keys", "create"],
        &["audit", "list"],
        &["audit", "verify"],
    ] {
        let arguments = [command, &["--help"]].concat();
        let ended = Process::start(&arguments, &[]).wait(PATIENCE).await;
        help.push_str(&ended.stdout);
    }
    let known = |flag: &str| {
        let mut words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.any(|word| word == flag)
    };
    let mut unknown = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for text in code(&fs::read_to_string(&page).expect("a page")) {
            let words = text.split([' ', '=']);
            for word in words.filter(|word| word.starts_with("--") || word.starts_with("JOTGATE_"))
            {
                let flag = match word.strip_prefix("JOTGATE_") {
                    Some(name) => format!("--{}", name.to_lowercase().replace('_', "-")),
                    None => word.to_owned(),
                };
                seen += 1;
                if !known(&flag) {
                    unknown.push(format!("{}: {text}", page.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(seen >= 10, "only {seen} flags were found");
}

#[tokio::test]
async fn every_property_of_the_tables_is_one_of_the_interface() {
    let page = fs::read_to_string(root().join("docs/manual/settings.md")).expect("the page");
    let gateway = Gateway::serve().await;
    for (heading, path) in [
        ("VirtualProxyConfig", "/virtualproxyconfig/full"),
        ("ServerNodeConfiguration", "/servernodeconfiguration/full"),
    ] {
        let entities = gateway.qrs().get(path).await;
        let entity = entities[0].as_object().expect("an entity");
        let (_, section) = page
            .split_once(&format!("## Extensions of {heading}"))
            .expect("the section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let properties: Vec<String> = rows
            .flat_map(|row| code(row.split('|').nth(1).unwrap_or_default()))
            .collect();
        assert!(properties.len() >= 3, "{properties:?}");
        for property in properties {
            assert!(entity.contains_key(&property), "{heading}.{property}");
        }
    }
}
