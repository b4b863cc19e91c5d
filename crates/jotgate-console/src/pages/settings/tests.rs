use jotgate_manage::{Privilege, ProcessSide};

use super::*;
use crate::testing::site;

fn setting(name: &'static str, origin: SettingOrigin, values: &[&str]) -> ProcessSetting {
    ProcessSetting {
        heading: "Limits",
        name,
        variable: format!("JOTGATE_{}", name.to_ascii_uppercase()),
        help: "What <it> does",
        values: values.iter().map(|&value| value.to_owned()).collect(),
        default: "30s".to_owned(),
        origin,
        is_read_again: name == "quick",
        waiting: None,
    }
}

fn process() -> ProcessSide {
    ProcessSide {
        settings: Box::new(|| {
            let mut late = setting("late", SettingOrigin::File("/etc/j.toml".into()), &["5"]);
            late.waiting = Some(vec!["6".to_owned()]);
            vec![
                setting("quick", SettingOrigin::Flag, &["10s"]),
                setting("usual", SettingOrigin::Default, &["30s"]),
                late,
                ProcessSetting {
                    heading: "Logs",
                    ..setting("log", SettingOrigin::Environment, &["<b>", "two"])
                },
            ]
        }),
        certificates: Box::new(Vec::new),
    }
}

#[tokio::test]
async fn every_setting_says_what_it_is_where_from_and_what_changing_it_takes() {
    let site = site().await;
    site.management.use_process(process());
    let shown = site.get("/qmc/settings").await;
    assert_eq!(shown.status, StatusCode::OK);
    for text in [
        "3 of 4",
        "--quick",
        "10s",
        "SIGHUP",
        "/etc/j.toml",
        "JOTGATE_LOG",
        "What &#60;it&#62; does",
        "&#60;b&#62;",
        "1 other value waits for a restart",
    ] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert_eq!(shown.text.matches("<h2 id=\"group-").count(), 2);
}

#[tokio::test]
async fn settings_are_for_root_administrators() {
    let mut site = site().await;
    site.management.use_process(process());
    for privilege in [Privilege::SecurityAdmin, Privilege::AuditAdmin] {
        site.visitor.actor.privilege = privilege;
        let refused = site.get("/qmc/settings").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text.contains("RootAdmin") && !refused.text.contains("10s"));
    }
}
