//! A token as people paste it, without what surrounds it where they copy it from.

/// What of a pasted text is meant to be the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The token, or whatever there was instead of one.
    pub token: String,
    /// What was left out, in words; no request may have it either.
    pub left_out: Vec<&'static str>,
}

/// Leaves the token out.
impl std::fmt::Debug for Pasted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pasted")
            .field("left_out", &self.left_out)
            .finish_non_exhaustive()
    }
}

/// What stands before a token, as it is in a request or in somebody's notes.
const BEFORE: [(&str, &str); 2] = [
    ("authorization:", "Authorization: before it"),
    ("bearer", "Bearer before it"),
];
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Takes the token out of `text`: header name, scheme, quotes around it, and blanks or line breaks
/// inside of what is one signed token without them.
#[must_use]
pub fn pasted(text: &str) -> Pasted {
    let mut left_out = Vec::new();
    let mut rest = text.trim();
    if rest.len() != text.trim_end_matches(['\r', '\n']).len() {
        left_out.push("blanks around it");
    }
    loop {
        let next = unwrapped(rest, &mut left_out).trim();
        if next.len() == rest.len() {
            break;
        }
        rest = next;
    }
    let whole: String = rest.split_whitespace().collect();
    let is_one = whole.len() != rest.len() && whole.matches('.').count() == 2;
    if is_one {
        left_out.push("blanks or line breaks inside of it");
    }
    Pasted {
        token: if is_one { whole } else { rest.to_owned() },
        left_out,
    }
}

/// The text without the outermost of what may surround a token.
fn unwrapped<'t>(text: &'t str, left_out: &mut Vec<&'static str>) -> &'t str {
    let quoted = QUOTES.into_iter().find_map(|quote| {
        let inside = text.strip_prefix(quote)?;
        inside.strip_suffix(quote)
    });
    if let Some(inside) = quoted {
        left_out.push("quotes around it");
        return inside;
    }
    for (before, words) in BEFORE {
        let Some((start, after)) = text.split_at_checked(before.len()) else {
            continue;
        };
        // A token may begin with these letters; then no blank follows.
        let is_apart = before.ends_with(':') || after.starts_with(char::is_whitespace);
        if start.eq_ignore_ascii_case(before) && is_apart {
            left_out.push(words);
            return after;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn left_out(text: &str) -> Vec<&'static str> {
        let pasted = pasted(text);
        assert_eq!(pasted.token, "eyJh.eyJi.c2ln", "{text}");
        pasted.left_out
    }

    #[test]
    fn what_surrounds_a_token_is_left_out_and_named() {
        assert!(left_out("eyJh.eyJi.c2ln").is_empty());
        assert!(left_out("eyJh.eyJi.c2ln\r\n").is_empty());
        assert_eq!(left_out("  eyJh.eyJi.c2ln "), ["blanks around it"]);
        assert_eq!(left_out("Bearer eyJh.eyJi.c2ln"), ["Bearer before it"]);
        assert_eq!(left_out("bearer\n`eyJh.eyJi.c2ln`").len(), 2);
        let header = "Authorization: Bearer eyJh.eyJi.c2ln";
        assert_eq!(
            left_out(header),
            ["Authorization: before it", "Bearer before it"]
        );
        assert_eq!(left_out(&format!("\"{header}\"")).len(), 3);
        assert_eq!(
            left_out("eyJh.ey\r\n Ji.c2ln"),
            ["blanks or line breaks inside of it"]
        );
    }

    #[test]
    fn what_is_no_single_token_stays_as_it_is() {
        for text in [
            "",
            "bearer",
            "bearereyJh.eyJi.c2ln",
            "\"",
            "a.b.c a.b.c",
            "äöü",
        ] {
            assert_eq!(pasted(text).token, text);
        }
        assert!(!format!("{:?}", pasted("eyJh.eyJi.c2ln")).contains("eyJ"));
    }

    proptest! {
        #[test]
        fn a_second_look_changes_nothing(text in "[ \"'`a-cA-C.:\\n]{0,40}|(Bearer |authorization:|\"){0,6}[a-z.]{0,9}\"{0,3}") {
            let once = pasted(&text);
            prop_assert_eq!(&pasted(&once.token).token, &once.token);
        }
    }
}
