//! Cookies: finding the session's own, and keeping it from the backends.

use http::header::{COOKIE, HeaderMap, HeaderValue};

/// What the `Cookie` headers say about one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// There is no such cookie.
    Nothing,
    /// There is one, or several that say the same.
    One(&'a [u8]),
    /// There are several that differ: nobody can tell which one the server set.
    Several,
}

/// The value of the cookie `name`, compared exactly (RFC 6265 section 5.4).
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = Found::Nothing;
    for (this, value) in pairs(headers) {
        if this == name.as_bytes() {
            found = match found {
                Found::Nothing => Found::One(value),
                Found::One(first) if first == value => found,
                Found::One(_) | Found::Several => return Found::Several,
            };
        }
    }
    found
}

/// Removes the cookies that `is_own` names; the others keep their order and spelling. They end up in one
/// field: HTTP/1.1 knows no more (RFC 9113 section 8.2.3).
pub fn remove(headers: &mut HeaderMap, is_own: impl Fn(&[u8]) -> bool) {
    let several = headers.get_all(COOKIE).iter().nth(1).is_some();
    if !several && !pairs(headers).any(|(name, _)| is_own(name)) {
        return;
    }
    let mut kept = Vec::new();
    for (name, value) in pairs(headers) {
        if !is_own(name) {
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(name);
            kept.push(b'=');
            kept.extend_from_slice(value);
        }
    }
    headers.remove(COOKIE);
    if !kept.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(&kept)
    {
        headers.insert(COOKIE, value);
    }
}

/// Every name and value, over several `Cookie` fields (HTTP/2 splits them, RFC 9113 section 8.2.3).
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|field| field.as_bytes().split(|b| *b == b';'))
        .filter_map(|pair| {
            let at = pair.iter().position(|b| *b == b'=')?;
            Some((pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(fields: &[&'static str]) -> HeaderMap {
        fields
            .iter()
            .map(|field| (COOKIE, HeaderValue::from_static(field)))
            .collect()
    }

    #[test]
    fn a_cookie_is_found_by_its_exact_name() {
        let map = cookies(&["a=1; X-Qlik-Session=abc;b=2", "c=3"]);
        assert_eq!(find(&map, "X-Qlik-Session"), Found::One(b"abc"));
        assert_eq!(find(&map, "c"), Found::One(b"3"));
        assert_eq!(find(&map, "x-qlik-session"), Found::Nothing);
        assert_eq!(find(&map, "Qlik-Session"), Found::Nothing);
    }

    /// Line N2: which of two cookies a server set cannot be told.
    #[test]
    fn differing_duplicates_are_told_apart() {
        assert_eq!(find(&cookies(&["s=1; s=1"]), "s"), Found::One(b"1"));
        assert_eq!(find(&cookies(&["s=1", "s=2"]), "s"), Found::Several);
        assert_eq!(find(&cookies(&["s=1; s=2; s=1"]), "s"), Found::Several);
    }

    #[test]
    fn own_cookies_do_not_reach_backends() {
        let mut map = cookies(&["a=1; s=x; b=\"2\"", "s=y; junk; c="]);
        remove(&mut map, |name| name == b"s");
        assert_eq!(
            map.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1; b=\"2\"; c="]
        );
        let mut crumbs = cookies(&["a=1", "b=2"]);
        remove(&mut crumbs, |name| name == b"s");
        assert_eq!(
            crumbs.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1; b=2"]
        );
        let mut only = cookies(&["s=x"]);
        remove(&mut only, |name| name == b"s");
        assert!(only.is_empty());
        let mut none = cookies(&["junk; a=1"]);
        remove(&mut none, |name| name == b"s");
        assert_eq!(none.get(COOKIE).unwrap(), "junk; a=1");
    }
}
