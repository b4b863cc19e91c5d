//! The token's header (RFC 7515 section 4), before anything about the token is proven.
//!
//! Read for two things only: the algorithm, to compare it with the configured list, and the key id,
//! to choose among configured keys. `jwk`, `jku`, `x5u` and `x5c` never choose a key: they are the
//! sender's own words. What would change the meaning of the token is refused.

use jotgate_model::{Reason, Refusal};

use crate::json::{JsonError, Object, Value, parse_object};
use crate::text::quoted;

/// Types that say "this token is for something else" (RFC 8725 section 3.11), without `+jwt`.
const FOREIGN_TYPES: [&str; 14] = [
    "authorization-grant",
    "client-authentication",
    "dpop",
    "entity-statement",
    "introspection",
    "jwk-set",
    "kb",
    "logout",
    "oauth-authz-req",
    "openid4vci-proof",
    "resolve-response",
    "secevent",
    "token-introspection",
    "trust-mark",
];

/// Parameters with an own meaning, and why they are refused.
const REFUSED: [(&str, &str); 3] = [
    ("crit", "asks for extensions with crit; none are supported"),
    ("b64", "changes the form of the payload with b64"),
    ("zip", "says that the payload is compressed (zip)"),
];

/// A header that may go on.
#[derive(Debug)]
pub(crate) struct Header<'a>(Object<'a>);

impl<'a> Header<'a> {
    /// Reads a decoded header.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let members = parse_object(bytes).map_err(|error| not_json("header", &error))?;
        if members.get("enc").is_some() {
            return Err(Refusal::with(
                Reason::TokenEncrypted,
                "the header has enc, as encrypted tokens have (RFC 7516)",
            ));
        }
        for (name, problem) in REFUSED {
            if members.get(name).is_some() {
                return Err(unsupported(format!("the header {problem}")));
            }
        }
        for name in ["kid", "typ"] {
            match members.get(name) {
                None | Some(Value::Text(_)) => {}
                Some(other) => {
                    return Err(unsupported(format!(
                        "the header's {name} is {}, not text",
                        other.kind()
                    )));
                }
            }
        }
        let header = Self(members);
        match header.text("typ") {
            Some(kind) if is_foreign(kind) => Err(unsupported(format!(
                "the token's typ is {}: it was made for another purpose",
                quoted(kind)
            ))),
            _ => Ok(header),
        }
    }

    /// The `alg` as it stands there, if it is text.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.text("alg")
    }

    /// The `kid`.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// Which of the parameters that name a key, and are not believed, are there.
    pub(crate) fn ignored_keys(&self) -> impl Iterator<Item = &'static str> {
        ["jwk", "jku", "x5u", "x5c"]
            .into_iter()
            .filter(|name| self.0.get(name).is_some())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_text)
    }
}

/// Why a segment is not a JSON object; an encrypted or nested token is told apart.
pub(crate) fn not_json(segment: &str, error: &JsonError) -> Refusal {
    Refusal::with(
        Reason::TokenMalformed,
        format!("the token's {segment} {error}"),
    )
}

/// Media types are compared without case and may leave out `application/` (RFC 7515 section 4.1.9).
fn is_foreign(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    kind.strip_suffix("+jwt")
        .is_some_and(|kind| FOREIGN_TYPES.contains(&kind))
}

fn unsupported(detail: String) -> Refusal {
    Refusal::with(Reason::TokenHeaderUnsupported, detail)
}

#[cfg(test)]
mod tests;
