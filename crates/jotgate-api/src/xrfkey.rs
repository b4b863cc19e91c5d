//! The Xrfkey: a key that the caller chooses and sends twice, as parameter and as header
//! (Qlik help, "Using Xrfkey headers"). A page of another site can make a browser send the first,
//! not the second.

use http::HeaderMap;

use crate::problem::Problem;
use crate::query::Query;

const LENGTH: usize = 16;

/// Compares the key of the address with the key of the header.
///
/// # Errors
/// 403, in the words of the real system, unless both are there, equal, and 16 letters or digits.
pub(crate) fn check(query: &Query, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = || Problem::forbidden("XSRF prevention check failed. Possible XSRF discovered.");
    let parameter = query.value("xrfkey").ok().flatten().ok_or_else(refused)?;
    let mut header = headers.get_all("x-qlik-xrfkey").iter();
    let (Some(first), None) = (header.next(), header.next()) else {
        return Err(refused());
    };
    let well_formed =
        parameter.len() == LENGTH && parameter.bytes().all(|b| b.is_ascii_alphanumeric());
    if well_formed && first.as_bytes() == parameter.as_bytes() {
        Ok(())
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdEF";

    fn passes(query: &str, header: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in header {
            headers.append("X-Qlik-XrfKey", value.parse().unwrap());
        }
        check(&Query::parse(Some(query)).unwrap(), &headers).is_ok()
    }

    #[test]
    fn the_parameter_must_equal_the_header() {
        assert!(passes("Xrfkey=0123456789abcdEF", &[KEY]));
        assert!(passes("filter=x&xrfKEY=0123456789abcdEF", &[KEY]));
        assert!(!passes("xrfkey=0123456789abcdef", &[KEY]));
        assert!(!passes("xrfkey=0123456789abcdEF", &[]));
        assert!(!passes("xrfkey=0123456789abcdEF", &[KEY, KEY]));
        assert!(!passes("", &[KEY]));
        assert!(!passes("xrfkey=x&xrfkey=0123456789abcdEF", &[KEY]));
    }

    #[test]
    fn it_has_sixteen_letters_and_digits() {
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcdefg",
            "0123456789abcde_",
            "0123456789abcdeé",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-qlik-xrfkey", http::HeaderValue::from_str(bad).unwrap());
            let query = Query::parse(Some(&format!("xrfkey={bad}"))).unwrap();
            assert_eq!(check(&query, &headers).unwrap_err().status, 403, "{bad}");
        }
    }
}
