//! Rewrite: who is asking, told to the backends in the real system's headers
//! (Qlik help, "Injected request headers").
//!
//! Every value that comes from a token is percent-encoded, so that no claim can add a header, an
//! attribute or another user.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use jotgate_model::{BackendHeaderPart, Reason, Refusal, Uuid, VirtualProxy};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::user_agent;

/// Everything but the unreserved characters (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same, with blanks left for the `+` of form encoding.
const FORM: &AsciiSet = &RESERVED.remove(b' ');
/// Everything outside visible ASCII.
const INVISIBLE: &AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'%');

/// Who a request is from, as far as its backend is told.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user's directory.
    pub directory: &'a str,
    /// The user's id.
    pub id: &'a str,
    /// The public id of the session.
    pub session: &'a str,
}

/// What else the headers tell.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The virtual proxy of the request.
    pub virtual_proxy: &'a VirtualProxy,
    /// The id of this gateway.
    pub proxy_id: Uuid,
    /// What kind of access it is.
    pub context: Context,
    /// Whether the client's connection is encrypted.
    pub over_tls: bool,
    /// The client's address, for the extended security environment.
    pub client_address: &'a str,
    /// The client's User-Agent, for the extended security environment.
    pub user_agent: &'a str,
}

/// The identity headers that stay the same from one request of a session to the next.
pub type Prepared = Vec<(HeaderName, HeaderValue)>;

/// Whether what [`prepare`] makes depends on nothing but the session, the virtual proxy, the
/// encryption and the [`Context`]: then it can be kept for the session's next request.
#[must_use]
pub const fn can_be_kept(vp: &VirtualProxy) -> bool {
    !vp.extended_security
}

/// What kind of access a request is, as `X-Qlik-Security` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Apps and everything else.
    AppAccess,
    /// The console and the repository.
    ManagementAccess,
}

impl Context {
    /// By the path below the prefix.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let (first, _) = crate::route::split_first(path);
        if first.eq_ignore_ascii_case("qmc") || first.eq_ignore_ascii_case("qrs") {
            Self::ManagementAccess
        } else {
            Self::AppAccess
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::AppAccess => "AppAccess",
            Self::ManagementAccess => "ManagementAccess",
        }
    }
}

/// Makes every identity header but those of [`set_for_request`]. `attributes` are name and value;
/// names repeat.
///
/// # Errors
/// [`Reason::ClaimInvalid`] when a value cannot be a header's at all, which the encoding rules out.
pub fn prepare<'a>(
    asker: &Asker<'_>,
    attributes: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    around: &Surroundings<'_>,
) -> Result<Prepared, Refusal> {
    let mut prepared = Prepared::with_capacity(5 + around.virtual_proxy.backend_headers.len());
    let mut put = |name: HeaderName, value: String| {
        let value = HeaderValue::try_from(value).map_err(|_| {
            Refusal::with(
                Reason::ClaimInvalid,
                format!("the value for {name} cannot be sent as a header"),
            )
        })?;
        prepared.push((name, value));
        Ok::<_, Refusal>(())
    };
    let directory = utf8_percent_encode(asker.directory, RESERVED);
    let id = utf8_percent_encode(asker.id, RESERVED);
    put(USER, format!("UserDirectory={directory}; UserId={id}"))?;
    put(SECURITY, security(attributes.clone(), around))?;
    put(SESSION, asker.session.to_owned())?;
    let prefix = around.virtual_proxy.prefix.as_str();
    put(
        PROXY_ID,
        format!("ProxyId={}; Prefix={prefix}", around.proxy_id),
    )?;
    put(PREFIX, prefix.to_owned())?;
    for header in &around.virtual_proxy.backend_headers {
        put(
            header.name.clone(),
            backend_value(&header.parts, asker, attributes.clone()),
        )?;
    }
    Ok(prepared)
}

/// Sets what differs from request to request: `trace` names the connection, and an engine's socket
/// names its app.
pub fn set_for_request(headers: &mut HeaderMap, trace: &HeaderValue, path: &str) {
    headers.insert(TRACE, trace.clone());
    if let Some(app) = app_id(path)
        && let Ok(app) = HeaderValue::from_str(app)
    {
        headers.insert(APP, app);
    }
}

