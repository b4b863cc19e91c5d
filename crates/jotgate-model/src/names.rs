//! Names that an administrator chooses, parsed once.

use std::fmt;

use crate::reserved::is_reserved_word;

/// The longest prefix (QRS: `VirtualProxyConfig.prefix`).
const MAX_PREFIX: usize = 100;
/// The longest cookie name (QRS: `sessionCookieHeaderName`).
const MAX_COOKIE_NAME: usize = 256;

/// What is wrong with a name: one sentence for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError(String);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path segment that leads to a virtual proxy. Empty for the default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// Parses a prefix: at most 100 of `a-z 0-9 - . _ ~`, no reserved word, not made of dots alone
    /// (`.` and `..` are path navigation, RFC 3986 section 5.2.4).
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_PREFIX {
            return Err(NameError(format!(
                "is {} characters long; shorten it to at most {MAX_PREFIX}",
                text.len()
            )));
        }
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.' | '_' | '~');
        if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
            return Err(NameError(format!(
                "contains {bad:?}; use only lower case letters a-z, digits, '-', '.', '_' and '~'"
            )));
        }
        if !text.is_empty() && text.bytes().all(|b| b == b'.') {
            return Err(NameError(
                "consists of dots only; use letters or digits".to_owned(),
            ));
        }
        if is_reserved_word(text) {
            return Err(NameError(format!(
                "{text:?} is a reserved word of the addresses; choose another prefix"
            )));
        }
        Ok(Self(text.into()))
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a session cookie: an HTTP token (RFC 6265 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieName(Box<str>);

impl CookieName {
    /// Parses a cookie name of 1 to 256 token characters.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError(
                "is empty; name the session cookie, for instance X-Qlik-Session-jwt".to_owned(),
            ));
        }
        if text.len() > MAX_COOKIE_NAME {
            return Err(NameError(format!(
                "is {} characters long; shorten it to at most {MAX_COOKIE_NAME}",
                text.len()
            )));
        }
        if let Some(bad) = text.chars().find(|c| !is_token_char(*c)) {
            return Err(NameError(format!(
                "contains {bad:?}, which no cookie name may contain; use letters, digits and '-'"
            )));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Scheme, host and port of a page, as browsers send it in `Origin` (RFC 6454 section 6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https`, `http`, or what a browser extension has. Lower case.
    pub scheme: Box<str>,
    /// Lower case, without brackets around an IPv6 address kept as they are in the origin.
    pub host: Box<str>,
    /// The port if it is not the scheme's own.
    pub port: Option<u16>,
}

impl Origin {
    /// Parses the value of an `Origin` header or of a configured origin.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || {
            NameError(format!(
                "{text:?} is no origin; write scheme, host and port only, like https://portal.example.com:8443"
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !scheme_ok {
            return Err(wrong());
        }
        let (host, port) = split_host_port(rest).ok_or_else(wrong)?;
        let scheme = scheme.to_ascii_lowercase();
        let own = match scheme.as_str() {
            "https" | "wss" => Some(443),
            "http" | "ws" => Some(80),
            _ => None,
        };
        Ok(Self {
            scheme: scheme.into(),
            host: host.to_ascii_lowercase().into(),
            port: port.filter(|port| Some(*port) != own),
        })
    }

    /// The port that the origin's page was loaded from, when the scheme has one.
    #[must_use]
    pub fn effective_port(&self) -> Option<u16> {
        self.port.or(match &*self.scheme {
            "https" | "wss" => Some(443),
            "http" | "ws" => Some(80),
            _ => None,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// An entry of the host allow list: a host name, an IP address, `*.example.com`, or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern {
    host: Box<str>,
    subdomains: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// Parses an entry. The real system wants bare host names; users write addresses and ports too.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = |what: &str| NameError(format!("{text:?} {what}"));
        if text.contains("://") {
            return Err(wrong("contains a scheme; write the host name alone"));
        }
        if text.contains('/') {
            return Err(wrong("contains a path; write the host name alone"));
        }
        let (subdomains, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.contains('*') {
            return Err(wrong(
                "has a * that does not stand for the subdomains; write *.example.com",
            ));
        }
        let (host, port) = split_host_port(rest)
            .ok_or_else(|| wrong("is no host name; write a name, an IP address or host:port"))?;
        // An origin has its IPv6 address in brackets (RFC 3986 section 3.2.2).
        let host = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_ascii_lowercase(),
        };
        Ok(Self {
            host: host.into(),
            subdomains,
            port,
        })
    }

    /// Whether the page of `origin` is meant by this entry. Names are compared as whole labels.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        if self.port.is_some() && self.port != origin.effective_port() {
            return false;
        }
        if self.subdomains {
            origin
                .host
                .strip_suffix(&*self.host)
                .is_some_and(|head| head.len() > 1 && head.ends_with('.'))
        } else {
            origin.host == self.host
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subdomains {
            f.write_str("*.")?;
        }
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Splits `host`, `host:port` or `[v6]:port`; nothing when either part is malformed.
fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(v6) = text.strip_prefix('[') {
        let (address, rest) = v6.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let end = address.len() + 2;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return None,
        };
        (text.get(..end)?, port)
    } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
        (text, None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let name_ok =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':');
    if host.is_empty() || host.len() > 253 || host.starts_with('.') || !host.chars().all(name_ok) {
        return None;
    }
    match port {
        None => Some((host, None)),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .map(|port| (host, Some(port))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for good in ["", "jwt", "a.b-c_d~9", &"a".repeat(100)] {
            assert!(Prefix::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "JWT",
            "a/b",
            "a b",
            "a%20",
            ".",
            "..",
            "hub",
            "qmc",
            "é",
            &"a".repeat(101),
        ] {
            assert!(Prefix::parse(bad).is_err(), "{bad}");
        }
        let error = Prefix::parse("Jwt").unwrap_err().to_string();
        assert!(
            error.contains("'J'") && error.contains("lower case"),
            "{error}"
        );
    }

    #[test]
    fn cookie_names() {
        assert!(CookieName::parse("X-Qlik-Session-jwt").is_ok());
        for bad in ["", "a b", "a;b", "a=b", "a\r\nb", "é"] {
            assert!(CookieName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn origins_lose_the_port_that_the_scheme_has_anyway() {
        let a = Origin::parse("https://Portal.Example.com:443").unwrap();
        let b = Origin::parse("https://portal.example.com").unwrap();
        assert_eq!(a, b);
        assert_eq!(
            Origin::parse("http://[::1]:8080").unwrap().to_string(),
            "http://[::1]:8080"
        );
        for bad in [
            "null",
            "portal",
            "https://",
            "https://a/b",
            "https://a:b",
            "https://a:0",
            "https://u@h",
            "https://a:1:2",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn allow_list_entries_match_whole_labels_only() {
        let matches = |entry: &str, origin: &str| {
            HostPattern::parse(entry)
                .unwrap()
                .matches(&Origin::parse(origin).unwrap())
        };
        assert!(matches("good.com", "https://GOOD.com:8443"));
        assert!(matches("10.0.0.1", "http://10.0.0.1"));
        assert!(matches("good.com:8443", "https://good.com:8443"));
        assert!(matches("good.com:443", "https://good.com"));
        assert!(matches("*.good.com", "https://a.b.good.com"));
        assert!(!matches("*.good.com", "https://good.com"));
        assert!(!matches("*.good.com", "https://evil-good.com"));
        assert!(!matches("good.com", "https://good.com.evil.com"));
        assert!(!matches("good.com", "https://evil-good.com"));
        assert!(!matches("good.com", "https://a.good.com"));
        assert!(!matches("good.com:8443", "https://good.com"));
        for bad in [
            "https://good.com",
            "good.com/x",
            "a*b",
            "*",
            "",
            "a b",
            ".good.com",
        ] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
