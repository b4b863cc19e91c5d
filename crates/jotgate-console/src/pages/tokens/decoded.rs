//! What a token says of itself: readable, proven or not.

use jotgate_manage::presented;
use jotgate_model::PresentedToken;
use serde_json::{Map, Value};

/// Header and claims for people, and what of them can fill in a virtual proxy.
pub(super) struct Decoded {
    /// JSON on several lines; empty when it cannot be read.
    pub(super) header: String,
    pub(super) claims: String,
    pub(super) is_cut: bool,
    /// The claims that can name a user or a directory.
    pub(super) names: Vec<String>,
    /// Empty when the token has none.
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) algorithm: String,
}

impl Decoded {
    /// The token, with the values of `private` claims masked.
    pub(super) fn read(token: &str, private: &[String]) -> Self {
        let private: Vec<Box<str>> = private.iter().map(|name| Box::from(&**name)).collect();
        let kept = presented(token.as_bytes(), &private);
        Self::of(&kept.unwrap_or_default())
    }

    pub(super) fn of(kept: &PresentedToken) -> Self {
        let members = |text: &Option<Box<str>>| {
            let text = text.as_deref()?;
            serde_json::from_str::<Map<String, Value>>(text).ok()
        };
        let (header, claims) = (members(&kept.header), members(&kept.claims));
        let indented = |members: &Option<Map<String, Value>>| {
            let members = members.clone().map(Value::Object);
            members.map_or_else(String::new, |members| format!("{members:#}"))
        };
        let text = |members: &Option<Map<String, Value>>, name: &str| {
            let value = members.as_ref().and_then(|members| members.get(name));
            let value = match value {
                Some(Value::Array(values)) => values.first(),
                value => value,
            };
            let text = value.and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let names = claims.iter().flatten();
        let names = names.filter(|(_, value)| value.is_string() || value.is_number());
        Self {
            header: indented(&header),
            claims: indented(&claims),
            is_cut: kept.is_cut,
            names: names
                .map(|(name, _)| name.clone())
                .filter(|name| !matches!(&**name, "exp" | "nbf" | "iat" | "jti"))
                .collect(),
            issuer: text(&claims, "iss"),
            audience: text(&claims, "aud"),
            algorithm: text(&header, "alg"),
        }
    }
}
