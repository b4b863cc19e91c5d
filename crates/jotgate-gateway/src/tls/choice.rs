//! Which certificate a name gets.

use std::sync::Arc;

use http::uri::Authority;
use rustls::client::verify_server_name;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, ServerName};

/// Certificates in the order of their settings.
#[derive(Debug)]
pub(crate) struct Choice(Vec<Arc<CertifiedKey>>);

impl Choice {
    pub(super) const fn new(keys: Vec<Arc<CertifiedKey>>) -> Self {
        Self(keys)
    }

    /// Each without those that follow it in its file.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter().filter_map(|key| key.cert.first())
    }

    /// The place of the first certificate that has the name; the first one of all serves every
    /// other name, and clients that ask for none.
    fn place(&self, name: &str) -> usize {
        (0..self.0.len())
            .find(|place| self.covers(*place, name))
            .unwrap_or_default()
    }

    fn covers(&self, place: usize, name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else {
            return false;
        };
        self.0.get(place).is_some_and(|key| {
            key.end_entity_cert()
                .and_then(ParsedCertificate::try_from)
                .is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
        })
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let place = match hello.server_name() {
            Some(name) if self.0.len() > 1 => self.place(name),
            _ => 0,
        };
        self.0.get(place).cloned()
    }
}

/// The certificate that a client was shown because of the name it asked for. Only where there are
/// several and it asked.
#[derive(Debug)]
pub(crate) struct Shown {
    choice: Arc<Choice>,
    name: Box<str>,
    place: usize,
}

impl Shown {
    pub(super) fn new(choice: &Arc<Choice>, name: Option<&str>) -> Option<Self> {
        let name = name.filter(|_| choice.0.len() > 1)?;
        Some(Self {
            place: choice.place(name),
            choice: choice.clone(),
            name: name.into(),
        })
    }

    /// The name that the client asked for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a request for `host` may come on this connection (RFC 9110 section 7.4): the
    /// certificate has that name, or a connection of its own would have been shown the same one.
    pub(crate) fn serves(&self, host: &Authority) -> bool {
        let host = host.host().trim_start_matches('[').trim_end_matches(']');
        let host = host.strip_suffix('.').unwrap_or(host);
        host.eq_ignore_ascii_case(&self.name)
            || self.choice.covers(self.place, host)
            || self.choice.place(host) == self.place
    }
}
