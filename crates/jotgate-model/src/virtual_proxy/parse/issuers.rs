//! The further issuers of a virtual proxy.

use std::collections::HashSet;

use super::jwt::parse_key_address;
use crate::entity::{JwtIssuerConfig, VirtualProxyConfig};
use crate::{Authentication, FieldErrors, JwtSettings, KeySourceSettings};

/// How many there may be. Each may have a source that is fetched in the background.
const MAX_ISSUERS: usize = 50;

/// What tokens of each further issuer must be.
pub(super) fn parse(
    d: &VirtualProxyConfig,
    authentication: &Authentication,
    errors: &mut FieldErrors,
) -> Vec<JwtSettings> {
    let entries = &d.jwt_issuers;
    if entries.len() > MAX_ISSUERS {
        let problem = format!(
            "has {} entries; at most {MAX_ISSUERS} are possible",
            entries.len()
        );
        errors.push("jwtIssuers", problem);
        return Vec::new();
    }
    let mut known = HashSet::from([d.jwt_issuer.as_str()]);
    let mut parsed = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let field = |name: &str| format!("jwtIssuers[{i}].{name}");
        check_lengths(entry, &field, errors);
        if entry.issuer.is_empty() {
            errors.push(field("issuer"), "is empty; write the iss of its tokens");
        } else if !known.insert(&entry.issuer) {
            let problem = "is there already; name every issuer once";
            errors.push(field("issuer"), problem);
        }
        let keys = parse_keys(entry, &field, errors);
        if let Authentication::Jwt(policy) = authentication {
            parsed.push(JwtSettings {
                keys,
                issuer: Some(entry.issuer.as_str().into()),
                audience: (!entry.audience.is_empty()).then(|| entry.audience.as_str().into()),
                ..(**policy).clone()
            });
        }
    }
    parsed
}

fn check_lengths(
    entry: &JwtIssuerConfig,
    field: &impl Fn(&str) -> String,
    errors: &mut FieldErrors,
) {
    let limits = [
        ("issuer", &entry.issuer, 1024),
        ("audience", &entry.audience, 255),
        ("jwksUri", &entry.jwks_uri, 1024),
        (
            "publicKeyCertificate",
            &entry.public_key_certificate,
            100_000,
        ),
    ];
    for (name, value, limit) in limits {
        let length = value.chars().count();
        if length > limit {
            errors.push(
                field(name),
                format!("is {length} characters long; shorten it to at most {limit}"),
            );
        }
    }
}

fn parse_keys(
    entry: &JwtIssuerConfig,
    field: &impl Fn(&str) -> String,
    errors: &mut FieldErrors,
) -> KeySourceSettings {
    if entry.public_key_certificate.trim().is_empty()
        && entry.jwks_uri.is_empty()
        && !entry.discovery
    {
        errors.push(
            field("publicKeyCertificate"),
            "is empty; paste the certificate that tokens are checked with, name a JWKS address in jwksUri, or switch discovery on",
        );
    }
    let discovery_issuer = entry
        .discovery
        .then(|| parse_key_address(&field("issuer"), &entry.issuer, errors));
    KeySourceSettings {
        pem: entry.public_key_certificate.as_str().into(),
        jwks_uri: parse_key_address(&field("jwksUri"), &entry.jwks_uri, errors),
        discovery_issuer: discovery_issuer.flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualProxy;
    use crate::entity::AuthenticationMethod;

    fn config(issuers: Vec<JwtIssuerConfig>) -> VirtualProxyConfig {
        VirtualProxyConfig {
            prefix: "jwt".to_owned(),
            session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
            authentication_method: AuthenticationMethod::JWT,
            jwt_attribute_user_id: "userId".to_owned(),
            jwt_attribute_user_directory: "[example]".to_owned(),
            jwt_issuer: "https://main.example.com".to_owned(),
            jwt_issuers: issuers,
            ..Default::default()
        }
    }

    fn entry(issuer: &str) -> JwtIssuerConfig {
        JwtIssuerConfig {
            issuer: issuer.to_owned(),
            audience: "qlik".to_owned(),
            jwks_uri: "https://keys.example.com/jwks".to_owned(),
            ..Default::default()
        }
    }

    fn fields(issuers: Vec<JwtIssuerConfig>) -> Vec<String> {
        let errors = VirtualProxy::parse(&config(issuers), 1).unwrap_err();
        errors.0.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn each_has_its_issuer_audience_and_keys_and_the_shared_policy() {
        let mut document = config(vec![entry("https://a.example.com"), entry("b")]);
        document.jwt_clock_skew_seconds = 7;
        document.jwt_issuers[0].discovery = true;
        let vp = VirtualProxy::parse(&document, 1).unwrap();
        assert!(matches!(vp.authentication, Authentication::Jwt(_)));
        let [a, b] = vp.further_issuers.as_slice() else {
            panic!("expected two");
        };
        assert_eq!(a.issuer.as_deref(), Some("https://a.example.com"));
        assert_eq!(
            a.keys.discovery_issuer.as_deref(),
            Some("https://a.example.com")
        );
        assert_eq!(b.issuer.as_deref(), Some("b"));
        assert_eq!(b.audience.as_deref(), Some("qlik"));
        assert_eq!(b.keys.discovery_issuer, None);
        assert_eq!((a.clock_skew, b.clock_skew), (7, 7));
    }

    #[test]
    fn problems_name_the_entry_and_the_field() {
        let broken = |change: fn(&mut JwtIssuerConfig)| {
            let mut second = entry("b");
            change(&mut second);
            fields(vec![entry("a"), second])
        };
        assert_eq!(broken(|e| e.issuer.clear()), ["jwtIssuers[1].issuer"]);
        assert_eq!(broken(|e| e.issuer = "a".into()), ["jwtIssuers[1].issuer"]);
        assert_eq!(
            broken(|e| e.issuer = "https://main.example.com".into()),
            ["jwtIssuers[1].issuer"]
        );
        assert_eq!(
            broken(|e| e.jwks_uri = "http://idp.example.com/jwks".into()),
            ["jwtIssuers[1].jwksUri"]
        );
        assert_eq!(
            broken(|e| e.jwks_uri.clear()),
            ["jwtIssuers[1].publicKeyCertificate"]
        );
        assert_eq!(broken(|e| e.discovery = true), ["jwtIssuers[1].issuer"]);
        assert_eq!(
            broken(|e| e.audience = "a".repeat(256)),
            ["jwtIssuers[1].audience"]
        );
        let many = (0..51).map(|i| entry(&i.to_string())).collect();
        assert_eq!(fields(many), ["jwtIssuers"]);
    }

    #[test]
    fn documents_without_the_property_have_none() {
        let document: VirtualProxyConfig = serde_json::from_str("{}").unwrap();
        assert!(document.jwt_issuers.is_empty());
        let text = serde_json::to_string(&config(vec![entry("a")])).unwrap();
        assert!(text.contains(r#""jwtIssuers":[{"issuer":"a","audience":"qlik","jwksUri":"#));
    }
}
