//! From the document to the form that requests are judged by.

mod issuers;

use http::header::{HeaderName, HeaderValue};

use super::{
    Algorithm, AttributeMapping, Authentication, BackendHeader, BackendHeaderPart, ClaimSource,
    CookieForm, CookieRules, CsrfProtection, JwtSettings, KeySourceSettings, RateLimits,
    SessionRules, VirtualProxy,
};
use crate::entity::{
    AttributeMapItem, AuthenticationMethod, BackendHeaderConfig, VirtualProxyConfig,
};
use crate::{
    CookieName, FieldErrors, HostPattern, Origin, Prefix, is_framing_header, is_injected_header,
};

/// How many entries a list of a virtual proxy may have.
const MAX_LIST: usize = 1000;

impl VirtualProxy {
    /// Parses a virtual proxy's document, all but the keys inside of PEM texts.
    ///
    /// What is needed only once it is linked (a method that is served, its attribute names) ends up
    /// in [`Authentication::Unserved`]: clients create a virtual proxy first and complete it later.
    ///
    /// # Errors
    /// Every field that cannot be accepted, with what to do about it.
    pub fn parse(document: &VirtualProxyConfig, revision: u64) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        check_lengths(document, &mut errors);
        let prefix = errors.take("prefix", Prefix::parse(&document.prefix));
        if document.default_virtual_proxy != document.prefix.is_empty() {
            errors.push(
                "prefix",
                "must be empty for the default virtual proxy and must not be empty for any other",
            );
        }
        let cookie = parse_cookie(document, &mut errors);
        let session = parse_session(document, &mut errors);
        let allow_list = parse_allow_list(document, &mut errors);
        let csrf = match document.csrf_protection {
            0 => CsrfProtection::Origin,
            1 => CsrfProtection::OriginAndToken,
            other => {
                errors.push(
                    "csrfProtection",
                    format!("is {other}; use 0 (origin) or 1 (origin and token)"),
                );
                CsrfProtection::OriginAndToken
            }
        };
        let cors_origins = parse_cors(document, &mut errors);
        let response_headers =
            parse_response_headers(&document.additional_response_headers, &mut errors);
        let backend_headers = parse_backend_headers(&document.backend_headers, &mut errors);
        let sign_in_page = parse_sign_in_page(document, &mut errors);
        let authentication = parse_authentication(document, &mut errors);
        let further_issuers = issuers::parse(document, &authentication, &mut errors);
        let (Some(prefix), Some(cookie), true) = (prefix, cookie, errors.is_empty()) else {
            return Err(errors);
        };
        Ok(Self {
            id: document.metadata.id,
            revision,
            prefix,
            description: document.description.as_str().into(),
            is_default: document.default_virtual_proxy,
            authentication,
            further_issuers,
            anonymous: document.anonymous_access_mode,
            allow_administration: document.allow_administration,
            session,
            cookie,
            allow_list,
            csrf,
            cors_origins,
            response_headers,
            backend_headers,
            sign_in_page,
            extended_security: document.extended_security_environment,
            nodes: document.load_balancing_server_nodes.clone(),
            sticky: document.use_sticky_load_balancing,
            limits: RateLimits {
                in_all: positive(document.requests_per_second),
                per_user: positive(document.requests_per_second_per_user),
            },
        })
    }
}

