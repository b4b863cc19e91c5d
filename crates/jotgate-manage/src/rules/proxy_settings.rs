//! The settings of a gateway. They are information for other programs, but a client that reads back
//! what it could not have written is confused.

use jotgate_model::FieldErrors;
use jotgate_model::entity::{LogVerbosity, ProxyServiceSettings};

/// The limits that QRS 38.22.0 states.
pub(crate) fn check_proxy_settings(settings: &ProxyServiceSettings, errors: &mut FieldErrors) {
    check_numbers(settings, errors);
    check_lengths(settings, errors);
}

fn check_numbers(s: &ProxyServiceSettings, errors: &mut FieldErrors) {
    let ports = [
        ("listenPort", s.listen_port),
        ("unencryptedListenPort", s.unencrypted_listen_port),
        ("authenticationListenPort", s.authentication_listen_port),
        (
            "unencryptedAuthenticationListenPort",
            s.unencrypted_authentication_listen_port,
        ),
        ("restListenPort", s.rest_listen_port),
    ];
    let numbers = [
        (
            "keepAliveTimeoutSeconds",
            s.keep_alive_timeout_seconds,
            1..=300,
        ),
        ("maxHeaderSizeBytes", s.max_header_size_bytes, 512..=131_072),
        ("maxHeaderLines", s.max_header_lines, 20..=1000),
    ];
    let ports = ports.map(|(field, port)| (field, u32::from(port), 1..=65_535));
    let levels = log_levels(&s.log_verbosity);
    let levels = levels.map(|(field, level)| (field, u32::from(level), 0..=5));
    for (field, value, range) in ports.into_iter().chain(numbers).chain(levels) {
        if !range.contains(&value) {
            let problem = format!("is {value}; use {} to {}", range.start(), range.end());
            errors.push(format!("settings.{field}"), problem);
        }
    }
}

fn check_lengths(s: &ProxyServiceSettings, errors: &mut FieldErrors) {
    let texts = [
        (
            "sslBrowserCertificateThumbprint",
            &s.ssl_browser_certificate_thumbprint,
            256,
        ),
        (
            "formAuthenticationPageTemplate",
            &s.form_authentication_page_template,
            500_000,
        ),
        (
            "loggedOutPageTemplate",
            &s.logged_out_page_template,
            500_000,
        ),
        ("errorPageTemplate", &s.error_page_template, 500_000),
    ];
    for (field, text, limit) in texts {
        let length = text.chars().count();
        if length > limit {
            let problem = format!("is {length} characters long; shorten it to at most {limit}");
            errors.push(format!("settings.{field}"), problem);
        }
    }
}

fn log_levels(levels: &LogVerbosity) -> [(&'static str, u8); 7] {
    [
        (
            "logVerbosity.logVerbosityAuditActivity",
            levels.log_verbosity_audit_activity,
        ),
        (
            "logVerbosity.logVerbosityAuditSecurity",
            levels.log_verbosity_audit_security,
        ),
        (
            "logVerbosity.logVerbosityService",
            levels.log_verbosity_service,
        ),
        ("logVerbosity.logVerbosityAudit", levels.log_verbosity_audit),
        (
            "logVerbosity.logVerbosityPerformance",
            levels.log_verbosity_performance,
        ),
        (
            "logVerbosity.logVerbositySecurity",
            levels.log_verbosity_security,
        ),
        (
            "logVerbosity.logVerbositySystem",
            levels.log_verbosity_system,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(edit: impl Fn(&mut ProxyServiceSettings)) -> Vec<String> {
        let mut settings = ProxyServiceSettings::default();
        edit(&mut settings);
        let mut errors = FieldErrors::default();
        check_proxy_settings(&settings, &mut errors);
        errors.0.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn settings_of_a_gateway_have_the_limits_of_the_interface_description() {
        assert!(fields(|_| {}).is_empty());
        let none: &[String] = &[];
        assert_eq!(fields(|s| s.listen_port = 0), ["settings.listenPort"]);
        assert_eq!(fields(|s| s.rest_listen_port = 65_535), none);
        for (value, good) in [(0, false), (1, true), (300, true), (301, false)] {
            let found = fields(|s| s.keep_alive_timeout_seconds = value);
            assert_eq!(found.is_empty(), good, "{value}");
        }
        for (value, good) in [(511, false), (512, true), (131_072, true), (131_073, false)] {
            let found = fields(|s| s.max_header_size_bytes = value);
            assert_eq!(found.is_empty(), good, "{value}");
        }
        for (value, good) in [(19, false), (20, true), (1000, true), (1001, false)] {
            assert_eq!(
                fields(|s| s.max_header_lines = value).is_empty(),
                good,
                "{value}"
            );
        }
        for (value, good) in [(5, true), (6, false)] {
            let found = fields(|s| s.log_verbosity.log_verbosity_audit = value);
            assert_eq!(found.is_empty(), good, "{value}");
        }
        for (length, good) in [(256, true), (257, false)] {
            let found = fields(|s| s.ssl_browser_certificate_thumbprint = "ü".repeat(length));
            assert_eq!(found.is_empty(), good, "{length}");
        }
        for (length, good) in [(500_000, true), (500_001, false)] {
            let found = fields(|s| s.error_page_template = "x".repeat(length));
            assert_eq!(found.is_empty(), good, "{length}");
        }
    }
}
