//! The session cookie: which one it is, and what browsers make of it (RFC 6265bis).

use http::HeaderValue;

use super::super::findings::{Findings, said};
use super::super::http1::Reply;
use super::super::site::Site;

/// The `Set-Cookie` of the session: real ones have `Session` in their names; else the first one that
/// scripts cannot read.
pub(super) fn of_session(reply: &Reply) -> Option<&str> {
    let is_set = |cookie: &&str| value(cookie).is_some_and(|value| !value.is_empty());
    let named = reply
        .cookies()
        .filter(is_set)
        .find(|cookie| name(cookie).to_ascii_lowercase().contains("session"));
    named.or_else(|| {
        let mut others = reply.cookies().filter(is_set);
        others.find(|cookie| attribute(cookie, "HttpOnly").is_some())
    })
}

fn name(cookie: &str) -> &str {
    cookie.split(['=', ';']).next().unwrap_or_default().trim()
}

/// The secret in it.
pub(super) fn value(cookie: &str) -> Option<&str> {
    let (_, value) = cookie.split(';').next()?.split_once('=')?;
    Some(value.trim())
}

/// The value of an attribute, empty where it has none.
fn attribute<'a>(cookie: &'a str, wanted: &str) -> Option<&'a str> {
    cookie.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then_some(value.trim())
    })
}

/// What the browser sends back.
pub(super) fn to_send(cookie: &str) -> Option<HeaderValue> {
    let pair = cookie.split(';').next()?.trim();
    let mut value = HeaderValue::from_str(pair).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether browsers keep it and send it where it is needed.
pub(super) fn judge(site: &Site, cookie: &str, findings: &mut Findings) {
    let step = "cookie";
    let name = said(name(cookie));
    let has = |wanted: &str| attribute(cookie, wanted).is_some();
    let same_site = attribute(cookie, "SameSite").unwrap_or_default();
    let none = same_site.eq_ignore_ascii_case("none");
    findings.good(step, format!("{name} is set{}", shown(cookie)));
    if !has("HttpOnly") {
        findings.wrong(
            step,
            format!("{name} can be read by scripts"),
            "look what is in front of the gateway: it sets HttpOnly always",
        );
    }
    if site.tls && !has("Secure") {
        let remedy = "set hasSecureAttributeHttps";
        findings.wrong(step, format!("{name} has no Secure, over HTTPS"), remedy);
    }
    if none && !has("Secure") {
        let remedy = "set hasSecureAttributeHttps, or another SameSite: browsers drop it";
        findings.wrong(
            step,
            format!("{name} has SameSite=None without Secure"),
            remedy,
        );
    }
    if !none {
        findings.note(
            step,
            format!("{name} is not sent from pages of other sites, frames included"),
            "if a portal on another site embeds it, set sameSiteAttributeHttps to None",
        );
    }
    if let Some(domain) = attribute(cookie, "Domain").filter(|domain| !domain.is_empty()) {
        let domain = domain.trim_start_matches('.').to_ascii_lowercase();
        let host = site.host.to_ascii_lowercase();
        if host != domain && !host.ends_with(&format!(".{domain}")) {
            let found = format!(
                "{name} is for {}, which {host} is no part of",
                said(&domain)
            );
            let remedy = "correct sessionCookieDomain: browsers drop it";
            findings.wrong(step, found, remedy);
        }
    }
}

/// Its attributes, without its value.
fn shown(cookie: &str) -> String {
    let attributes: Vec<_> = cookie.split(';').skip(1).map(str::trim).collect();
    let shown = said(&attributes.join("; "));
    if shown.is_empty() {
        return shown;
    }
    format!(" ({shown})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_taken_apart() {
        let cookie =
            "X-Qlik-Session-jwt=abc=; Path=/; HttpOnly; samesite=none; Domain=.example.com";
        assert_eq!(name(cookie), "X-Qlik-Session-jwt");
        assert_eq!(value(cookie), Some("abc="));
        assert_eq!(attribute(cookie, "SameSite"), Some("none"));
        assert_eq!(attribute(cookie, "httponly"), Some(""));
        assert_eq!(attribute(cookie, "Secure"), None);
        assert_eq!(to_send(cookie).unwrap(), "X-Qlik-Session-jwt=abc=");
        assert!(!shown(cookie).contains("abc"));
        assert_eq!((value(""), value("a;b=c")), (None, None));
    }
}