/// The value that names a connection: those of the services behind the gateway are left empty.
#[must_use]
pub fn trace(connection_id: &str) -> HeaderValue {
    HeaderValue::try_from(format!("{connection_id}:::"))
        .unwrap_or_else(|_| HeaderValue::from_static(":::"))
}

const USER: HeaderName = HeaderName::from_static("x-qlik-user");
const SECURITY: HeaderName = HeaderName::from_static("x-qlik-security");
const SESSION: HeaderName = HeaderName::from_static("x-qlik-proxysession");
const PROXY_ID: HeaderName = HeaderName::from_static("x-qlik-proxyid");
const TRACE: HeaderName = HeaderName::from_static("x-qlik-trace");
const PREFIX: HeaderName = HeaderName::from_static("x-qlik-virtual-proxy-prefix");
const APP: HeaderName = HeaderName::from_static("x-qlik-app");

/// `SecureRequest=true; Context=AppAccess; Group=sales; Group=finance; `, in the extended environment
/// with the client's system before it.
fn security<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a str)>,
    around: &Surroundings<'_>,
) -> String {
    let mut text = String::with_capacity(128);
    let mut item = |name: &str, value: &str| {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        text.push_str("; ");
    };
    if around.virtual_proxy.extended_security {
        let system = user_agent::read(around.user_agent);
        item("OS", system.os);
        item("Device", system.device);
        item("Browser", &system.browser);
        item("IP", around.client_address);
        item("ClientOsVersion", &system.os_version);
    }
    item(
        "SecureRequest",
        if around.over_tls { "true" } else { "false" },
    );
    item("Context", around.context.name());
    for (name, value) in attributes {
        item(&form_encode(name), &form_encode(value));
    }
    text
}

fn form_encode(text: &str) -> String {
    utf8_percent_encode(text, FORM)
        .to_string()
        .replace(' ', "+")
}

/// The app of an engine socket: `/app/{id}`, without what follows it.
fn app_id(path: &str) -> Option<&str> {
    let (first, rest) = crate::route::split_first(path);
    if !first.eq_ignore_ascii_case("app") {
        return None;
    }
    let (app, _) = crate::route::split_first(rest);
    let app = app.split('&').next().unwrap_or_default();
    (!app.is_empty() && !app.eq_ignore_ascii_case("engineData")).then_some(app)
}

