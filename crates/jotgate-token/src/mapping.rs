//! From claims to the user and the attributes that backends see.

use jotgate_model::{
    AttributeMapping, Attributes, ClaimSource, JwtSettings, Reason, Refusal, User,
};

use crate::claims::{Claims, invalid};
use crate::json::Value;
use crate::text::quoted;

/// The longest user id and user directory, in bytes.
const MAX_NAME: usize = 1024;

/// How many attributes one token may bring.
const MAX_ATTRIBUTES: usize = 1000;

/// How many bytes all their names and values may have. A claim can be mapped several times, so the
/// size of the token is no bound.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

/// The user. Both parts must be text: numbers are refused because one number has many spellings
/// (`1`, `1.0`, `1e0`), and two spellings would be two users.
pub(crate) fn user(claims: &Claims<'_>, policy: &JwtSettings) -> Result<User, Refusal> {
    Ok(User {
        directory: name(claims, &policy.user_directory, "user directory")?,
        id: name(claims, &policy.user_id, "user id")?,
    })
}

fn name(claims: &Claims<'_>, source: &ClaimSource, what: &str) -> Result<Box<str>, Refusal> {
    let claim = match source {
        ClaimSource::Constant(constant) => return Ok(constant.clone()),
        ClaimSource::Claim(claim) => claim,
    };
    let text = match claims.get(claim) {
        None => {
            let detail = format!(
                "the {what} comes from the claim {}; {}",
                quoted(claim),
                absent(claims, claim)
            );
            return Err(Refusal::with(Reason::ClaimMissing, detail));
        }
        Some(Value::Text(text)) => text,
        Some(other) => {
            let problem = format!("is {}, the {what} must be text", other.kind());
            return Err(invalid(claim, &problem));
        }
    };
    if text.is_empty() {
        return Err(invalid(claim, &"is empty"));
    }
    if text.len() > MAX_NAME {
        let problem = format!("has {} bytes; at most {MAX_NAME} are accepted", text.len());
        return Err(invalid(claim, &problem));
    }
    no_control_characters(claim, text)?;
    Ok(text.as_ref().into())
}

/// The attributes, in the order of the mapping; an array repeats its attribute, an empty one counts
/// as absent.
///
/// Text, numbers and booleans become text as the token spells them. Anything else is refused also
/// where the attribute is not mandatory: a rule that says "not in group X" must not hold because the
/// groups came in an unexpected form.
pub(crate) fn attributes(
    claims: &Claims<'_>,
    mapping: &[AttributeMapping],
) -> Result<Attributes, Refusal> {
    let mut attributes = Attributes::with_capacity(mapping.len());
    let mut bytes = 0;
    for row in mapping {
        let before = attributes.len();
        let mut add = |claim: &str, value: &str| {
            bytes += row.attribute.len() + value.len();
            if attributes.len() == MAX_ATTRIBUTES || bytes > MAX_ATTRIBUTE_BYTES {
                let problem = format!(
                    "exceeds the limit of {MAX_ATTRIBUTES} attributes or {MAX_ATTRIBUTE_BYTES} bytes in all"
                );
                return Err(invalid(claim, &problem));
            }
            attributes.push((row.attribute.clone(), value.into()));
            Ok(())
        };
        match &row.source {
            ClaimSource::Constant(constant) => add("", constant)?,
            ClaimSource::Claim(claim) => match claims.get(claim) {
                None => {}
                Some(Value::Array(items)) => {
                    for item in items {
                        add(claim, scalar(claim, item)?)?;
                    }
                }
                Some(value) => add(claim, scalar(claim, value)?)?,
            },
        }
        if attributes.len() == before && row.mandatory {
            return Err(missing(claims, row));
        }
    }
    Ok(attributes)
}

fn scalar<'c>(claim: &str, value: &'c Value<'_>) -> Result<&'c str, Refusal> {
    match value {
        Value::Text(text) => {
            no_control_characters(claim, text)?;
            Ok(text)
        }
        Value::Number(text) => Ok(text),
        Value::Bool(true) => Ok("true"),
        Value::Bool(false) => Ok("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(invalid(
            claim,
            &format_args!(
                "is or holds {}; attributes are text, numbers, booleans or arrays of these",
                value.kind()
            ),
        )),
    }
}

/// CR, LF and their like are the means of header and log injection; no name needs them.
fn no_control_characters(claim: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().any(char::is_control) {
        return Err(invalid(claim, &"contains a control character"));
    }
    Ok(())
}

fn missing(claims: &Claims<'_>, row: &AttributeMapping) -> Refusal {
    let ClaimSource::Claim(claim) = &row.source else {
        return Refusal::new(Reason::AttributeMissing);
    };
    let found = if claims.get(claim).is_some() {
        "the token has an empty array".to_owned()
    } else {
        absent(claims, claim)
    };
    let detail = format!(
        "the mandatory attribute {} comes from the claim {}; {found}",
        quoted(&row.attribute),
        quoted(claim)
    );
    Refusal::with(Reason::AttributeMissing, detail)
}

/// What the token has instead of a claim.
fn absent(claims: &Claims<'_>, claim: &str) -> String {
    let lower = claim.to_lowercase();
    match claims.names().find(|name| name.to_lowercase() == lower) {
        Some(other) => format!("the token has {}, letter case counts", quoted(other)),
        None => "the token has no such claim".to_owned(),
    }
}

#[cfg(test)]
mod tests;
