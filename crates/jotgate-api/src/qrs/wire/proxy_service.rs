//! The table of ProxyService.

use super::label::{custom_properties, tags};
use super::shape::{
    Condensed, Property, Shape, Target, boolean, number, object, reference, references, text,
};

/// A running gateway.
pub(in crate::qrs) static PROXY_SERVICE: Shape = Shape {
    name: "ProxyService",
    metadata: true,
    properties: &[
        custom_properties(),
        object("settings", &SETTINGS),
        reference("serverNodeConfiguration", Target::Node),
        tags(),
    ],
    condensed: Condensed::Only(&[]),
};

static SETTINGS: Shape = Shape {
    name: "ProxyService.Settings",
    metadata: false,
    properties: SETTINGS_PROPERTIES,
    condensed: Condensed::AllBut(&[]),
};

#[rustfmt::skip] // a table
static SETTINGS_PROPERTIES: &[Property] = &[
    number("listenPort", 1, 65_535),
    boolean("allowHttp"),
    number("unencryptedListenPort", 1, 65_535),
    number("authenticationListenPort", 1, 65_535),
    boolean("kerberosAuthentication"),
    number("unencryptedAuthenticationListenPort", 1, 65_535),
    text("sslBrowserCertificateThumbprint", 256),
    number("keepAliveTimeoutSeconds", 1, 300),
    number("maxHeaderSizeBytes", 512, 131_072),
    number("maxHeaderLines", 20, 1000),
    object("logVerbosity", &LOG_VERBOSITY),
    boolean("useWsTrace"),
    number("performanceLoggingInterval", 1, 71_582),
    number("restListenPort", 1, 65_535),
    references("virtualProxies", Target::VirtualProxy),
    text("formAuthenticationPageTemplate", 500_000),
    text("loggedOutPageTemplate", 500_000),
    text("errorPageTemplate", 500_000),
];

static LOG_VERBOSITY: Shape = Shape {
    name: "ProxyService.Settings.LogVerbosity",
    metadata: false,
    properties: &[
        number("logVerbosityAuditActivity", 0, 5),
        number("logVerbosityAuditSecurity", 0, 5),
        number("logVerbosityService", 0, 5),
        number("logVerbosityAudit", 0, 5),
        number("logVerbosityPerformance", 0, 5),
        number("logVerbositySecurity", 0, 5),
        number("logVerbositySystem", 0, 5),
    ],
    condensed: Condensed::AllBut(&[]),
};
