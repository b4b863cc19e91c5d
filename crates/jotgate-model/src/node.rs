//! A node in the form that requests are forwarded by.

use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Uri};
use uuid::Uuid;

use crate::entity::{ServerNodeConfiguration, ServiceConfig};
use crate::{FieldErrors, UnixTime};

/// A machine with backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The id of its document.
    pub id: Uuid,
    /// The display name, for logs and metrics.
    pub name: Box<str>,
    /// What it serves, longest path first.
    pub services: Vec<Arc<Service>>,
    /// What its TLS connections are made with.
    pub tls: TlsMaterial,
    /// Since when it gets no new sessions; nothing when it gets them.
    pub draining_since: Option<UnixTime>,
    /// Connections to each service, of the whole process; nothing for any number.
    pub max_connections: Option<u32>,
}

/// PEM texts for connections to a node. Checked by whoever builds connections from them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsMaterial {
    /// Roots beside the usual ones.
    pub ca_certificate: Box<str>,
    /// What the gateway shows.
    pub client_certificate: Box<str>,
    /// The private key of it.
    pub client_key: Box<str>,
}

/// Leaves the private key out.
impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsMaterial").finish_non_exhaustive()
    }
}

/// One backend of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The path below the prefix, without a trailing slash; empty for everything.
    pub path: Box<str>,
    /// Plain or TLS.
    pub scheme: Scheme,
    /// Host and port to connect to; the port is always present.
    pub authority: Authority,
    /// Put before the path of each request; without a trailing slash, mostly empty.
    pub base_path: Box<str>,
    /// The path that answers 200 while the backend is well.
    pub health_path: Option<PathAndQuery>,
    /// Whether HTTP/2 is spoken: by ALPN over TLS, by prior knowledge in clear text.
    pub http2: bool,
}

/// How a backend is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Node {
    /// Parses a node's document.
    ///
    /// # Errors
    /// Every field that cannot be served, with what to do about it.
    pub fn parse(document: &ServerNodeConfiguration) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        if document.name.is_empty() || document.name.len() > 255 {
            errors.push("name", "must have 1 to 255 characters");
        }
        if document.host_name.is_empty() || document.host_name.len() > 255 {
            errors.push("hostName", "must have 1 to 255 characters");
        }
        if document.client_certificate.is_empty() != document.client_key.is_empty() {
            errors.push(
                "clientCertificate",
                "goes together with clientKey; give both or neither",
            );
        }
        let mut services = Vec::new();
        if document.services.is_empty() {
            let derived = derived_services(&document.host_name);
            services.extend(derived.iter().filter_map(|config| {
                errors.take(
                    "hostName",
                    Service::parse(config)
                        .map(Arc::new)
                        .map_err(|(_, problem)| problem),
                )
            }));
        }
        for (i, config) in document.services.iter().enumerate() {
            match Service::parse(config) {
                Ok(service) => services.push(Arc::new(service)),
                Err((field, problem)) => errors.push(format!("services[{i}].{field}"), problem),
            }
        }
        services.sort_by_key(|service| std::cmp::Reverse(service.path.len()));
        if let Some(pair) = services
            .windows(2)
            .find(|pair| pair[0].path == pair[1].path)
        {
            errors.push(
                "services",
                format!("serve the path \"{}\" twice", pair[0].path),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            id: document.metadata.id,
            name: document.name.as_str().into(),
            services,
            tls: TlsMaterial {
                ca_certificate: document.ca_certificate.as_str().into(),
                client_certificate: document.client_certificate.as_str().into(),
                client_key: document.client_key.as_str().into(),
            },
            draining_since: document
                .draining
                .then(|| UnixTime(document.draining_since.as_millis().div_euclid(1000))),
            max_connections: (document.max_connections > 0).then_some(document.max_connections),
        })
    }

    /// The backend for `path` (below the prefix, with a leading slash): the longest path of whole
    /// segments wins. Compared in any case, as the real system's addresses are.
    #[must_use]
    pub fn service_for(&self, path: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.serves(path))
    }
}

