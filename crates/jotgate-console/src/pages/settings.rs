//! The settings of the process: what each is, where that comes from, and what it takes to change it.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{ProcessSetting, SettingOrigin};

use crate::Console;
use crate::frame::{Frame, Stop, page};
use crate::visit::Visit;

/// The path, which the navigation marks.
const HERE: &str = "/settings";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(HERE, get(show))
}

async fn show(visit: Visit) -> Result<Response, Stop> {
    let found = visit.management().process_settings(visit.actor());
    let found = found.map_err(|error| visit.problem(&error))?;
    let is_set = |setting: &&ProcessSetting| setting.origin != SettingOrigin::Default;
    let settings = Settings {
        frame: visit.frame("Settings", HERE),
        all: found.len(),
        set: found.iter().filter(is_set).count(),
        file: found.iter().find_map(|setting| match &setting.origin {
            SettingOrigin::File(file) => Some(file.clone()),
            _ => None,
        }),
        waiting: found.iter().filter(|one| one.waiting.is_some()).count(),
        groups: groups(found),
    };
    Ok(page(StatusCode::OK, &settings))
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    frame: Frame,
    all: usize,
    /// How many do not have their default.
    set: usize,
    /// The settings file, if a value comes from one.
    file: Option<String>,
    /// How many have another value that waits for a restart.
    waiting: usize,
    groups: Vec<Group>,
}

/// A heading of the help, and what stands below it.
struct Group {
    heading: &'static str,
    rows: Vec<Row>,
}

/// A setting.
struct Row {
    name: &'static str,
    help: &'static str,
    /// One for each line; empty where nothing is set.
    values: Vec<String>,
    default: String,
    is_set: bool,
    origin: String,
    change: &'static str,
    waiting: Option<Vec<String>>,
}

/// In the order of the help, which keeps those of a heading together.
fn groups(settings: Vec<ProcessSetting>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for setting in settings {
        let (heading, row) = (setting.heading, row(setting));
        match groups.last_mut() {
            Some(group) if group.heading == heading => group.rows.push(row),
            _ => groups.push(Group {
                heading,
                rows: vec![row],
            }),
        }
    }
    groups
}

fn row(setting: ProcessSetting) -> Row {
    Row {
        name: setting.name,
        help: setting.help,
        values: setting.values,
        default: setting.default,
        is_set: setting.origin != SettingOrigin::Default,
        origin: match setting.origin {
            SettingOrigin::Default => "default".to_owned(),
            SettingOrigin::Environment => setting.variable,
            SettingOrigin::File(file) => file,
            SettingOrigin::Flag => format!("--{}", setting.name),
        },
        change: if setting.is_read_again {
            "SIGHUP"
        } else {
            "restart"
        },
        waiting: setting.waiting,
    }
}

#[cfg(test)]
mod tests;
