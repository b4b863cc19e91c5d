//! Where a document is: an https address, or an http address of this machine.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery};

use super::FetchError;

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2048;

/// An address that a document may be fetched from, as far as its text can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    tls: bool,
    authority: Authority,
    path: PathAndQuery,
    /// In lower case, an IPv6 address without brackets.
    host: Box<str>,
}

impl Location {
    /// Reads an absolute address. `http` is accepted for hosts of this machine only; a user name is
    /// never accepted.
    pub(crate) fn parse(text: &str) -> Result<Self, FetchError> {
        let refuse = || FetchError::BadAddress(shown(text));
        if text.len() > MAX_LENGTH || text.contains(['@', '#', '\\']) {
            return Err(refuse());
        }
        let parts = text.parse::<Uri>().map_err(|_| refuse())?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(refuse());
        };
        let host = authority.host().trim_matches(['[', ']']);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let tls = match scheme.as_str() {
            "https" => true,
            "http" if is_of_this_machine(&host) => false,
            _ => return Err(refuse()),
        };
        let after_host = authority.as_str().strip_prefix(authority.host());
        let port_is_good = after_host == Some("") || authority.port_u16().is_some();
        if host.is_empty() || !port_is_good {
            return Err(refuse());
        }
        let path = parts.path_and_query;
        Ok(Self {
            tls,
            authority,
            path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
            host: host.into(),
        })
    }

    /// Where a redirect from here leads (RFC 9110 section 10.2.2). The scheme may not change.
    pub(crate) fn follow(&self, target: &str) -> Result<Self, FetchError> {
        let target = target.split('#').next().unwrap_or_default();
        let next = if target.contains("://") {
            Self::parse(target)?
        } else if target.starts_with("//") {
            Self::parse(&format!("{}:{target}", self.scheme()))?
        } else if target.starts_with('/') {
            Self::parse(&format!("{}://{}{target}", self.scheme(), self.authority))?
        } else {
            return Err(FetchError::Redirect("without a full address"));
        };
        if next.tls == self.tls {
            Ok(next)
        } else {
            Err(FetchError::Redirect("to another scheme"))
        }
    }

    /// The host: a name in lower case, or an address without brackets.
    pub(crate) const fn host(&self) -> &str {
        &self.host
    }

    /// The host, if it is an address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    pub(crate) fn port(&self) -> u16 {
        let usual = if self.tls { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(usual)
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// What stands in the `Host` field.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// What stands in the request line.
    pub(crate) const fn path(&self) -> &PathAndQuery {
        &self.path
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.path)
    }
}

fn is_of_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Foreign text, cut.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(text: &str) -> Location {
        Location::parse(text).unwrap()
    }

    #[test]
    fn https_and_http_of_this_machine_are_addresses() {
        let keys = location("https://IDP.example.com./realms/a/keys?x=1");
        assert_eq!((keys.host(), keys.port()), ("idp.example.com", 443));
        assert_eq!(keys.path(), "/realms/a/keys?x=1");
        for local in [
            "http://localhost:1/a",
            "http://127.9.9.9",
            "http://[::1]:80/",
        ] {
            assert!(!location(local).is_tls(), "{local}");
        }
        assert_eq!(
            location("https://[2001:DB8::1]/")
                .address()
                .unwrap()
                .to_string(),
            "2001:db8::1"
        );
    }

    /// J4 and its neighbours.
    #[test]
    fn nothing_else_is() {
        for text in [
            "http://idp.example.com/jwks",
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1.example.com/",
            "http://localhost@evil.example.com/",
            "https://user:word@idp.example.com/",
            "ftp://idp.example.com/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "idp.example.com/jwks",
            "/jwks",
            "https://",
            "https://host:99999/",
            "https:\\\\evil",
            "",
        ] {
            assert!(Location::parse(text).is_err(), "{text}");
        }
        assert!(Location::parse(&format!("https://a/{}", "b".repeat(2048))).is_err());
    }

    #[test]
    fn redirects_keep_the_scheme() {
        let from = location("https://a.example.com/x/y");
        let to = |target| from.follow(target).map(|to| to.to_string());
        assert_eq!(to("/z#part").unwrap(), "https://a.example.com/z");
        assert_eq!(to("//b.example.com/z").unwrap(), "https://b.example.com/z");
        assert_eq!(
            to("https://c.example.com").unwrap(),
            "https://c.example.com/"
        );
        for target in [
            "http://127.0.0.1/z",
            "http://b.example.com/",
            "",
            "z",
            "ftp://a/",
            "https://u@b/",
        ] {
            assert!(to(target).is_err(), "{target}");
        }
        assert!(
            location("http://localhost/")
                .follow("https://a.example.com/")
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}", from in "(https?|ftp)://[a-z@:./\\[\\]0-9]{0,30}") {
            drop(Location::parse(&text).map(|found| found.to_string()));
            if let Ok(found) = Location::parse(&from) {
                prop_assert!(found.is_tls() || is_of_this_machine(found.host()));
                prop_assert_eq!(&Location::parse(&found.to_string()).unwrap(), &found);
                drop(found.follow(&text));
            }
        }
    }
}
