//! The edit page of a virtual proxy, filled in from a token of any provider. Nothing is saved by it.

use axum::response::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::form::{Fields, Posted};
use crate::frame::Stop;
use crate::pages::changes::Origin;
use crate::pages::virtual_proxies::filled_in;

pub(super) async fn fill(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let target = fields.text("target");
    let name = target.parse::<Uuid>();
    let name = name.map_or_else(|_| "new".to_owned(), |id| id.to_string());
    let origin = Origin {
        path: format!("/virtual-proxies/{name}"),
        version: String::new(),
        from: String::new(),
        typed: Value::Object(properties(&fields, name == "new")).to_string(),
    };
    filled_in(&visit, &origin)
}

/// The fields that the token decides about.
fn properties(fields: &Fields, is_new: bool) -> Map<String, Value> {
    let fixed = fields.text("directory").trim();
    let directory = match fields.text("directory-claim") {
        "" => format!("[{fixed}]"),
        claim => claim.to_owned(),
    };
    let issuer = fields.text("issuer");
    let mut properties = Map::new();
    let mut put = |name: &str, value: Value| properties.insert(name.to_owned(), value);
    put("authenticationMethod", "JWT".into());
    put("jwtAttributeUserId", fields.text("user-claim").into());
    put("jwtAttributeUserDirectory", directory.into());
    put("jwtIssuer", issuer.into());
    put("jwtAudience", fields.text("audience").into());
    if !fields.text("algorithm").is_empty() {
        put("jwtAlgorithms", json!([fields.text("algorithm")]));
    }
    if is_new && issuer.starts_with("https://") {
        put("jwtDiscovery", true.into());
    }
    properties
}