/// Settings write "off" as 0.
fn positive(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

/// The lengths that QRS 38.22.0 states.
fn check_lengths(d: &VirtualProxyConfig, errors: &mut FieldErrors) {
    let limits: [(&str, &str, usize); 20] = [
        ("description", &d.description, 500),
        (
            "authenticationModuleRedirectUri",
            &d.authentication_module_redirect_uri,
            1024,
        ),
        ("sessionModuleBaseUri", &d.session_module_base_uri, 1024),
        (
            "loadBalancingModuleBaseUri",
            &d.load_balancing_module_base_uri,
            1024,
        ),
        (
            "headerAuthenticationHeaderName",
            &d.header_authentication_header_name,
            256,
        ),
        (
            "headerAuthenticationStaticUserDirectory",
            &d.header_authentication_static_user_directory,
            256,
        ),
        (
            "headerAuthenticationDynamicUserDirectory",
            &d.header_authentication_dynamic_user_directory,
            256,
        ),
        (
            "windowsAuthenticationEnabledDevicePattern",
            &d.windows_authentication_enabled_device_pattern,
            256,
        ),
        ("sessionCookieDomain", &d.session_cookie_domain, 256),
        (
            "additionalResponseHeaders",
            &d.additional_response_headers,
            1024,
        ),
        ("jwtAttributeUserId", &d.jwt_attribute_user_id, 255),
        (
            "jwtAttributeUserDirectory",
            &d.jwt_attribute_user_directory,
            255,
        ),
        ("jwtAudience", &d.jwt_audience, 255),
        (
            "jwtPublicKeyCertificate",
            &d.jwt_public_key_certificate,
            100_000,
        ),
        ("jwtJwksUri", &d.jwt_jwks_uri, 1024),
        ("jwtIssuer", &d.jwt_issuer, 1024),
        ("samlMetadataIdP", &d.saml_metadata_id_p, 100_000),
        ("samlHostUri", &d.saml_host_uri, 1024),
        ("magicLinkHostUri", &d.magic_link_host_uri, 1024),
        ("magicLinkFriendlyName", &d.magic_link_friendly_name, 255),
    ];
    for (field, value, limit) in limits {
        let length = value.chars().count();
        if length > limit {
            errors.push(
                field,
                format!("is {length} characters long; shorten it to at most {limit}"),
            );
        }
    }
    let lists = [
        (
            "loadBalancingServerNodes",
            d.load_balancing_server_nodes.len(),
        ),
        (
            "websocketCrossOriginWhiteList",
            d.websocket_cross_origin_white_list.len(),
        ),
        ("jwtAttributeMap", d.jwt_attribute_map.len()),
        ("corsAllowedOrigins", d.cors_allowed_origins.len()),
        ("backendHeaders", d.backend_headers.len()),
    ];
    for (field, length) in lists {
        if length > MAX_LIST {
            errors.push(
                field,
                format!("has {length} entries; at most {MAX_LIST} are possible"),
            );
        }
    }
}

fn parse_cookie(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> Option<CookieRules> {
    let domain = d.session_cookie_domain.trim_start_matches('.');
    if !domain
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    {
        errors.push(
            "sessionCookieDomain",
            format!(
                "{:?} is no domain; write for instance example.com",
                d.session_cookie_domain
            ),
        );
    }
    if d.cookie_partitioned && !d.has_secure_attribute_https {
        errors.push(
            "cookiePartitioned",
            "needs hasSecureAttributeHttps: browsers drop the cookie otherwise",
        );
    }
    let name = errors.take(
        "sessionCookieHeaderName",
        CookieName::parse(&d.session_cookie_header_name),
    )?;
    let http_name =
        CookieName::parse(&format!("{}-HTTP", name.as_str())).unwrap_or_else(|_| name.clone());
    Some(CookieRules {
        https: CookieForm::new(
            name,
            domain,
            d.has_secure_attribute_https,
            d.same_site_attribute_https,
            d.cookie_partitioned,
        ),
        http: CookieForm::new(
            http_name,
            domain,
            d.has_secure_attribute_http,
            d.same_site_attribute_http,
            false,
        ),
    })
}

fn parse_session(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> SessionRules {
    /// Minutes; the real system's limit keeps seconds within 32 bits.
    const MAX_MINUTES: u32 = 71_582;
    if !(1..=MAX_MINUTES).contains(&d.session_inactivity_timeout) {
        errors.push(
            "sessionInactivityTimeout",
            format!(
                "is {} minutes; use 1 to {MAX_MINUTES}",
                d.session_inactivity_timeout
            ),
        );
    }
    if d.session_max_lifetime > MAX_MINUTES {
        errors.push(
            "sessionMaxLifetime",
            format!(
                "is {} minutes; use 0 (off) to {MAX_MINUTES}",
                d.session_max_lifetime
            ),
        );
    }
    SessionRules {
        inactivity: d.session_inactivity_timeout.saturating_mul(60),
        max_lifetime: positive(d.session_max_lifetime.saturating_mul(60)),
        ends_with_token: d.session_ends_with_token,
        max_per_user: positive(d.max_sessions_per_user),
    }
}

fn parse_allow_list(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> Vec<HostPattern> {
    d.websocket_cross_origin_white_list
        .iter()
        .enumerate()
        // Qlik-Cli sends one empty entry for an empty list.
        .filter(|(_, entry)| !entry.trim().is_empty())
        .filter_map(|(i, entry)| {
            errors.take(
                format!("websocketCrossOriginWhiteList[{i}]"),
                HostPattern::parse(entry.trim()),
            )
        })
        .collect()
}

fn parse_cors(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> Vec<Origin> {
    d.cors_allowed_origins
        .iter()
        .enumerate()
        .filter_map(|(i, text)| {
            let field = format!("corsAllowedOrigins[{i}]");
            let origin = errors.take(&field, Origin::parse(text))?;
            if !matches!(&*origin.scheme, "http" | "https") {
                errors.push(
                    field,
                    format!("{text:?} is no origin of a web page; begin with https://"),
                );
                return None;
            }
            Some(origin)
        })
        .collect()
}

/// Raw header lines, one a line (Qlik help, "Additional response headers").
fn parse_response_headers(text: &str, errors: &mut FieldErrors) -> Vec<(HeaderName, HeaderValue)> {
    let field = "additionalResponseHeaders";
    let mut headers = Vec::new();
    for line in text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
    {
        if line.trim().is_empty() {
            continue;
        }
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let value = HeaderValue::from_str(value.trim_matches([' ', '\t'])).ok()?;
            Some((name, value))
        });
        match parsed {
            None => errors.push(
                field,
                format!("the line {line:?} is no header; write Name: value, one a line"),
            ),
            Some((name, _))
                if is_framing_header(name.as_str()) || name == http::header::SET_COOKIE =>
            {
                errors.push(
                    field,
                    format!("{name} is set by the gateway itself; remove that line"),
                )
            }
            Some(header) => headers.push(header),
        }
    }
    headers
}

fn parse_backend_headers(
    items: &[BackendHeaderConfig],
    errors: &mut FieldErrors,
) -> Vec<BackendHeader> {
    let mut headers = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let field = |part: &str| format!("backendHeaders[{i}].{part}");
        let Ok(name) = HeaderName::from_bytes(item.name.as_bytes()) else {
            errors.push(field("name"), format!("{:?} is no header name", item.name));
            continue;
        };
        let own = ["authorization", "cookie"].contains(&name.as_str());
        if own || is_injected_header(name.as_str()) || is_framing_header(name.as_str()) {
            errors.push(
                field("name"),
                format!(
                    "{name} carries the identity or the framing of the request; choose another name"
                ),
            );
            continue;
        }
        match parse_template(&item.value) {
            Ok(parts) => headers.push(BackendHeader { name, parts }),
            Err(problem) => errors.push(field("value"), problem),
        }
    }
    headers
}

fn parse_template(text: &str) -> Result<Vec<BackendHeaderPart>, String> {
    const MAX_TEMPLATE: usize = 1024;
    if text.len() > MAX_TEMPLATE {
        return Err(format!(
            "is {} bytes long; shorten it to at most {MAX_TEMPLATE}",
            text.len()
        ));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (literal, tail) = rest.split_at(start);
        if !literal.is_empty() {
            parts.push(BackendHeaderPart::Text(literal.into()));
        }
        let (name, after) = tail[1..].split_once('}').ok_or("has a { without a }")?;
        parts.push(match name {
            "userId" => BackendHeaderPart::UserId,
            "userDirectory" => BackendHeaderPart::UserDirectory,
            _ => match name.strip_prefix("attribute.") {
                Some(attribute) if !attribute.is_empty() => {
                    BackendHeaderPart::Attribute(attribute.into())
                }
                _ => {
                    return Err(format!(
                        "has {{{name}}}; use {{userId}}, {{userDirectory}} or {{attribute.NAME}}"
                    ));
                }
            },
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(BackendHeaderPart::Text(rest.into()));
    }
    Ok(parts)
}

fn parse_sign_in_page(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> Option<Box<str>> {
    let text = d.authentication_module_redirect_uri.trim();
    if text.is_empty() {
        return None;
    }
    match text.parse::<http::Uri>() {
        Ok(uri) if matches!(uri.scheme_str(), Some("http" | "https")) && !text.contains('#') => {
            Some(text.into())
        }
        _ => {
            errors.push(
                "authenticationModuleRedirectUri",
                format!("{text:?} is no address of a page; write for instance https://portal.example.com/login"),
            );
            None
        }
    }
}

fn parse_authentication(d: &VirtualProxyConfig, errors: &mut FieldErrors) -> Authentication {
    let mut missing = FieldErrors::default();
    if !d.session_module_base_uri.is_empty() {
        missing.push(
            "sessionModuleBaseUri",
            "external session modules are not supported; clear the field",
        );
    }
    if !d.load_balancing_module_base_uri.is_empty() {
        missing.push(
            "loadBalancingModuleBaseUri",
            "external load balancing modules are not supported; clear the field",
        );
    }
    let authentication = match d.authentication_method {
        AuthenticationMethod::JWT => parse_jwt(d, errors, &mut missing),
        AuthenticationMethod::Ticket => Authentication::Ticket,
        AuthenticationMethod::SAML => {
            missing.push(
                "authenticationMethod",
                "SAML is not supported; choose JWT, ticket or header",
            );
            Authentication::Ticket
        }
        AuthenticationMethod::OIDC => {
            missing.push(
                "authenticationMethod",
                "OIDC is not supported; choose JWT and name the issuer in jwtIssuer with jwtDiscovery",
            );
            Authentication::Ticket
        }
        AuthenticationMethod::HeaderStaticUserDirectory
        | AuthenticationMethod::HeaderDynamicUserDirectory => {
            parse_header_method(d, errors, &mut missing)
        }
    };
    if missing.is_empty() {
        authentication
    } else {
        Authentication::Unserved(missing)
    }
}

fn parse_header_method(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Authentication {
    let field = "headerAuthenticationHeaderName";
    let text = &d.header_authentication_header_name;
    let is_static = d.authentication_method == AuthenticationMethod::HeaderStaticUserDirectory;
    if text.is_empty() {
        missing.push(field, "is empty; name the header that carries the user");
    }
    if is_static && d.header_authentication_static_user_directory.is_empty() {
        missing.push(
            "headerAuthenticationStaticUserDirectory",
            "is empty; name the user directory",
        );
    }
    if !is_static && d.header_authentication_dynamic_user_directory.is_empty() {
        missing.push(
            "headerAuthenticationDynamicUserDirectory",
            "is empty; write the pattern, such as $ud\\\\$id",
        );
    }
    if text.is_empty() {
        return Authentication::Ticket;
    }
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(name) if !is_injected_header(name.as_str()) && !is_framing_header(name.as_str()) => {
            Authentication::Header {
                name,
                directory: is_static.then(|| {
                    d.header_authentication_static_user_directory
                        .as_str()
                        .into()
                }),
                pattern: d
                    .header_authentication_dynamic_user_directory
                    .as_str()
                    .into(),
            }
        }
        _ => {
            errors.push(
                field,
                format!("{text:?} is no header name that can be used; choose another"),
            );
            Authentication::Ticket
        }
    }
}

fn parse_jwt(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
    missing: &mut FieldErrors,
) -> Authentication {
    let jwks_uri = parse_key_address("jwtJwksUri", &d.jwt_jwks_uri, errors);
    let issuer: Option<Box<str>> = (!d.jwt_issuer.is_empty()).then(|| d.jwt_issuer.as_str().into());
    let discovery_issuer = if d.jwt_discovery {
        if issuer.is_none() {
            errors.push("jwtDiscovery", "needs the issuer's address in jwtIssuer");
        }
        parse_key_address("jwtIssuer", &d.jwt_issuer, errors)
    } else {
        None
    };
    if d.jwt_public_key_certificate.trim().is_empty()
        && jwks_uri.is_none()
        && discovery_issuer.is_none()
        && d.jwt_issuers.is_empty()
    {
        missing.push(
            "jwtPublicKeyCertificate",
            "is empty; paste the certificate that tokens are checked with, or name a JWKS address in jwtJwksUri",
        );
    }
    let user_id = parse_claim_source("jwtAttributeUserId", &d.jwt_attribute_user_id, missing);
    let user_directory = parse_claim_source(
        "jwtAttributeUserDirectory",
        &d.jwt_attribute_user_directory,
        missing,
    );
    if d.jwt_clock_skew_seconds > 3600 {
        errors.push(
            "jwtClockSkewSeconds",
            format!("is {}; use 0 to 3600 seconds", d.jwt_clock_skew_seconds),
        );
    }
    let algorithms = parse_algorithms(&d.jwt_algorithms, errors);
    let mapping = parse_mapping(&d.jwt_attribute_map, errors);
    let (Some(user_id), Some(user_directory)) = (user_id, user_directory) else {
        return Authentication::Ticket;
    };
    Authentication::Jwt(Box::new(JwtSettings {
        keys: KeySourceSettings {
            pem: d.jwt_public_key_certificate.as_str().into(),
            jwks_uri,
            discovery_issuer,
        },
        issuer,
        audience: (!d.jwt_audience.is_empty()).then(|| d.jwt_audience.as_str().into()),
        algorithms,
        clock_skew: d.jwt_clock_skew_seconds,
        require_expiration: d.jwt_require_expiration,
        max_lifetime: positive(d.jwt_max_lifetime_seconds),
        single_use: d.jwt_single_use,
        user_id,
        user_directory,
        mapping,
    }))
}

/// `https`, or `http` to this machine: keys that come over an open wire can be anybody's.
fn parse_key_address(field: &str, text: &str, errors: &mut FieldErrors) -> Option<Box<str>> {
    if text.is_empty() {
        return None;
    }
    let loopback = |host: &str| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    };
    let acceptable =
        text.parse::<http::Uri>()
            .is_ok_and(|uri| match (uri.scheme_str(), uri.host()) {
                (Some("https"), Some(_)) => true,
                (Some("http"), Some(host)) => loopback(host),
                _ => false,
            });
    if !acceptable || text.contains('@') || text.contains('#') {
        errors.push(field, format!("{text:?} is no https address; keys are fetched over https only, except from this machine"));
        return None;
    }
    Some(text.into())
}

/// A claim's name, or a constant in brackets.
fn parse_claim_source(field: &str, text: &str, missing: &mut FieldErrors) -> Option<ClaimSource> {
    if text.is_empty() {
        missing.push(
            field,
            "is empty; name the claim, or write a constant in brackets such as [example]",
        );
        return None;
    }
    Some(claim_source(text))
}

fn claim_source(text: &str) -> ClaimSource {
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(constant) if !constant.is_empty() => ClaimSource::Constant(constant.into()),
        _ => ClaimSource::Claim(text.into()),
    }
}

fn parse_algorithms(names: &[String], errors: &mut FieldErrors) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for (i, name) in names.iter().enumerate() {
        match Algorithm::from_name(name) {
            Some(algorithm) if algorithms.contains(&algorithm) => {}
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let known = Algorithm::ALL.map(Algorithm::name).join(", ");
                errors.push(
                    format!("jwtAlgorithms[{i}]"),
                    format!("{name:?} is not offered; choose from {known}"),
                );
            }
        }
    }
    if names.is_empty() {
        errors.push(
            "jwtAlgorithms",
            "is empty; allow at least one algorithm, such as RS256",
        );
    }
    algorithms
}

fn parse_mapping(items: &[AttributeMapItem], errors: &mut FieldErrors) -> Vec<AttributeMapping> {
    let mut mapping = Vec::new();
    for (i, item) in items.iter().enumerate() {
        for (field, text) in [
            ("jwtAttribute", &item.jwt_attribute),
            ("senseAttribute", &item.sense_attribute),
        ] {
            let length = text.chars().count();
            if length == 0 || length > 255 {
                errors.push(
                    format!("jwtAttributeMap[{i}].{field}"),
                    "must have 1 to 255 characters",
                );
            }
        }
        if item.sense_attribute.contains([';', '=', '\r', '\n', '\0']) {
            errors.push(
                format!("jwtAttributeMap[{i}].senseAttribute"),
                "contains a character that separates attributes in X-Qlik-Security; use another name",
            );
        }
        mapping.push(AttributeMapping {
            source: claim_source(&item.jwt_attribute),
            attribute: item.sense_attribute.as_str().into(),
            mandatory: item.is_mandatory,
        });
    }
    mapping
}

#[cfg(test)]
mod tests;
