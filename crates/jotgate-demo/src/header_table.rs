//! The headers that a gateway adds, as rows of a table that people can read.

use http::{HeaderMap, HeaderName};

/// A header as the hub page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderRow {
    /// In the spelling of the documentation; on the wire the case does not matter.
    pub(crate) name: String,
    /// As it arrived, still encoded. Bytes that are no UTF-8 are shown as U+FFFD.
    pub(crate) value: String,
    /// One sentence for people, empty for a header that this table does not know.
    pub(crate) meaning: &'static str,
}

/// Spelling and meaning of the headers that a Qlik proxy injects (Qlik help, "HTTP headers"), and
/// of the forwarding headers that every proxy knows.
const KNOWN: [(&str, &str); 11] = [
    ("X-Qlik-User", "Who the user is, URL-encoded."),
    (
        "X-Qlik-Security",
        "How the request came in, then the user's attributes.",
    ),
    (
        "X-Qlik-ProxySession",
        "The session's public id. The secret stays in the cookie.",
    ),
    (
        "X-Qlik-ProxyId",
        "Which proxy service forwarded the request.",
    ),
    (
        "X-Qlik-Trace",
        "The connection's id, to find it again in the logs.",
    ),
    (
        "X-Qlik-Virtual-Proxy-Prefix",
        "The virtual proxy's prefix, for links. Empty for the default one.",
    ),
    ("X-Qlik-App", "The app that an engine socket asks for."),
    ("X-Qlik-Capabilities", "Reserved by Qlik."),
    ("X-Forwarded-For", "The client's address."),
    ("X-Forwarded-Proto", "How the client reached the gateway."),
    (
        "X-Forwarded-Host",
        "The name by which the client knows the gateway.",
    ),
];

/// The rows for `headers`: known ones first, in the order of [`KNOWN`], then other relatives.
pub(crate) fn rows(headers: &HeaderMap) -> Vec<HeaderRow> {
    let mut rows: Vec<(usize, HeaderRow)> = headers
        .iter()
        .filter(|(name, _)| is_injected(name))
        .map(|(name, value)| {
            let place = KNOWN
                .iter()
                .position(|(known, _)| name.as_str().eq_ignore_ascii_case(known));
            let (name, meaning) = place.map_or_else(
                || (title_case(name), ""),
                |i| (KNOWN[i].0.to_owned(), KNOWN[i].1),
            );
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (
                place.unwrap_or(KNOWN.len()),
                HeaderRow {
                    name,
                    value,
                    meaning,
                },
            )
        })
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn is_injected(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["x-qlik-", "x-forwarded-", "x-jotgate-"]
        .iter()
        .any(|family| name.starts_with(family))
}

/// `x-qlik-other` as `X-Qlik-Other`.
fn title_case(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let mut word = word.to_owned();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        word
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn known_headers_come_first_and_foreign_ones_not_at_all() {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_static("secret"));
        headers.insert("x-qlik-new-thing", HeaderValue::from_static("1"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
        headers.append("x-qlik-user", HeaderValue::from_static("UserId=a"));
        headers.append(
            "x-qlik-user",
            HeaderValue::from_bytes(b"UserId=\xff").unwrap(),
        );

        let rows = rows(&headers);
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "X-Qlik-User",
                "X-Qlik-User",
                "X-Forwarded-For",
                "X-Qlik-New-Thing"
            ]
        );
        assert_eq!(rows[1].value, "UserId=\u{fffd}");
        assert_eq!(rows[3].meaning, "");
    }
}