impl Service {
    fn parse(config: &ServiceConfig) -> Result<Self, (&'static str, String)> {
        let path = config.path.trim_end_matches('/');
        if !config.path.starts_with('/') || path.contains(['?', '#', '%', '\\']) {
            return Err((
                "path",
                format!("{:?} is no path; write / or for instance /hub", config.path),
            ));
        }
        let wrong_uri = |what: &str| {
            (
                "uri",
                format!(
                    "{:?} {what}; write for instance http://10.0.0.5:9000",
                    config.uri
                ),
            )
        };
        let uri: Uri = config.uri.parse().map_err(|_| wrong_uri("is no address"))?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => (Scheme::Http, 80),
            Some("https") => (Scheme::Https, 443),
            _ => return Err(wrong_uri("has no scheme http or https")),
        };
        let authority = uri.authority().ok_or_else(|| wrong_uri("has no host"))?;
        if authority.as_str().contains('@') {
            return Err((
                "uri",
                "contains a user name; credentials in addresses are not supported".to_owned(),
            ));
        }
        if uri.query().is_some() {
            return Err(wrong_uri("has a query"));
        }
        let port = authority.port_u16().unwrap_or(default_port);
        let authority = format!("{}:{port}", authority.host())
            .parse()
            .map_err(|_| wrong_uri("has no valid host"))?;
        let health_path = match config.health_path.as_str() {
            "" => None,
            text if text.starts_with('/') => Some(
                text.parse()
                    .map_err(|_| ("healthPath", format!("{text:?} is no path")))?,
            ),
            text => return Err(("healthPath", format!("{text:?} must begin with /"))),
        };
        Ok(Self {
            path: path.into(),
            scheme,
            authority,
            base_path: uri.path().trim_end_matches('/').into(),
            health_path,
            http2: config.http2,
        })
    }

    fn serves(&self, path: &str) -> bool {
        let Some(head) = path.as_bytes().get(..self.path.len()) else {
            return false;
        };
        head.eq_ignore_ascii_case(self.path.as_bytes())
            && matches!(path.as_bytes().get(self.path.len()), None | Some(b'/'))
    }
}

/// What the real system runs on a node: the engine on 4747 and QRS on 4242, both behind TLS.
fn derived_services(host: &str) -> [ServiceConfig; 2] {
    let service = |path: &str, port: u16| ServiceConfig {
        path: path.to_owned(),
        uri: format!("https://{host}:{port}"),
        ..Default::default()
    };
    [service("/app", 4747), service("/qrs", 4242)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(services: &[(&str, &str)]) -> Result<Node, FieldErrors> {
        Node::parse(&ServerNodeConfiguration {
            name: "n".to_owned(),
            host_name: "backend".to_owned(),
            services: services
                .iter()
                .map(|(path, uri)| ServiceConfig {
                    path: (*path).to_owned(),
                    uri: (*uri).to_owned(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        })
    }

    #[test]
    fn the_longest_path_of_whole_segments_wins() {
        let node = node(&[
            ("/", "http://a:1"),
            ("/app", "http://b:2/base/"),
            ("/app/x", "http://c"),
        ])
        .unwrap();
        let of = |path: &str| node.service_for(path).unwrap().authority.as_str();
        assert_eq!(of("/"), "a:1");
        assert_eq!(of("/apple"), "a:1");
        assert_eq!(of("/App/engineData"), "b:2");
        assert_eq!(of("/app/x/y"), "c:80");
        assert_eq!(&*node.service_for("/app").unwrap().base_path, "/base");
    }

    #[test]
    fn without_services_the_real_system_s_ports_are_used() {
        let node = node(&[]).unwrap();
        assert_eq!(
            node.service_for("/app/engineData")
                .unwrap()
                .authority
                .as_str(),
            "backend:4747"
        );
        assert_eq!(
            node.service_for("/qrs/about").unwrap().scheme,
            Scheme::Https
        );
        assert!(node.service_for("/hub/").is_none());
    }

    #[test]
    fn what_is_wrong_with_a_service_is_said_at_its_field() {
        for (path, uri, field) in [
            ("app", "http://a", "services[0].path"),
            ("/", "ftp://a", "services[0].uri"),
            ("/", "http://", "services[0].uri"),
            ("/", "http://u:p@a", "services[0].uri"),
            ("/", "http://a/?q", "services[0].uri"),
        ] {
            let errors = node(&[(path, uri)]).unwrap_err();
            assert_eq!(errors.0[0].field, field, "{path} {uri}");
            assert!(!errors.to_string().contains("u:p"));
        }
        assert!(node(&[("/", "http://a"), ("/", "http://b")]).is_err());
    }
}
