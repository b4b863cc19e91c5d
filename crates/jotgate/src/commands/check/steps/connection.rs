//! The name, the connection, the certificate, the clock.

use std::net::SocketAddr;

use jotgate_model::UnixTime;
use rustls::CertificateError;

use super::super::findings::{Findings, said};
use super::super::http1::{self, Reply};
use super::super::site::Site;
use crate::certificates::valid_until;

/// A certificate that ends within that time, in seconds, should be renewed.
const SOON: i64 = 14 * 24 * 60 * 60;
/// By how many seconds clocks may differ before tokens suffer: the tolerance of a virtual proxy.
const SKEW: i64 = 60;

/// Connects once; gives the addresses when that works.
pub(super) async fn try_it(
    site: &Site,
    now: UnixTime,
    findings: &mut Findings,
) -> Option<Vec<SocketAddr>> {
    let (host, port) = (&site.host, site.port);
    let addresses = match http1::resolve(site).await {
        Ok(addresses) if !addresses.is_empty() => addresses,
        found => {
            let why = found
                .err()
                .unwrap_or_else(|| "it has no address".to_owned());
            let remedy = "correct the name, or add it to the DNS";
            findings.wrong("name", format!("{host} cannot be resolved ({why})"), remedy);
            return None;
        }
    };
    let shown: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
    findings.good("name", format!("{host} is {}", shown.join(", ")));
    let stream = match http1::connect(&addresses).await {
        Ok(stream) => stream,
        Err(error) => {
            let remedy = "look whether the gateway runs, listens on that port (--listen), and no firewall is between";
            findings.wrong(
                "connect",
                format!("port {port} cannot be reached ({error})"),
                remedy,
            );
            return None;
        }
    };
    findings.good("connect", format!("port {port} takes connections"));
    if !site.tls {
        let remedy = "use HTTPS: tokens and cookies pass in clear text";
        findings.note("tls", "the address says http", remedy);
        return Some(addresses);
    }
    match http1::encrypt(site, stream).await {
        Ok(stream) => {
            let end = http1::certificate(&stream).and_then(|der| valid_until(&der).ok());
            judge_end(end, now, findings);
            Some(addresses)
        }
        Err(error) => {
            refuse(site, &error, findings);
            None
        }
    }
}

fn judge_end(end: Option<UnixTime>, now: UnixTime, findings: &mut Findings) {
    let days = end.map(|end| (end.0 - now.0).div_euclid(24 * 60 * 60));
    match (end, days) {
        (Some(end), Some(days)) if end < now.plus(SOON) => findings.note(
            "tls",
            format!("the certificate is trusted and ends in {days} days"),
            "renew it",
        ),
        (_, Some(days)) => findings.good(
            "tls",
            format!("the certificate is trusted, fits the name, and ends in {days} days"),
        ),
        _ => findings.good("tls", "the certificate is trusted and fits the name"),
    }
}

/// Why TLS fails, and who can do something about it.
fn refuse(site: &Site, error: &std::io::Error, findings: &mut Findings) {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let certificate = match inner {
        Some(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    };
    let remedy = match certificate {
        Some(CertificateError::UnknownIssuer) => {
            "give the root that issued it with --ca (the gateway's own is certificates/root.pem), or serve one that browsers know with --tls-certificate and --tls-key, its intermediate certificates behind it"
        }
        Some(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "use a name that is in the certificate, or serve one with this name in it (--public-host, --tls-certificate)"
        }
        Some(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "renew the certificate; the gateway takes a changed file by itself"
        }
        Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "look at the clocks of both machines"
        }
        _ => "look whether TLS is served on that port",
    };
    let found = said(&error.to_string());
    findings.wrong(
        "tls",
        format!("{} is not trusted ({found})", site.host),
        remedy,
    );
}

/// Tokens are judged by the server's clock.
pub(super) fn compare_clocks(reply: &Reply, now: UnixTime, findings: &mut Findings) {
    let date = http_date(reply.header("date"));
    let Some(server) = date else {
        let remedy = "compare the clocks by hand";
        findings.note("clock", "the answer has no usable date", remedy);
        return;
    };
    let ahead = server.0 - now.0;
    if ahead.abs() <= SKEW {
        findings.good("clock", "the server's clock is the same as this machine's");
        return;
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let found = format!(
        "the server's clock is {} seconds {direction} this machine's",
        ahead.abs()
    );
    findings.wrong(
        "clock",
        found,
        "set both by NTP: tokens are judged by the server's clock",
    );
}

/// A date as answers have it (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<UnixTime> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    date.ok().map(|date| UnixTime(date.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_answers_are_read() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date, Some(UnixTime(784_111_777)));
        assert_eq!(http_date("yesterday"), None);
    }
}
