//! TLS, with or without an administrator's certificate.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Stream;
use crate::certificates::{certificates, load_pair};
use crate::exit::{Exit, Failure};

/// Opens a connection to `server`, showing the certificate and proving the key of `identity`, and says
/// which host to ask for. Without an identity the server is a gateway, on its own port.
///
/// # Errors
/// The address or a file cannot be used, or the server cannot be reached or is not who it says.
pub(crate) async fn connect(
    server: &str,
    identity: Option<(&Path, &Path)>,
    ca: Option<&Path>,
) -> Result<(Box<dyn Stream>, String), Failure> {
    let wrong = || {
        let sentence = "the server must be an address such as https://gateway.example.com:4242";
        Failure::new(Exit::Usage, sentence)
    };
    let uri: Uri = server.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
        return Err(wrong());
    }
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16();
    let port = port.unwrap_or(if identity.is_some() { 4242 } else { 443 });
    let config = config(identity, ca)?;
    let unreachable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Fault, format!("{server} cannot be reached ({error})"))
    };
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| unreachable(&error))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong())?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| unreachable(&error))?;
    Ok((Box::new(stream), authority.to_string()))
}

/// The roots in that file; without one, those of this machine.
///
/// # Errors
/// The file cannot be used.
pub(crate) fn roots(ca: Option<&Path>) -> Result<RootCertStore, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error.to_string());
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for root in certificates(path).map_err(|error| usage(&error))? {
                roots.add(root).map_err(|error| usage(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    Ok(roots)
}

fn config(identity: Option<(&Path, &Path)>, ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error.to_string());
    let roots = roots(ca)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| usage(&error))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = identity else {
        return Ok(config.with_no_client_auth());
    };
    let (chain, key) = load_pair(certificate, key).map_err(|error| usage(&error))?;
    config
        .with_client_auth_cert(chain, key)
        .map_err(|error| usage(&error))
}
