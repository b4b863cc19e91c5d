//! The registered claims (RFC 7519 section 4.1): times, issuer, audience, token id.
//!
//! A claim of the wrong type is refused and never read as absent: a policy that a wrong type
//! switches off is none.

mod times;

use jotgate_model::{JwtSettings, Reason, Refusal};

use crate::header::not_json;
use crate::json::{Object, Value, parse_object};
use crate::numeric_date::NumericDate;
use crate::text::quoted;
pub(crate) use times::{Times, times};

/// The longest `jti`, in bytes: used ones are kept until the token has run out.
const MAX_TOKEN_ID: usize = 1024;

/// The payload of a token whose signature was checked.
#[derive(Debug)]
pub(crate) struct Claims<'a>(Object<'a>);

impl<'a> Claims<'a> {
    /// Reads a decoded payload.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        match parse_object(bytes) {
            Ok(members) => Ok(Self(members)),
            Err(_) if bytes.starts_with(b"eyJ") => Err(Refusal::with(
                Reason::TokenMalformed,
                "the token's payload is another token; nested tokens are not supported",
            )),
            Err(error) => Err(not_json("payload", &error)),
        }
    }

    /// The claim of that exact name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.get(name)
    }

    /// The names of all claims.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }

    fn date(&self, name: &str) -> Result<Option<NumericDate>, Refusal> {
        self.get(name)
            .map(|value| NumericDate::read(value).map_err(|error| invalid(name, &error)))
            .transpose()
    }

    fn optional_text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(invalid(
                name,
                &format_args!("is {}, not text", other.kind()),
            )),
        }
    }
}

/// `iss` (RFC 7519 section 4.1.1), compared letter by letter when an issuer is configured.
pub(crate) fn issuer(
    claims: &Claims<'_>,
    policy: &JwtSettings,
) -> Result<Option<Box<str>>, Refusal> {
    let found = claims.optional_text("iss")?;
    match (found, policy.issuer.as_deref()) {
        (Some(found), Some(expected)) if found == expected => {}
        (_, None) => {}
        (found, Some(expected)) => {
            let found = match found {
                Some(found) => format!("iss is {}", quoted(found)),
                None => "the token has no iss".to_owned(),
            };
            return Err(Refusal::with(
                Reason::IssuerMismatch,
                format!("{found}, the virtual proxy expects {}", quoted(expected)),
            ));
        }
    }
    Ok(found.map(Box::from))
}

/// `aud` (RFC 7519 section 4.1.3): text, or an array of texts one of which is the audience.
pub(crate) fn audience(claims: &Claims<'_>, policy: &JwtSettings) -> Result<(), Refusal> {
    let found = audiences(claims)?;
    let Some(expected) = policy.audience.as_deref() else {
        return Ok(());
    };
    if found.clone().any(|audience| audience == expected) {
        return Ok(());
    }
    let shown: Vec<_> = found.take(4).map(quoted).collect();
    let found = if shown.is_empty() {
        "the token has no aud".to_owned()
    } else {
        format!("aud is {}", shown.join(", "))
    };
    Err(Refusal::with(
        Reason::AudienceMismatch,
        format!("{found}; the virtual proxy expects {}", quoted(expected)),
    ))
}

/// The audiences, after a look at their types.
pub(crate) fn audiences<'c>(
    claims: &'c Claims<'_>,
) -> Result<impl Iterator<Item = &'c str> + Clone, Refusal> {
    let value = claims.get("aud");
    let several = match value {
        None | Some(Value::Text(_)) => [].as_slice(),
        Some(Value::Array(items)) => items.as_slice(),
        Some(other) => {
            let problem = format!("is {}, not text or an array of texts", other.kind());
            return Err(invalid("aud", &problem));
        }
    };
    if let Some(other) = several.iter().find(|item| item.as_text().is_none()) {
        return Err(invalid(
            "aud",
            &format_args!("holds {} among its texts", other.kind()),
        ));
    }
    let one = value.and_then(Value::as_text);
    Ok(one
        .into_iter()
        .chain(several.iter().filter_map(Value::as_text)))
}

/// `jti` (RFC 7519 section 4.1.7), needed when a token counts once.
pub(crate) fn token_id(
    claims: &Claims<'_>,
    policy: &JwtSettings,
) -> Result<Option<Box<str>>, Refusal> {
    let id = claims.optional_text("jti")?;
    match id {
        None if policy.single_use => Err(Refusal::with(
            Reason::ClaimMissing,
            "the token has no jti, and jwtSingleUse is on",
        )),
        Some("") if policy.single_use => Err(invalid("jti", &"is empty")),
        Some(id) if id.len() > MAX_TOKEN_ID => Err(invalid(
            "jti",
            &format_args!(
                "has {} bytes; at most {MAX_TOKEN_ID} are accepted",
                id.len()
            ),
        )),
        id => Ok(id.map(Box::from)),
    }
}

/// A claim that cannot be used. `problem` follows the claim's name.
pub(crate) fn invalid(name: &str, problem: &dyn std::fmt::Display) -> Refusal {
    Refusal::with(
        Reason::ClaimInvalid,
        format!("the claim {} {problem}", quoted(name)),
    )
}

#[cfg(test)]
mod tests;
