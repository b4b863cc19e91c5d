//! What the values of settings look like.
//!
//! Each function takes a text and gives the value, or half a sentence that begins with a verb and
//! says what to write. None of them repeats the text: the caller knows whether it may be shown.

use jotgate_observe::Collector;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the line for each request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    /// Nowhere.
    Off,
    /// To standard output.
    StandardOutput,
    /// To the end of this file.
    File(PathBuf),
}

/// Where requests over plain HTTP are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpRedirect {
    /// Nowhere: they are served.
    Off,
    /// To the port of the first HTTPS address.
    FirstListener,
    /// To this port, which something in front of the gateway passes on to it.
    Port(u16),
}

/// Where requests over plain HTTP are sent: `on`, `off` or a port.
pub(crate) fn http_redirect(text: &str) -> Result<HttpRedirect, String> {
    match (text, text.parse()) {
        ("off", _) => Ok(HttpRedirect::Off),
        ("on", _) => Ok(HttpRedirect::FirstListener),
        (_, Ok(port)) if port > 0 => Ok(HttpRedirect::Port(port)),
        _ => Err("is neither on, off nor a port; write for instance 443".to_owned()),
    }
}

/// A duration in whole seconds: seconds alone, or as other durations are written.
pub(crate) fn max_age(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_hours(24 * 365 * 2);
    match text.parse() {
        Ok(seconds) if Duration::from_secs(seconds) <= MOST => Ok(Duration::from_secs(seconds)),
        Ok(_) => Err("is out of range; write 0 to 63072000, two years".to_owned()),
        Err(_) => duration(text, Duration::ZERO, MOST),
    }
}

/// A duration from `least` to `most`: a whole number and `ms`, `s`, `m` or `h`; zero needs no unit.
pub(crate) fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let (digits, unit) = split_number(text);
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" if digits == "0" => 1,
        "" if !digits.is_empty() => {
            return Err(format!(
                "has no unit; write for instance {digits}s, or 500ms"
            ));
        }
        _ => return Err("is no duration; write for instance 10s, 500ms or 5m".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "is no duration; write for instance 10s, 500ms or 5m".to_owned())?;
    let duration = Duration::from_millis(number.saturating_mul(millis));
    if (least..=most).contains(&duration) {
        Ok(duration)
    } else {
        let (least, most) = (duration_text(least), duration_text(most));
        Err(format!("is out of range; write {least} to {most}"))
    }
}

/// A number of bytes from `least` to `most`: a whole number, alone or with `KiB`, `MiB` or `GiB`.
pub(crate) fn size(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let wrong = || "is no size; write for instance 32KiB, 1MiB or 65536".to_owned();
    let (digits, unit) = split_number(text);
    let factor: u64 = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    if digits.is_empty() {
        return Err(wrong());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|bytes| (least..=most).contains(bytes))
        .ok_or_else(|| {
            let (least, most) = (size_text(least), size_text(most));
            format!("is out of range; write {least} to {most}")
        })
}

/// A whole number from `least` to `most`.
pub(crate) fn count(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let wrong =
        || format!("is no number from {least} to {most}; write a whole number of that range");
    let (digits, rest) = split_number(text);
    if !rest.is_empty() {
        return Err(wrong());
    }
    let number = digits.parse().map_err(|_| wrong())?;
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(wrong())
    }
}

/// A number of threads.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    const MOST: u64 = 1024;
    let number = count(text, 1, MOST)?;
    usize::try_from(number).map_err(|_| "is too many threads; write fewer".to_owned())
}

/// `on` or `off`; `true` and `false` are what a file has.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("is neither on nor off; write on or off".to_owned()),
    }
}

/// An address to listen on. Names are not resolved: which address is meant must not depend on DNS.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "is no address to listen on; write an IP address and a port, for instance 127.0.0.1:8443 or [::]:8443"
            .to_owned()
    })
}