fn backend_value<'a>(
    parts: &[BackendHeaderPart],
    asker: &Asker<'_>,
    attributes: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> String {
    let mut text = String::new();
    let visible = |value: &str| utf8_percent_encode(value, INVISIBLE).to_string();
    for part in parts {
        match part {
            BackendHeaderPart::Text(literal) => {
                text.push_str(&utf8_percent_encode(literal, percent_encoding::CONTROLS).to_string())
            }
            BackendHeaderPart::UserId => text.push_str(&visible(asker.id)),
            BackendHeaderPart::UserDirectory => text.push_str(&visible(asker.directory)),
            BackendHeaderPart::Attribute(wanted) => {
                let values: Vec<_> = attributes
                    .clone()
                    .filter(|(name, _)| name == &&**wanted)
                    .map(|(_, value)| visible(value))
                    .collect();
                text.push_str(&values.join(","));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jotgate_model::entity::{BackendHeaderConfig, VirtualProxyConfig};
    use proptest::prelude::*;

    use super::*;

    fn vp(edit: impl FnOnce(&mut VirtualProxyConfig)) -> VirtualProxy {
        let mut config = VirtualProxyConfig {
            prefix: "jwt".into(),
            session_cookie_header_name: "C".into(),
            ..Default::default()
        };
        edit(&mut config);
        VirtualProxy::parse(&config, 1).unwrap()
    }

    fn sent(
        vp: &VirtualProxy,
        path: &str,
        directory: &str,
        id: &str,
        attributes: &[(&str, &str)],
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let around = Surroundings {
            virtual_proxy: vp,
            proxy_id: Uuid::nil(),
            context: Context::of(path),
            over_tls: true,
            client_address: "10.88.3.35",
            user_agent: "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/50.0",
        };
        let asker = Asker {
            directory,
            id,
            session: "b29118dd",
        };
        headers.extend(prepare(&asker, attributes.iter().copied(), &around).unwrap());
        set_for_request(&mut headers, &trace("c1"), path);
        headers
    }

    #[test]
    fn the_headers_of_the_real_system() {
        let headers = sent(
            &vp(|_| {}),
            "/app/42",
            "example",
            "boz",
            &[("Group", "sales"), ("Group", "a b"), ("email", "")],
        );
        assert_eq!(headers["x-qlik-user"], "UserDirectory=example; UserId=boz");
        assert_eq!(
            headers["x-qlik-security"],
            "SecureRequest=true; Context=AppAccess; Group=sales; Group=a+b; email=; "
        );
        assert_eq!(headers["x-qlik-proxysession"], "b29118dd");
        assert_eq!(
            headers["x-qlik-proxyid"],
            "ProxyId=00000000-0000-0000-0000-000000000000; Prefix=jwt"
        );
        assert_eq!(headers["x-qlik-trace"], "c1:::");
        assert_eq!(headers["x-qlik-virtual-proxy-prefix"], "jwt");
        assert_eq!(headers["x-qlik-app"], "42");
    }

    #[test]
    fn the_extended_environment_tells_the_client_s_system_first() {
        let headers = sent(
            &vp(|c| c.extended_security_environment = true),
            "/QRS/about",
            "d",
            "u",
            &[],
        );
        assert_eq!(
            headers["x-qlik-security"],
            "OS=Windows; Device=Default; Browser=Firefox 50.0; IP=10.88.3.35; ClientOsVersion=10.0; SecureRequest=true; Context=ManagementAccess; "
        );
        assert!(!headers.contains_key("x-qlik-app"));
    }

    #[test]
    fn the_app_of_an_engine_socket() {
        assert_eq!(app_id("/app/engineData&qlik-csrf-token=x"), None);
        assert_eq!(app_id("/app/%3Ftransient%3D"), Some("%3Ftransient%3D"));
        assert_eq!(app_id("/App/42/identity/1/ttl/5"), Some("42"));
        assert_eq!(app_id("/hub/"), None);
        assert_eq!(app_id("/app"), None);
    }

    /// Line C5 of the hostile inputs: delimiters of the headers inside of claims.
    #[test]
    fn a_claim_cannot_add_a_user_an_attribute_or_a_line() {
        let headers = sent(
            &vp(|_| {}),
            "/",
            "d; UserId=admin",
            "u\\r\\n;é",
            &[("a=b; Group", "x; Group=admins\r\nX: y")],
        );
        assert_eq!(
            headers["x-qlik-user"],
            "UserDirectory=d%3B%20UserId%3Dadmin; UserId=u%5Cr%5Cn%3B%C3%A9"
        );
        let security = headers["x-qlik-security"].to_str().unwrap();
        assert_eq!(security.matches("; ").count(), 3, "{security}");
    }

    #[test]
    fn configured_headers_for_other_backends() {
        let vp = vp(|c| {
            c.backend_headers = vec![
                BackendHeaderConfig {
                    name: "X-WEBAUTH-USER".into(),
                    value: "{userDirectory}/{userId}".into(),
                },
                BackendHeaderConfig {
                    name: "X-Groups".into(),
                    value: "<{attribute.Group}>".into(),
                },
            ];
        });
        let headers = sent(
            &vp,
            "/",
            "d",
            "bé z",
            &[("Group", "a"), ("Mail", "m"), ("Group", "b")],
        );
        assert_eq!(headers["x-webauth-user"], "d/b%C3%A9%20z");
        assert_eq!(headers["x-groups"], "<a,b>");
    }

    proptest! {
        #[test]
        fn any_claim_text_can_be_sent_and_keeps_the_form(dir in "\\PC{0,20}", id in any::<String>(), name in any::<String>(), value in any::<String>()) {
            let headers = sent(&vp(|_| {}), "/", &dir, &id, &[(&name, &value)]);
            let user = headers["x-qlik-user"].to_str().unwrap();
            prop_assert_eq!(user.matches("; UserId=").count(), 1);
            prop_assert_eq!(user.matches('=').count(), 2);
            let security = headers["x-qlik-security"].to_str().unwrap();
            prop_assert_eq!(security.matches(';').count(), 3);
        }
    }
}
