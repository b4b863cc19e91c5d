//! Where an issuer publishes its keys (OpenID Connect Discovery 1.0, RFC 8414).

use serde::Deserialize;

use super::{FetchError, Fetched, Fetcher, Location, MAX_DISCOVERY, WrittenHosts};

/// What is needed of a discovery document. Other members are passed over; a second one of these
/// names is refused.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    /// Asks `issuer` where its keys are. The addresses of RFC 8414 are asked when the one of OpenID
    /// Connect answers that there is nothing.
    pub(crate) async fn discover(
        &self,
        issuer: &str,
        written: &WrittenHosts,
    ) -> Result<(Location, Fetched), FetchError> {
        let [open_id, oauth] = addresses(issuer)?;
        let found = match self.get(&open_id, written, MAX_DISCOVERY).await {
            Err(FetchError::Status(400..=499)) => self.get(&oauth, written, MAX_DISCOVERY).await,
            found => found,
        };
        let found = found?;
        Ok((key_set_of(issuer, &found.body)?, found))
    }
}

/// RFC 8414 section 3.1, and OpenID Connect Discovery 1.0 section 4.1.
fn addresses(issuer: &str) -> Result<[Location; 2], FetchError> {
    let base = Location::parse(issuer)?;
    if issuer.contains('?') {
        return Err(FetchError::BadAddress(issuer.to_owned()));
    }
    let issuer = issuer.trim_end_matches('/');
    let path = base.path().path().trim_end_matches('/');
    let host = issuer.strip_suffix(path).unwrap_or(issuer);
    Ok([
        Location::parse(&format!("{issuer}/.well-known/openid-configuration"))?,
        Location::parse(&format!(
            "{host}/.well-known/oauth-authorization-server{path}"
        ))?,
    ])
}

/// The address of the key set that an issuer's discovery document names, as text.
///
/// # Errors
/// What is wrong with the document, as half a sentence.
pub fn key_set_address(issuer: &str, document: &[u8]) -> Result<String, String> {
    key_set_of(issuer, document)
        .map(|location| location.to_string())
        .map_err(|error| error.to_string())
}

/// The address of the key set in a document. The document must speak for exactly this issuer
/// (RFC 8414 section 3.3), or anybody's document could name the keys.
fn key_set_of(issuer: &str, document: &[u8]) -> Result<Location, FetchError> {
    let refuse = |problem: String| Err(FetchError::Discovery(problem));
    if document.trim_ascii_start().starts_with(b"<") {
        return refuse("is a web page; check the issuer's address".to_owned());
    }
    let document: Document = match serde_json::from_slice(document) {
        Ok(document) => document,
        Err(error) => return refuse(format!("cannot be read: {error}")),
    };
    if document.issuer != issuer {
        let named: String = document.issuer.chars().take(200).collect();
        return refuse(format!("is that of {named:?}, not of {issuer:?}"));
    }
    Location::parse(&document.jwks_uri)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(issuer: &str) -> [String; 2] {
        addresses(issuer)
            .unwrap()
            .map(|location| location.to_string())
    }

    #[test]
    fn an_issuer_may_have_a_path() {
        let plain = [
            "https://idp.example.com/.well-known/openid-configuration",
            "https://idp.example.com/.well-known/oauth-authorization-server",
        ];
        assert_eq!(both("https://idp.example.com"), plain);
        assert_eq!(both("https://idp.example.com/"), plain);
        assert_eq!(
            both("https://idp.example.com/realms/a"),
            [
                "https://idp.example.com/realms/a/.well-known/openid-configuration",
                "https://idp.example.com/.well-known/oauth-authorization-server/realms/a",
            ]
        );
        assert!(addresses("https://idp.example.com/?a").is_err());
        assert!(addresses("http://idp.example.com").is_err());
    }

    #[test]
    fn the_document_must_be_that_of_the_issuer() {
        let issuer = "https://idp.example.com";
        let read = |text: &str| {
            key_set_of(issuer, text.as_bytes())
                .map(|location| location.to_string())
                .map_err(|error| error.to_string())
        };
        let good = r#"{"issuer":"https://idp.example.com","jwks_uri":"https://keys.example.com/","x":[1]}"#;
        assert_eq!(read(good).unwrap(), "https://keys.example.com/");
        let other = good.replace("idp.", "evil.");
        assert!(read(&other).unwrap_err().contains("is that of"));
        assert!(read(&good.replace("\"x\":[1]", "\"jwks_uri\":\"https://evil/\"")).is_err());
        assert!(read(&good.replace("https://keys", "http://keys")).is_err());
        assert!(read("<html>").unwrap_err().contains("web page"));
        for text in ["", "[]", "{}", "null", &"[".repeat(10_000)] {
            assert!(read(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(key_set_of("https://idp.example.com", &bytes).is_err());
        }
    }
}