/// A path. Not resolved: it counts from the working directory.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("is no path; write one".to_owned());
    }
    if text.contains('\0') {
        return Err("contains a NUL; write a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// The address of a backend, as nodes have them.
pub(crate) fn backend(text: &str) -> Result<String, String> {
    let wrong = |what: &str| format!("{what}; write for instance http://10.0.0.5:9000");
    let uri: Uri = text.parse().map_err(|_| wrong("is no address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("has no scheme http or https"));
    }
    match uri.authority() {
        None => Err(wrong("has no host")),
        Some(authority) if authority.as_str().contains('@') => {
            Err(wrong("has a user name, which addresses must not carry"))
        }
        Some(authority) if authority.host().is_empty() => Err(wrong("has no host")),
        Some(_) if uri.query().is_some() || text.contains('#') => {
            Err(wrong("has more than host, port and path"))
        }
        Some(_) => Ok(text.to_owned()),
    }
}

/// The address of a collector of traces.
pub(crate) fn collector(text: &str) -> Result<Collector, String> {
    Collector::parse(text)
        .map_err(|error| format!("{error}; write for instance http://127.0.0.1:4318"))
}

/// A part of the whole, 0 to 1 with at most six decimals, in millionths.
pub(crate) fn per_million(text: &str) -> Result<u32, String> {
    let wrong = || "is no number from 0 to 1 with at most six decimals, such as 0.01".to_owned();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let decimals: u32 = format!("{decimals:0<6}").parse().map_err(|_| wrong())?;
    let millionths = whole.saturating_mul(1_000_000).saturating_add(decimals);
    if millionths > 1_000_000 {
        return Err(wrong());
    }
    Ok(millionths)
}

/// The address of a PostgreSQL database. Looked at no closer: the driver does.
pub(crate) fn database_url(text: &str) -> Result<(), String> {
    has_scheme(text, &["postgres", "postgresql"])
        .then_some(())
        .ok_or_else(|| {
            "is no address of a database; write postgres://user:password@host/database".to_owned()
        })
}

/// The address of a Redis or Valkey server, of a cluster, or of sentinels. Looked at no closer.
pub(crate) fn session_store_url(text: &str) -> Result<(), String> {
    let schemes = [
        "redis",
        "rediss",
        "redis-cluster",
        "rediss-cluster",
        "redis-sentinel",
        "rediss-sentinel",
    ];
    has_scheme(text, &schemes).then_some(()).ok_or_else(|| {
        "is no address of a session store; write redis://host:6379 or rediss://host:6379, or the same with redis-cluster or redis-sentinel"
            .to_owned()
    })
}

/// A name of the gateway: a host name with or without `*.` (RFC 1123 section 2.1, RFC 6125 section
/// 6.4.3), or an IP address. Gives it in lower case, without brackets and without a final dot.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let wrong = || {
        "is no host name; write a name or an IP address alone, for instance analytics.example.com"
            .to_owned()
    };
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    if !text.is_ascii() {
        return Err("has letters beyond ASCII; write the form that begins with xn--".to_owned());
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let labels = name.strip_prefix("*.").unwrap_or(&name);
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric_end = labels
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > 253 || numeric_end || !labels.split('.').all(label_ok) {
        return Err(wrong());
    }
    Ok(name)
}

/// What to log: `level` and `part=level`, separated by commas.
pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    const MOST: usize = 1024;
    let level_ok =
        |level: &str| matches!(level, "off" | "error" | "warn" | "info" | "debug" | "trace");
    let part_ok = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
    };
    let directive_ok = |directive: &str| match directive.split_once('=') {
        Some((part, level)) => part_ok(part) && level_ok(level),
        None => level_ok(directive),
    };
    if text.len() <= MOST && text.split(',').all(directive_ok) {
        Ok(text.to_owned())
    } else {
        Err("is no level; write error, warn, info, debug or trace, or for instance info,jotgate_keys=debug".to_owned())
    }
}

/// The form of the log.
pub(crate) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is no form of the log; write text or json".to_owned()),
    }
}

/// Where the access log goes.
pub(crate) fn access_log(text: &str) -> Result<AccessLog, String> {
    match text {
        "-" => Ok(AccessLog::StandardOutput),
        "off" => Ok(AccessLog::Off),
        _ => path(text).map(AccessLog::File),
    }
}

/// The digits at the beginning, and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty())
}

fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}

fn size_text(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests;
