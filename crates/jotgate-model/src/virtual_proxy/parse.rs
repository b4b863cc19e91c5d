//! From the document to the form that requests are judged by.

mod access;
mod header_method;
mod headers;
mod issuers;
mod jwt;

use access::{parse_access_rule, parse_bound_directories};
use header_method::parse_header_method;
use headers::{parse_backend_headers, parse_response_headers};
use http::header::HeaderValue;
use jwt::parse_jwt;

use super::{
    Authentication, Balancing, CookieForm, CookieRules, CsrfProtection, RateLimits, SessionRules,
    VirtualProxy,
};
use crate::entity::{AuthenticationMethod, LoadBalancingAlgorithm, VirtualProxyConfig};
use crate::{CookieName, FieldErrors, HostPattern, Origin, Prefix};

/// How many entries a list of a virtual proxy may have.
const MAX_LIST: usize = 1000;

impl VirtualProxy {
    /// What is wrong with the settings for tokens while another method is chosen. [`Self::parse`] does
    /// not look at them: nothing uses them, and a configuration that has them is served.
    #[must_use]
    pub fn check_idle_jwt(document: &VirtualProxyConfig) -> FieldErrors {
        let (mut errors, mut missing) = (FieldErrors::default(), FieldErrors::default());
        if document.authentication_method != AuthenticationMethod::JWT {
            parse_jwt(document, &mut errors, &mut missing);
        }
        errors
    }

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
        let access_rule = parse_access_rule(document, &mut errors);
        let bound_directories = parse_bound_directories(document, &mut errors);
        let authentication = parse_authentication(document, &mut errors);
        let further_issuers = issuers::parse(document, &authentication, &mut errors);
        let (Some(prefix), Some(cookie), true) = (prefix, cookie, errors.is_empty()) else {
            return Err(errors);
        };
        Ok(Self {
            id: document.metadata.id,
            revision,
            prefix_header: prefix_header(&prefix),
            prefix,
            description: document.description.as_str().into(),
            is_default: document.default_virtual_proxy,
            authentication,
            further_issuers,
            anonymous: document.anonymous_access_mode,
            allow_administration: document.allow_administration,
            access_rule,
            bound_directories,
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
            balancing: balancing(document),
            limits: RateLimits {
                in_all: positive(document.requests_per_second),
                per_user: positive(document.requests_per_second_per_user),
            },
            max_in_flight: positive(document.max_requests_in_flight),
            max_sockets: positive(document.max_sockets_per_session),
        })
    }
}

/// A bound session goes to its node, whatever the load.
const fn balancing(document: &VirtualProxyConfig) -> Balancing {
    if document.use_sticky_load_balancing {
        return Balancing::Sticky;
    }
    match document.load_balancing_algorithm {
        LoadBalancingAlgorithm::RoundRobin | LoadBalancingAlgorithm::MemoryAllocation => {
            Balancing::InTurn
        }
        LoadBalancingAlgorithm::LeastRequests => Balancing::LeastRequests,
    }
}

/// A prefix is made of characters that a header may have.
fn prefix_header(prefix: &Prefix) -> Option<HeaderValue> {
    let prefix = prefix.as_str();
    (!prefix.is_empty())
        .then(|| HeaderValue::try_from(format!("/{prefix}")).ok())
        .flatten()
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
        ("boundUserDirectories", d.bound_user_directories.len()),
        (
            "headerAuthenticationTrustedAddresses",
            d.header_authentication_trusted_addresses.len(),
        ),
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

#[cfg(test)]
mod tests;
