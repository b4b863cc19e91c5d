//! The parameters of a request. Their names count in any case.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// How many parameters a request may have.
const MAX_PARAMETERS: usize = 64;

/// The decoded parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the query of an address: `%20` and `+` are blanks both, since some clients encode
    /// as forms do.
    ///
    /// # Errors
    /// 400 when it is no UTF-8, or has more parameters than anybody needs.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut parameters = Vec::new();
        for part in query.unwrap_or_default().split('&') {
            if part.is_empty() {
                continue;
            }
            if parameters.len() == MAX_PARAMETERS {
                return Err(Problem::bad_request(format!(
                    "The address has more than {MAX_PARAMETERS} parameters."
                )));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name)?.to_ascii_lowercase();
            parameters.push((name, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, whose `name` is given in lower case.
    ///
    /// # Errors
    /// 400 when it is given twice with different values.
    pub(crate) fn value(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
        let first = values.next();
        if values.any(|value| Some(value) != first) {
            return Err(Problem::bad_request(format!(
                "The parameter {name} is given twice with different values; give it once."
            )));
        }
        Ok(first.map(String::as_str))
    }

    /// Whether a parameter is `true`. Absent and empty ones are not.
    ///
    /// # Errors
    /// 400 for anything else than a truth value.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name)?.unwrap_or_default() {
            "" => Ok(false),
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(Problem::bad_request(format!(
                "The parameter {name} must be true or false."
            ))),
        }
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let text = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded
        .map(Cow::into_owned)
        .map_err(|_| Problem::bad_request("The parameters of the address are no UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(query: &str, name: &str) -> Option<String> {
        let query = Query::parse(Some(query)).unwrap();
        query.value(name).unwrap().map(str::to_owned)
    }

    #[test]
    fn names_count_in_any_case_and_blanks_come_both_ways() {
        let expected = Some("prefix eq 'jwt'".to_owned());
        assert_eq!(value("Filter=prefix%20eq%20'jwt'", "filter"), expected);
        assert_eq!(value("x&FILTER=prefix+eq+%27jwt%27&", "filter"), expected);
        assert_eq!(value("filter=1%2B1", "filter"), Some("1+1".to_owned()));
        assert_eq!(value("filter", "filter"), Some(String::new()));
        assert_eq!(value("", "filter"), None);
    }

    #[test]
    fn repetitions_must_agree() {
        let query = Query::parse(Some("a=1&A=1&b=1&b=2")).unwrap();
        assert_eq!(query.value("a"), Ok(Some("1")));
        assert_eq!(query.value("b").unwrap_err().status, 400);
    }

    #[test]
    fn flags_are_truth_values() {
        let query = Query::parse(Some("a=True&b=false&c&d=1")).unwrap();
        assert_eq!(query.flag("a"), Ok(true));
        assert_eq!(query.flag("b"), Ok(false));
        assert_eq!(query.flag("c"), Ok(false));
        assert_eq!(query.flag("e"), Ok(false));
        assert_eq!(query.flag("d").unwrap_err().status, 400);
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        assert_eq!(Query::parse(Some("a=%ff")).unwrap_err().status, 400);
        assert!(Query::parse(Some(&"a&".repeat(64))).is_ok());
        assert_eq!(
            Query::parse(Some(&"a&".repeat(65))).unwrap_err().status,
            400
        );
    }
}
