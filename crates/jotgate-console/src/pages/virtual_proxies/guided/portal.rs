//! What a portal's server needs for a virtual proxy: code that signs a token, and lines that try it.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jotgate_manage::KeySet;
use jotgate_model::entity::VirtualProxyConfig;
use serde_json::{Map, Value};

use super::super::{find, path_of};
use super::START;
use super::draft::algorithm_of;
use crate::assets::KEYS;
use crate::frame::{Frame, Stop, page};
use crate::visit::Visit;

pub(in super::super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Stop> {
    let vp = find(&visit, &id)?;
    if vp.jwt_attribute_user_id.is_empty() || vp.prefix.is_empty() {
        // None that the form has made: nothing to show here.
        let edit = visit.address(&path_of(vp.metadata.id, ""));
        return Ok(Redirect::to(&edit).into_response());
    }
    let address = format!("{}/{}/", visit.origin(), vp.prefix);
    let token = Token::of(&vp);
    let portal = Portal {
        frame: visit.frame(&format!("{} is served", vp.description), START),
        id: vp.metadata.id.to_string(),
        claims: token.described(),
        code: code(&token, &address),
        curl: curl(&address, token.algorithm.is_some()),
        signing: token.algorithm.map(|algorithm| Signing {
            prefix: vp.prefix.clone(),
            algorithm,
            user_id: token.user_id.unwrap_or_default().to_owned(),
            user_directory: token.user_directory.unwrap_or_default().to_owned(),
            fixed: token.fixed().to_string(),
        }),
        embeds: vp.cors_allowed_origins.join(", "),
        keys_script: &KEYS.name,
        address,
    };
    Ok(page(StatusCode::OK, &portal))
}

#[derive(Template)]
#[template(path = "virtual_proxies/portal.html")]
struct Portal {
    frame: Frame,
    id: String,
    address: String,
    claims: Vec<(String, &'static str)>,
    /// Id, heading, text.
    code: Vec<(&'static str, &'static str, String)>,
    curl: String,
    /// Nothing when an issuer signs.
    signing: Option<Signing>,
    /// The origins whose pages may embed the backend.
    embeds: String,
    keys_script: &'static str,
}

/// What a script in the page needs to sign a token.
struct Signing {
    prefix: String,
    algorithm: &'static str,
    /// The names of the claims; empty for a fixed value.
    user_id: String,
    user_directory: String,
    /// The other claims, as JSON.
    fixed: String,
}

fn code(token: &Token<'_>, address: &str) -> Vec<(&'static str, &'static str, String)> {
    let mut code = Vec::new();
    if let Some(algorithm) = token.algorithm {
        code.push(("node", "Node.js: token.mjs", token.node(algorithm)));
        let python = token.python(algorithm);
        code.push(("python", "Python: sign_token.py, with PyJWT", python));
    }
    let page = super::embedding::page(address);
    code.push(("page", "A page that embeds: portal.html", page));
    code
}

/// What a token must have.
struct Token<'a> {
    user_id: Option<&'a str>,
    user_directory: Option<&'a str>,
    audience: &'a str,
    issuer: &'a str,
    /// Nothing when an issuer signs.
    algorithm: Option<&'static str>,
}

impl<'a> Token<'a> {
    fn of(vp: &'a VirtualProxyConfig) -> Self {
        let keys = KeySet::from_pem(&vp.jwt_public_key_certificate);
        let key = keys.ok().and_then(|set| set.keys().first().cloned());
        Self {
            user_id: claim(&vp.jwt_attribute_user_id),
            user_directory: claim(&vp.jwt_attribute_user_directory),
            audience: &vp.jwt_audience,
            issuer: &vp.jwt_issuer,
            algorithm: key.as_ref().and_then(algorithm_of),
        }
    }

    /// The claims that are the same in every token.
    fn fixed(&self) -> Value {
        let named = [("aud", self.audience), ("iss", self.issuer)];
        let named = named.into_iter().filter(|(_, value)| !value.is_empty());
        let named = named.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(named.collect::<Map<_, _>>())
    }

    fn described(&self) -> Vec<(String, &'static str)> {
        let rows = [
            (self.user_id, "the user"),
            (self.user_directory, "the user's directory"),
        ];
        let rows = rows
            .into_iter()
            .filter_map(|(claim, of)| Some((claim?, of)));
        let mut rows: Vec<_> = rows.map(|(claim, of)| (claim.to_owned(), of)).collect();
        for (name, value) in [("aud", self.audience), ("iss", self.issuer)] {
            if !value.is_empty() {
                rows.push((format!("{name} = {value}"), "exactly this"));
            }
        }
        rows.push(("exp".to_owned(), "when it ends; minutes are enough"));
        rows
    }

    /// The members of the claims, each on its own line. JSON's strings are those of JavaScript and of
    /// Python as well.
    fn members(&self, indent: &str, user_id: &str, user_directory: &str) -> String {
        let mut lines = String::new();
        let mut line = |name: &str, value: &str| {
            lines.push_str(&format!("{indent}{}: {value},\n", quoted(name)));
        };
        if let Some(claim) = self.user_id {
            line(claim, user_id);
        }
        if let Some(claim) = self.user_directory {
            line(claim, user_directory);
        }
        for (name, value) in [("aud", self.audience), ("iss", self.issuer)] {
            if !value.is_empty() {
                line(name, &quoted(value));
            }
        }
        line("iat", "now");
        line("exp", "now + 300");
        lines
    }

    fn node(&self, algorithm: &str) -> String {
        let digest = match algorithm {
            "ES384" => "\"sha384\"",
            "EdDSA" => "null",
            _ => "\"sha256\"",
        };
        let members = self.members("    ", "userId", "userDirectory");
        format!(
            r#"import {{ readFileSync }} from "node:fs";
import {{ sign }} from "node:crypto";

const key = readFileSync("private_key.pem");
const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

export function tokenFor(userId, userDirectory) {{
  const now = Math.floor(Date.now() / 1000);
  const claims = {{
{members}  }};
  const text = `${{encode({{ alg: "{algorithm}", typ: "JWT" }})}}.${{encode(claims)}}`;
  const signature = sign({digest}, Buffer.from(text), {{ key, dsaEncoding: "ieee-p1363" }});
  return `${{text}}.${{signature.toString("base64url")}}`;
}}

console.log(tokenFor("boz", "example"));
"#
        )
    }

    fn python(&self, algorithm: &str) -> String {
        let members = self.members("        ", "user_id", "user_directory");
        format!(
            r#"import time

import jwt  # pip install "pyjwt[crypto]"

with open("private_key.pem") as file:
    KEY = file.read()


def token_for(user_id, user_directory):
    now = int(time.time())
    claims = {{
{members}    }}
    return jwt.encode(claims, KEY, algorithm="{algorithm}")


print(token_for("boz", "example"))
"#
        )
    }
}

/// The claim's name; nothing for a fixed value in brackets.
fn claim(text: &str) -> Option<&str> {
    let is_fixed = text.len() > 2 && text.starts_with('[') && text.ends_with(']');
    (!is_fixed).then_some(text)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn curl(address: &str, signs: bool) -> String {
    let token = if signs {
        "TOKEN=$(node token.mjs)"
    } else {
        "TOKEN='the token that the issuer gave you'"
    };
    format!(
        r#"# Without a token: 401, and why
curl --include {address}
# The token opens a session
{token}
curl --include --cookie-jar cookies.txt --header "Authorization: Bearer $TOKEN" {address}
# From then on its cookie is enough
curl --include --cookie cookies.txt {address}
"#
    )
}
