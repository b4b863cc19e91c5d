//! Trailers: what may follow a body (RFC 9110 section 6.5).
//!
//! A recipient may add the fields of a trailer to those of the head that it has already acted upon. So
//! nothing passes that a head could be judged by: framing, routing, credentials, conditions, content
//! negotiation, control of caches (section 6.5.1), and whatever only the gateway may say. What is left
//! out silently is what any intermediary may leave out (section 6.5.2).

use http::header::{HeaderMap, HeaderName, HeaderValue, TRAILER};
use jotgate_model::{fold_header_name, is_removed_from_requests};

/// The most fields of a trailer; with more of them, none passes.
const MAX_FIELDS: usize = 16;
/// The most bytes of their names and values together.
const MAX_BYTES: usize = 8 * 1024;

/// Fields of heads alone, in the spelling of [`fold_header_name`].
const HEAD_ONLY: [&str; 48] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "authentication-info",
    "authorization",
    "cache-control",
    "clear-site-data",
    "connection",
    "cookie",
    "date",
    "early-data",
    "expect",
    "expires",
    "from",
    "host",
    "http2-settings",
    "jotgate-reason",
    "keep-alive",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "qlik-csrf-token",
    "range",
    "referer",
    "referrer-policy",
    "refresh",
    "retry-after",
    "set-cookie",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-method-override",
];

/// Families of such fields.
const HEAD_ONLY_FAMILIES: [&str; 8] = [
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "x-forwarded-",
    "x-jotgate-",
    "x-qlik-",
];

/// Digests can only be told after the content (RFC 9530 section 2).
const DIGESTS: [&str; 2] = ["content-digest", "content-md5"];

/// Whether a field of that name may stand in a trailer, whoever sends it.
#[must_use]
pub fn is_safe(name: &HeaderName) -> bool {
    let folded = fold_header_name(name.as_str());
    let head_only = HEAD_ONLY.binary_search(&&*folded).is_ok()
        || HEAD_ONLY_FAMILIES
            .iter()
            .any(|family| folded.starts_with(family));
    (!head_only || DIGESTS.contains(&name.as_str())) && !is_removed_from_requests(name.as_str())
}

/// What is left of a trailer; nothing when no field of it may pass, or when it is too large.
#[must_use]
pub fn keep_safe(trailers: HeaderMap) -> Option<HeaderMap> {
    keep(trailers, is_safe)
}

fn keep(mut trailers: HeaderMap, may_pass: impl Fn(&HeaderName) -> bool) -> Option<HeaderMap> {
    let bytes: usize = trailers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if trailers.len() > MAX_FIELDS || bytes > MAX_BYTES {
        return None;
    }
    let doomed: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| !may_pass(name))
        .cloned()
        .collect();
    for name in doomed {
        trailers.remove(name);
    }
    (!trailers.is_empty()).then_some(trailers)
}

/// The fields that the head of a message announces in `Trailer`, as far as they are safe.
#[derive(Clone, Debug, Default)]
pub struct Announced(Vec<HeaderName>);

impl Announced {
    /// Takes `Trailer` out of the head. `own` are names that only the gateway may use towards this
    /// backend.
    pub fn take<'a>(
        headers: &mut HeaderMap,
        own: impl Iterator<Item = &'a HeaderName> + Clone,
    ) -> Self {
        let may_pass = |name: &HeaderName| {
            let same = |own: &HeaderName| {
                fold_header_name(own.as_str()) == fold_header_name(name.as_str())
            };
            is_safe(name) && !own.clone().any(same)
        };
        if !headers.contains_key(TRAILER) {
            return Self::default();
        }
        let names = headers
            .get_all(TRAILER)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .filter(may_pass)
            .take(MAX_FIELDS)
            .collect();
        headers.remove(TRAILER);
        Self(names)
    }

    /// Whether nothing may follow the body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts `Trailer` into the head, with what is left of it.
    pub fn announce(&self, headers: &mut HeaderMap) {
        let names: Vec<&str> = self.0.iter().map(HeaderName::as_str).collect();
        if let Ok(value) = HeaderValue::try_from(names.join(", "))
            && !self.is_empty()
        {
            headers.insert(TRAILER, value);
        }
    }

    /// What is left of the trailer: the announced fields.
    #[must_use]
    pub fn keep(&self, trailers: HeaderMap) -> Option<HeaderMap> {
        keep(trailers, |name| self.0.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(HEAD_ONLY.is_sorted());
    }

    #[test]
    fn results_pass_and_nothing_that_a_head_is_judged_by() {
        for name in [
            "grpc-status",
            "grpc-message",
            "x-checksum",
            "server-timing",
            "content-digest",
            "content-md5",
            "etag",
        ] {
            assert!(is_safe(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "authorization",
            "content-length",
            "content_length",
            "content_digest",
            "cookie",
            "forwarded",
            "host",
            "if-none-match",
            "proxy-authorization",
            "sec-websocket-key",
            "set-cookie",
            "transfer-encoding",
            "transfer.encoding",
            "x-forwarded-for",
            "x-http-method-override",
            "x-qlik-anything",
            "x_qlik_user",
            "x-real-ip",
        ] {
            assert!(!is_safe(&HeaderName::from_static(name)), "{name}");
        }
    }

    #[test]
    fn a_request_announces_what_may_follow() {
        let own = HeaderName::from_static("x-webuser");
        let mut headers = map(&[
            ("trailer", "X-Checksum, X-Qlik-User, x_webuser"),
            ("trailer", "cookie, bad name, grpc-status"),
        ]);
        let announced = Announced::take(&mut headers, std::iter::once(&own));
        assert!(headers.is_empty());
        announced.announce(&mut headers);
        assert_eq!(headers["trailer"], "x-checksum, grpc-status");
        let sent = map(&[("x-checksum", "1"), ("x-other", "2"), ("x_webuser", "me")]);
        assert_eq!(announced.keep(sent), Some(map(&[("x-checksum", "1")])));
        assert_eq!(announced.keep(map(&[("x-other", "2")])), None);
        let nothing = Announced::take(&mut HeaderMap::new(), std::iter::empty());
        assert!(nothing.is_empty());
        let mut headers = HeaderMap::new();
        nothing.announce(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn large_trailers_do_not_pass_at_all() {
        let long = "a".repeat(MAX_BYTES);
        assert_eq!(keep_safe(map(&[("x-checksum", &long)])), None);
        let names: Vec<String> = (0..=MAX_FIELDS).map(|at| format!("x-{at}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(keep_safe(map(&fields)), None);
        assert!(keep_safe(map(&fields[1..])).is_some());
        let same = vec![("x-a", "v"); MAX_FIELDS + 1];
        assert_eq!(keep_safe(map(&same)), None);
    }

    proptest! {
        /// Line S2 of the hostile inputs, in a trailer.
        #[test]
        fn no_spelling_of_a_protected_name_passes(
            at in 0_usize..HEAD_ONLY.len(),
            c in proptest::sample::select(&b"-_!#$%&'*+.^`|~"[..]),
        ) {
            for name in [HEAD_ONLY[at], "x-qlik-user", "x-forwarded-for", "remote-user"] {
                let spelt = name.replace('-', &char::from(c).to_string());
                let name = HeaderName::from_bytes(spelt.as_bytes()).unwrap();
                prop_assert!(!is_safe(&name), "{}", name);
            }
        }
    }
}
