//! The files of the pages: a style sheet, scripts and an icon, embedded, under names that change with
//! their contents.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::Console;

/// An embedded file.
pub(crate) struct Asset {
    /// Its name in addresses.
    pub(crate) name: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = digest(&SHA256, content.as_bytes());
        let start = hash.as_ref().iter().take(8);
        let hash: String = start.map(|byte| format!("{byte:02x}")).collect();
        Self {
            name: format!("{stem}-{hash}.{ending}"),
            content_type,
            content,
        }
    }
}

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/console.css");
    Asset::new("console", "css", "text/css;charset=utf-8", content)
});

/// The script.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/console.js");
    Asset::new("console", "js", "text/javascript;charset=utf-8", content)
});

/// The script of pages that make keys and tokens in the tab.
pub(crate) static KEYS: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/keys.js");
    Asset::new("keys", "js", "text/javascript;charset=utf-8", content)
});

/// The script of the edit page.
pub(crate) static EDIT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/edit.js");
    Asset::new("edit", "js", "text/javascript;charset=utf-8", content)
});

/// The script of lists that show what changes.
pub(crate) static LIVE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/live.js");
    Asset::new("live", "js", "text/javascript;charset=utf-8", content)
});

/// The script of the command palette.
pub(crate) static PALETTE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/palette.js");
    Asset::new("palette", "js", "text/javascript;charset=utf-8", content)
});

/// The icon of the tab.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let mut all = [&STYLE, &SCRIPT, &KEYS, &EDIT, &LIVE, &PALETTE, &ICON].into_iter();
    match all.find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (CONTENT_TYPE, asset.content_type),
                (CACHE_CONTROL, "private, max-age=31536000, immutable"),
            ];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
