//! The table of VirtualProxyConfig.

use jotgate_model::entity;

use super::label::{custom_properties, tags};
use super::shape::{
    Condensed, Enumeration, Property, Shape, Target, boolean, enumeration, items, number, opaque,
    references, secret, text, texts,
};

/// A virtual proxy. Its condensed form is nearly the whole of it, unlike that of other entities.
pub(in crate::qrs) static VIRTUAL_PROXY_CONFIG: Shape = Shape {
    name: "VirtualProxyConfig",
    metadata: true,
    properties: PROPERTIES,
    condensed: Condensed::AllBut(&["customProperties"]),
};

#[rustfmt::skip] // a table
static PROPERTIES: &[Property] = &[
    custom_properties(),
    text("prefix", 100),
    text("description", 500),
    text("authenticationModuleRedirectUri", 1024),
    text("sessionModuleBaseUri", 1024),
    text("loadBalancingModuleBaseUri", 1024),
    boolean("useStickyLoadBalancing"),
    references("loadBalancingServerNodes", Target::Node),
    enumeration("authenticationMethod", &AUTHENTICATION_METHOD),
    enumeration("headerAuthenticationMode", &HEADER_AUTHENTICATION_MODE),
    text("headerAuthenticationHeaderName", 256),
    text("headerAuthenticationStaticUserDirectory", 256),
    text("headerAuthenticationDynamicUserDirectory", 256),
    enumeration("anonymousAccessMode", &ANONYMOUS_ACCESS_MODE),
    text("windowsAuthenticationEnabledDevicePattern", 256),
    text("sessionCookieHeaderName", 256),
    text("sessionCookieDomain", 256),
    boolean("hasSecureAttributeHttps"),
    enumeration("sameSiteAttributeHttps", &SAME_SITE_ATTRIBUTE),
    boolean("hasSecureAttributeHttp"),
    enumeration("sameSiteAttributeHttp", &SAME_SITE_ATTRIBUTE),
    text("additionalResponseHeaders", 1024),
    number("sessionInactivityTimeout", 1, 71_582),
    boolean("extendedSecurityEnvironment"),
    texts("websocketCrossOriginWhiteList", 1024),
    boolean("defaultVirtualProxy"),
    tags(),
    text("samlMetadataIdP", 100_000),
    text("samlHostUri", 1024),
    text("samlEntityId", 255),
    text("samlAttributeUserId", 255),
    text("samlAttributeUserDirectory", 255),
    enumeration("samlAttributeSigningAlgorithm", &SAML_SIGNING_ALGORITHM),
    opaque("samlAttributeMap"),
    boolean("samlSlo"),
    text("jwtAttributeUserId", 255),
    text("jwtAttributeUserDirectory", 255),
    text("jwtAudience", 255),
    text("jwtPublicKeyCertificate", 100_000),
    items("jwtAttributeMap", &JWT_ATTRIBUTE_MAP_ITEM),
    text("magicLinkHostUri", 1024),
    text("magicLinkFriendlyName", 255),
    text("oidcConfigurationEndpointUri", 1024),
    text("oidcClientId", 255),
    secret("oidcClientSecret", 255),
    text("oidcRealm", 255),
    text("oidcAttributeSub", 255),
    text("oidcAttributeName", 255),
    text("oidcAttributeGroups", 255),
    text("oidcAttributeEmail", 255),
    text("oidcAttributeClientId", 255),
    text("oidcAttributePicture", 255),
    text("oidcScope", 255),
    opaque("oidcAttributeMap"),
    boolean("disableOidcOptionalAttributesParsing"),
    // Of later versions than 38.22.0.
    enumeration("loadBalancingAlgorithm", &LOAD_BALANCING_ALGORITHM),
    boolean("enableEngineHealthCheckData"),
    boolean("enableEngineSaturationCheck"),
    // What Jotgate adds.
    text("jwtJwksUri", 1024),
    text("jwtIssuer", 1024),
    boolean("jwtDiscovery"),
    items("jwtIssuers", &JWT_ISSUER),
    texts("jwtAlgorithms", 16),
    number("jwtClockSkewSeconds", 0, 3600),
    boolean("jwtRequireExpiration"),
    number("jwtMaxLifetimeSeconds", 0, u32::MAX),
    boolean("jwtSingleUse"),
    texts("privateClaims", 255),
    number("sessionMaxLifetime", 0, 71_582),
    boolean("sessionEndsWithToken"),
    number("maxSessionsPerUser", 0, u32::MAX),
    number("csrfProtection", 0, 1),
    boolean("cookiePartitioned"),
    texts("corsAllowedOrigins", 1024),
    boolean("allowAdministration"),
    text("accessRule", 4096),
    texts("boundUserDirectories", 255),
    texts("headerAuthenticationTrustedAddresses", 64),
    number("requestsPerSecond", 0, u32::MAX),
    number("requestsPerSecondPerUser", 0, u32::MAX),
    number("maxRequestsInFlight", 0, u32::MAX),
    number("maxSocketsPerSession", 0, u32::MAX),
    items("backendHeaders", &BACKEND_HEADER),
];

static JWT_ATTRIBUTE_MAP_ITEM: Shape = Shape {
    name: "VirtualProxyConfig.JwtAttributeMapItem",
    metadata: true,
    properties: &[
        text("jwtAttribute", 255),
        text("senseAttribute", 255),
        boolean("isMandatory"),
    ],
    condensed: Condensed::AllBut(&[]),
};

static JWT_ISSUER: Shape = Shape {
    name: "VirtualProxyConfig.JwtIssuer",
    metadata: false,
    properties: &[
        text("issuer", 1024),
        text("audience", 255),
        text("jwksUri", 1024),
        boolean("discovery"),
        text("publicKeyCertificate", 100_000),
    ],
    condensed: Condensed::AllBut(&[]),
};

static BACKEND_HEADER: Shape = Shape {
    name: "VirtualProxyConfig.BackendHeader",
    metadata: false,
    properties: &[text("name", 256), text("value", 1024)],
    condensed: Condensed::AllBut(&[]),
};

static AUTHENTICATION_METHOD: Enumeration = Enumeration {
    name: "AuthenticationMethodEnum",
    values: entity::AuthenticationMethod::NAMES,
};

static HEADER_AUTHENTICATION_MODE: Enumeration = Enumeration {
    name: "HeaderAuthenticationModeEnum",
    values: entity::HeaderAuthenticationMode::NAMES,
};

static ANONYMOUS_ACCESS_MODE: Enumeration = Enumeration {
    name: "AnonymousAccessModeEnum",
    values: entity::AnonymousAccess::NAMES,
};

static SAME_SITE_ATTRIBUTE: Enumeration = Enumeration {
    name: "SameSiteAttributeEnum",
    values: entity::SameSiteAttribute::NAMES,
};

static SAML_SIGNING_ALGORITHM: Enumeration = Enumeration {
    name: "SamlSigningAlgorithmEnum",
    values: entity::SamlSigningAlgorithm::NAMES,
};

static LOAD_BALANCING_ALGORITHM: Enumeration = Enumeration {
    name: "LoadBalancingAlgorithmEnum",
    values: entity::LoadBalancingAlgorithm::NAMES,
};
