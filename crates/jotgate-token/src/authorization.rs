//! The `Authorization` field: whether there is a token, and which one (RFC 6750 section 2.1).

use jotgate_model::{Reason, Refusal};

/// Finds the token in the values of all `Authorization` fields of a request.
///
/// No field, an empty one and another scheme (`Basic`, `Negotiate`) count as no token. Everything
/// that was meant to be a token and is not exactly one is refused, never read as none: a request
/// with a broken token must not go on as one without.
///
/// # Errors
/// `token_ambiguous` for several fields or several tokens; `token_malformed` when the scheme is
/// followed by nothing or by something that is no `token68` (RFC 9110 section 11.2).
pub fn parse_authorization<'r>(
    mut values: impl Iterator<Item = &'r [u8]>,
) -> Result<Option<&'r [u8]>, Refusal> {
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(ambiguous("there are several Authorization fields"));
    }
    let value = value.trim_ascii();
    let scheme_end = value
        .iter()
        .position(|b| !is_token_char(*b))
        .unwrap_or(value.len());
    let (scheme, rest) = value.split_at(scheme_end);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return other_scheme(value);
    }
    match rest.first() {
        None => Err(malformed("no token follows the word Bearer")),
        Some(b' ') => one_token(rest.trim_ascii()).map(Some),
        Some(_) => Err(malformed(
            "the word Bearer must be followed by one blank and the token",
        )),
    }
}

/// No token, unless the scheme was forgotten.
fn other_scheme(value: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    if [&b"eyJ"[..], b"\"eyJ", b"\"Bearer"]
        .iter()
        .any(|start| value.starts_with(start))
    {
        return Err(malformed(
            "the field must begin with the word Bearer, before the token",
        ));
    }
    // What a proxy makes of two fields when it joins them (RFC 9110 section 5.3).
    let joined = value
        .split(|b| *b == b',')
        .skip(1)
        .filter_map(|part| part.trim_ascii().get(..7))
        .any(|start| start.eq_ignore_ascii_case(b"bearer "));
    if joined {
        return Err(ambiguous(
            "there are several schemes, with commas between them",
        ));
    }
    Ok(None)
}

fn one_token(text: &[u8]) -> Result<&[u8], Refusal> {
    let mut words = text
        .split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty());
    let first = words.next().unwrap_or_default();
    let second = words.next();
    if first.eq_ignore_ascii_case(b"bearer") {
        return Err(malformed(if second.is_some() {
            "the word Bearer stands there twice"
        } else {
            "the word Bearer stands there twice, and no token follows"
        }));
    }
    match first.first() {
        Some(b'"' | b'\'') => return Err(malformed("the token stands in quotation marks")),
        Some(b'{') => {
            return Err(malformed(
                "the token is in the JSON form of RFC 7515; send the compact form",
            ));
        }
        Some(b'[') => {
            return Err(malformed(
                "a script sent an object or a list in place of the token",
            ));
        }
        _ => {}
    }
    if text.contains(&b',') {
        return Err(ambiguous(
            "there are several tokens, with commas between them",
        ));
    }
    if let Some(second) = second {
        let begins = first.contains(&b'.') || first.starts_with(b"eyJ");
        let cut = begins && !second.starts_with(b"eyJ");
        return Err(if cut {
            malformed("there is a blank or a line break inside of the token")
        } else {
            ambiguous("there are several words after Bearer")
        });
    }
    let digits = first.iter().rposition(|b| *b != b'=').map_or(0, |i| i + 1);
    let (digits, _padding) = first.split_at(digits);
    if !digits.is_empty() && digits.iter().all(|b| is_token68_char(*b)) {
        return Ok(first);
    }
    Err(malformed("the token contains characters that no token has"))
}

/// RFC 9110 section 5.6.2.
const fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// RFC 9110 section 11.2.
const fn is_token68_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

fn malformed(detail: &'static str) -> Refusal {
    Refusal::with(Reason::TokenMalformed, detail)
}

fn ambiguous(detail: &'static str) -> Refusal {
    Refusal::with(Reason::TokenAmbiguous, detail)
}

#[cfg(test)]
mod tests;
