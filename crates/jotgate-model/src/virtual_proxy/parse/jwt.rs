//! What a token must be, from the document.

use super::positive;
use crate::FieldErrors;
use crate::entity::{AttributeMapItem, VirtualProxyConfig};
use crate::virtual_proxy::{
    Algorithm, AttributeMapping, Authentication, ClaimSource, JwtSettings, KeySourceSettings,
};

/// Parses everything about tokens. What is only missing goes to `missing`, what is wrong to `errors`.
pub(super) fn parse_jwt(
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
    let private_claims = parse_private(&d.private_claims, errors);
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
        private_claims,
    }))
}

/// `https`, or `http` to this machine: keys that come over an open wire can be anybody's.
pub(super) fn parse_key_address(
    field: &str,
    text: &str,
    errors: &mut FieldErrors,
) -> Option<Box<str>> {
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

/// At most 100 names: each is compared with every claim of a token.
fn parse_private(names: &[String], errors: &mut FieldErrors) -> Vec<Box<str>> {
    if names.len() > 100 {
        errors.push(
            "privateClaims",
            format!("has {} names; use at most 100", names.len()),
        );
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || name.chars().count() > 255 {
            errors.push(
                format!("privateClaims[{i}]"),
                "must have 1 to 255 characters: the name of a claim",
            );
        }
    }
    names.iter().map(|name| name.as_str().into()).collect()
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
