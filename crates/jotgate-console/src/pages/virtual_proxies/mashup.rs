//! What a mashup needs: pages of another origin that show the backend in a frame, ask it with a script and
//! open WebSockets.

use jotgate_model::Origin;
use serde_json::{Map, Value};

use super::typed::{header_lines, header_rows};

/// How the pages of a mashup come to have a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// They are of another site: the cookie is one that comes along from there, also where browsers block
    /// third-party cookies.
    OtherSite,
    /// They are below the same domain: its cookie is shared.
    SameDomain,
    /// As the real system is set up for it: header lines beside a shared cookie.
    HeaderLines,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::OtherSite, Self::SameDomain, Self::HeaderLines];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::OtherSite => "other-site",
            Self::SameDomain => "same-domain",
            Self::HeaderLines => "header-lines",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::OtherSite => "It is of another site",
            Self::SameDomain => "It is below the same domain",
            Self::HeaderLines => "The same, with header lines as in Qlik Sense",
        }
    }

    pub(super) fn of(code: &str) -> Self {
        let found = Self::ALL.into_iter().find(|way| way.code() == code);
        found.unwrap_or(Self::OtherSite)
    }

    /// Sets what pages of `origin` need. Entries and lines that are there stay.
    ///
    /// # Errors
    /// What is wrong with the origin, in words that follow the field's name. Nothing is set then.
    pub(super) fn allow(
        self,
        origin: &str,
        properties: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let parsed = Origin::parse(origin).map_err(|error| format!("cannot be used: {error}"))?;
        let shared = domain_above(&parsed.host);
        if self != Self::OtherSite && shared.is_none() {
            return Err(format!(
                "cannot be used: {} has no domain above it that this host could share",
                parsed.host
            ));
        }
        let host = match parsed.port {
            Some(port) => format!("{}:{port}", parsed.host),
            None => parsed.host.to_string(),
        };
        let origin = parsed.to_string();
        add(properties, "websocketCrossOriginWhiteList", &host);
        match self {
            Self::HeaderLines => add_lines(properties, &origin),
            Self::OtherSite | Self::SameDomain => add(properties, "corsAllowedOrigins", &origin),
        }
        let is_elsewhere = self == Self::OtherSite;
        let same_site = if is_elsewhere { "None" } else { "Lax" };
        properties.insert("sameSiteAttributeHttps".to_owned(), same_site.into());
        properties.insert("hasSecureAttributeHttps".to_owned(), true.into());
        properties.insert("cookiePartitioned".to_owned(), is_elsewhere.into());
        let domain = shared.filter(|_| !is_elsewhere).unwrap_or_default();
        properties.insert("sessionCookieDomain".to_owned(), domain.into());
        Ok(())
    }
}

/// `example.com` for `portal.example.com`. Nothing for an address, and nothing where one label would
/// be left: no browser takes a cookie for all of `com`.
fn domain_above(host: &str) -> Option<&str> {
    let (_, above) = host.split_once('.')?;
    let is_name = above.contains(|c: char| c.is_ascii_alphabetic());
    (is_name && above.contains('.')).then_some(above)
}

fn add(properties: &mut Map<String, Value>, name: &str, entry: &str) {
    let list = properties
        .entry(name)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list
        && !list.iter().any(|known| known.as_str() == Some(entry))
    {
        list.push(entry.into());
    }
}

/// The two lines of seed documentation: one origin can be named, and `*` would not do.
fn add_lines(properties: &mut Map<String, Value>, origin: &str) {
    let field = "additionalResponseHeaders";
    let text = properties.get(field).and_then(Value::as_str);
    let mut rows = header_rows(text.unwrap_or_default());
    for (name, value) in [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
    ] {
        rows.retain(|row| {
            !row["name"]
                .as_str()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        });
        rows.push(serde_json::json!({ "name": name, "value": value }));
    }
    properties.insert(field.to_owned(), header_lines(&rows).into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allowed(way: Way, origin: &str) -> Map<String, Value> {
        let mut properties = Map::new();
        way.allow(origin, &mut properties).unwrap();
        properties
    }

    #[test]
    fn an_origin_brings_everything_that_its_pages_need_once() {
        let mut properties = Map::new();
        properties.insert(
            "corsAllowedOrigins".to_owned(),
            json!(["https://a.example.com"]),
        );
        for _ in 0..2 {
            let origin = "https://Portal.Example.com:8443";
            Way::OtherSite.allow(origin, &mut properties).unwrap();
        }
        let origin = "https://portal.example.com";
        Way::OtherSite.allow(origin, &mut properties).unwrap();
        assert_eq!(
            Value::Object(properties),
            json!({
                "corsAllowedOrigins": ["https://a.example.com", "https://portal.example.com:8443", "https://portal.example.com"],
                "websocketCrossOriginWhiteList": ["portal.example.com:8443", "portal.example.com"],
                "sameSiteAttributeHttps": "None",
                "hasSecureAttributeHttps": true,
                "cookiePartitioned": true,
                "sessionCookieDomain": "",
            })
        );
    }

    #[test]
    fn below_the_same_domain_the_cookie_is_shared() {
        let set = allowed(Way::SameDomain, "https://mashup.example.com");
        assert_eq!(set["sessionCookieDomain"], "example.com");
        assert_eq!(set["sameSiteAttributeHttps"], "Lax");
        assert_eq!(set["cookiePartitioned"], false);
        for alone in [
            "https://localhost",
            "https://example.com",
            "https://10.0.0.5",
        ] {
            let wrong = Way::SameDomain.allow(alone, &mut Map::new()).unwrap_err();
            assert!(wrong.contains("no domain above"), "{alone}: {wrong}");
        }
    }

    #[test]
    fn header_lines_replace_those_of_the_same_name() {
        let mut properties = Map::new();
        let before = "X-One: 1\naccess-control-allow-origin: https://old.example.com";
        properties.insert("additionalResponseHeaders".to_owned(), before.into());
        let origin = "https://mashup.example.com:8443";
        Way::HeaderLines.allow(origin, &mut properties).unwrap();
        assert_eq!(
            properties["additionalResponseHeaders"],
            "X-One: 1\nAccess-Control-Allow-Origin: https://mashup.example.com:8443\n\
             Access-Control-Allow-Credentials: true"
        );
        assert!(!properties.contains_key("corsAllowedOrigins"));
    }

    #[test]
    fn what_is_no_origin_changes_nothing() {
        let mut properties = Map::new();
        for wrong in ["portal.example.com", "https://x/path", "*", "null", ""] {
            for way in Way::ALL {
                assert!(way.allow(wrong, &mut properties).is_err(), "{wrong}");
                assert_eq!(Way::of(way.code()), way);
            }
        }
        assert!(properties.is_empty());
    }
}
