//! The whole configuration as a file: read, pasted, and looked at before it holds.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jotgate_manage::file::{export, to_toml};
use serde_json::Value;

use super::HERE;
use crate::frame::{Frame, page};
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit) -> Response {
    show(&visit, "", Vec::new())
}

/// The file that `jotgate export` writes: secrets are not in it.
pub(super) async fn download(visit: Visit) -> Response {
    let configuration = Value::Object(export(&visit.snapshot().documents));
    match to_toml(&configuration) {
        Ok(text) => {
            let headers = [
                (CONTENT_TYPE, "application/toml;charset=utf-8"),
                (CONTENT_DISPOSITION, "attachment; filename=\"jotgate.toml\""),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the configuration could not be exported");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The form, with what was pasted and what is wrong with it.
pub(super) fn show(visit: &Visit, text: &str, problems: Vec<String>) -> Response {
    let status = match problems.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    let file = File {
        frame: visit.frame("Configuration file", HERE),
        text: text.to_owned(),
        problems,
    };
    page(status, &file)
}

#[derive(Template)]
#[template(path = "changes/file.html")]
struct File {
    frame: Frame,
    text: String,
    problems: Vec<String>,
}
