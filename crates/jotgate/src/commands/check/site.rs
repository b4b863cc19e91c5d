//! The address that is tried.

use std::path::Path;

use http::Uri;
use rustls::RootCertStore;

use crate::client::tls;
use crate::exit::{Exit, Failure};

/// A virtual proxy by its address.
pub(super) struct Site {
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What `Host` says.
    pub(super) authority: String,
    /// `/prefix`, or nothing for the default virtual proxy.
    pub(super) prefix: String,
    pub(super) roots: RootCertStore,
}

impl Site {
    /// Reads an address such as `https://gateway.example.com/jwt`.
    ///
    /// # Errors
    /// It is no such address, or the file of the root certificate cannot be used.
    pub(super) fn parse(url: &str, ca: Option<&Path>) -> Result<Self, Failure> {
        let wrong = || {
            let sentence = "the address must be one of a virtual proxy, such as https://gateway.example.com/jwt";
            Failure::new(Exit::Usage, sentence)
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let mut segments = uri.path().split('/').filter(|segment| !segment.is_empty());
        let prefix = segments.next().map(|prefix| format!("/{prefix}"));
        if authority.as_str().contains('@') || segments.next().is_some_and(|rest| rest != "hub") {
            return Err(wrong());
        }
        Ok(Self {
            tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_string(),
            prefix: prefix.unwrap_or_default(),
            roots: tls::roots(ca)?,
        })
    }

    /// The origin of its own pages.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}
