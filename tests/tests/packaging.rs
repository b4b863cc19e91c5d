//! What is in `packaging/`: the Debian package installs and works, the units are good ones, and alerts and
//! dashboard name metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jotgate_scenarios::binary;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the project")
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).expect(path)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    output
}

/// Everything that looks like the name of a metric.
fn metrics_of(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    let names = words.filter(|word| word.starts_with("jotgate_"));
    names.map(str::to_owned).collect()
}

#[test]
fn alerts_and_dashboard_name_metrics_that_there_are() {
    let snapshot = "crates/jotgate-observe/src/snapshots/jotgate_observe__metrics__tests__the_names_are_public.snap";
    let mut known = metrics_of(&read(snapshot));
    known.retain(|name| !name.starts_with("jotgate_observe"));
    for file in [
        "packaging/prometheus/alerts.yml",
        "packaging/grafana/jotgate.json",
    ] {
        let named = metrics_of(&read(file));
        assert!(named.len() > 5, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("packaging/grafana/jotgate.json")).expect("JSON");
    assert!(
        dashboard["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() >= 10)
    );
}

#[test]
fn every_alert_is_explained() {
    let alerts = read("packaging/prometheus/alerts.yml");
    let named: BTreeSet<_> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    let operations = read("docs/OPERATIONS.md");
    let explained: BTreeSet<_> = operations
        .lines()
        .filter_map(|line| line.strip_prefix("| `Jotgate")?.split_once('`'))
        .map(|(name, _)| format!("Jotgate{name}"))
        .collect();
    let explained: BTreeSet<_> = explained.iter().map(String::as_str).collect();
    assert_eq!(named, explained);
}

#[test]
fn the_package_is_installed_works_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, out) = (folder.path().join("root"), folder.path().join("out"));
    let mut make = Command::new(env!("CARGO"));
    make.current_dir(project())
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "package",
            "--binary",
        ])
        .arg(binary())
        .arg("--out")
        .arg(&out);
    run(&mut make);
    let package = the_only_file(&out);

    new_root(&root);
    run(dpkg(&root).arg("--install").arg(&package));
    let installed = |path: &str| root.join(path);
    let settings = installed("etc/jotgate/jotgate.toml");
    let mut check = Command::new(installed("usr/bin/jotgate"));
    check.args(["serve", "--check", "--config"]).arg(&settings);
    check.arg("--data-dir").arg(folder.path().join("data"));
    // Of the suite; Jotgate takes every such variable for a setting.
    check.env_remove("JOTGATE_BINARY");
    run(&mut check);
    units_are_good(&root);

    // Settings that somebody has changed stay until the package is purged.
    fs::write(&settings, "max-connections = 7\n").expect("the settings can be changed");
    run(dpkg(&root).arg("--remove").arg("jotgate"));
    assert!(settings.exists() && !installed("usr/bin/jotgate").exists());
    run(dpkg(&root).arg("--purge").arg("jotgate"));
    assert!(!installed("etc/jotgate").exists() && !installed("usr/share/doc/jotgate").exists());
}

/// systemd reads them without a word, and what the service may do is little.
fn units_are_good(root: &Path) {
    let units = root.join("usr/lib/systemd/system");
    let service = units.join("jotgate.service");
    let text = fs::read_to_string(&service).expect("the unit");
    let here = root.join("usr/bin/jotgate");
    let text = text.replace("/usr/bin/jotgate", here.to_str().expect("a path"));
    fs::write(&service, text).expect("the unit can be changed");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    let verified = run(verify.arg(units.join("jotgate.socket")).arg(&service));
    let told = String::from_utf8_lossy(&verified.stderr);
    let about_ours: Vec<_> = told
        .lines()
        .filter(|line| line.contains("jotgate"))
        .collect();
    assert!(about_ours.is_empty(), "{about_ours:?}");
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=true", "--threshold=20"]);
    run(security.arg(&service));
}

fn dpkg(root: &Path) -> Command {
    let mut root_argument = std::ffi::OsString::from("--root=");
    root_argument.push(root);
    let mut dpkg = Command::new("dpkg");
    // The packages that it depends on are those of this machine.
    dpkg.arg(root_argument).args([
        "--force-not-root",
        "--force-script-chrootless",
        "--force-depends",
    ]);
    dpkg
}

fn new_root(root: &Path) {
    let state = root.join("var/lib/dpkg");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(state.join(folder)).expect("a folder");
    }
    for file in ["status", "available"] {
        fs::write(state.join(file), "").expect("a file");
    }
}

fn the_only_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).expect("a folder");
    let file = files.next().expect("a file").expect("a file").path();
    assert!(files.next().is_none());
    file
}
