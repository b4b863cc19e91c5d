//! Administration through a virtual proxy: for users with a role, where the virtual proxy allows it.
//!
//! Whoever sets a virtual proxy's key could make administrators. Roles count only where that was
//! allowed on purpose (`allowAdministration`); elsewhere nobody administers, whatever the roles.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{Request, Response, Uri};
use jotgate_model::{Reason, Refusal, Role, Snapshot, User, VirtualProxy};
use jotgate_policy::select;
use jotgate_session::Session;

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::sanitized::Sanitized;
use crate::{Shared, whole_body};

/// The largest body: what the largest of QRS may be.
const MAX_BODY: u64 = 16 * 1024 * 1024;
/// How long a body may take in all.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Who administers through a virtual proxy.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user: User,
    /// The mightiest of the user's roles.
    pub role: Role,
    /// The public id of the session.
    pub session: String,
    /// Where the request comes from.
    pub source: IpAddr,
}

/// Answers a request of an administrator; its path has no prefix. Runs on the background runtime.
pub type AdministrationHandler = dyn Fn(Request<Bytes>, Caller) -> Answering + Send + Sync;

/// The answer of an [`AdministrationHandler`], when it is ready.
pub type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// Answers what is administration; nothing when the path leads elsewhere.
///
/// # Errors
/// [`Reason::AccessDenied`] for whoever may not administer here, and what is wrong with the body.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    snapshot: &Snapshot,
    exchange: &Exchange,
    vp: &VirtualProxy,
    path: &str,
    request: &mut Sanitized,
    who: &Identified,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    match Belongs::of(path) {
        Belongs::Here => {}
        Belongs::ToARepository if !select::is_served(snapshot, vp, path) => {}
        Belongs::ToARepository | Belongs::Elsewhere => return Ok(None),
    }
    let session = &who.session;
    let caller = Caller {
        user: session.user(),
        role: role(shared, vp, session)?,
        session: session.public_id().to_owned(),
        source: exchange.client.address,
    };
    let request = without_prefix(shared, path, request).await?;
    // A worker has no time for what may take long.
    let answering = shared
        .background
        .spawn((shared.administration)(request, caller));
    let answer = answering.await.map_err(|_| {
        // The log has the panic.
        Refusal::with(Reason::NodeFailed, "the administration ended early")
    })?;
    Ok(Some(answer.map(ResponseBody::full)))
}

/// The user's mightiest role, where roles count.
fn role(shared: &Shared, vp: &VirtualProxy, session: &Session) -> Result<Role, Refusal> {
    let denied = |detail: String| Err(Refusal::with(Reason::AccessDenied, detail));
    if !vp.allow_administration {
        return denied(format!(
            "the virtual proxy \"{}\" does not allow administration (allowAdministration)",
            vp.description
        ));
    }
    let people = shared.people.load();
    match people
        .roles(session.user_directory(), session.user_id())
        .first()
    {
        Some(role) => Ok(role),
        None => denied("the user has no role".to_owned()),
    }
}

/// The request as administration sees it: below no prefix, whole, and without credentials.
async fn without_prefix(
    shared: &Shared,
    path: &str,
    request: &mut Sanitized,
) -> Result<Request<Bytes>, Refusal> {
    let query = request.query().map(|query| format!("?{query}"));
    let address = format!("{path}{}", query.unwrap_or_default());
    let uri: Uri = address
        .parse()
        .map_err(|_| Refusal::with(Reason::RequestMalformed, "the path cannot be read"))?;
    let body = whole_body::read(shared, request, MAX_BODY, BODY_TIMEOUT).await?;
    let mut sent = Request::new(body);
    *sent.method_mut() = request.method().clone();
    *sent.uri_mut() = uri;
    sent.headers_mut().clone_from(request.headers());
    for credentials in [AUTHORIZATION, COOKIE] {
        sent.headers_mut().remove(credentials);
    }
    Ok(sent)
}

/// Whose a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belongs {
    /// The console, the native interface, and the types of entities that only Jotgate can have.
    Here,
    /// The rest of QRS: a node's that has a repository of its own, else ours.
    ToARepository,
    /// Nothing of ours.
    Elsewhere,
}

impl Belongs {
    /// Read as generously as any backend might read it: in any case, without empty segments, decoded,
    /// without path parameters.
    fn of(path: &str) -> Self {
        const OWNED: [&str; 6] = [
            "certificatedistribution",
            "proxyservice",
            "selection",
            "servernodeconfiguration",
            "user",
            "virtualproxyconfig",
        ];
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
        let mut segments = decoded
            .split(['/', '\\'])
            .map(|segment| segment.split(';').next().unwrap_or_default())
            .filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (Some("qmc"), _) | (Some("jotgate"), Some("v1")) => Self::Here,
            (Some("qrs"), Some(entity)) if OWNED.contains(&entity) => Self::Here,
            (Some("qrs"), _) => Self::ToARepository,
            _ => Self::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_path_is() {
        for path in [
            "/qmc/",
            "/QMC",
            "/qrs/VirtualProxyConfig/full",
            "/qrs/proxyservice",
            "//qrs//proxyservice",
            "/qrs/%70roxyservice",
            "/qrs/proxyservice;x",
            "/Jotgate/V1/audit",
        ] {
            assert_eq!(Belongs::of(path), Belongs::Here, "{path}");
        }
        for path in ["/qrs/app/count", "/QRS//Tag", "/qrs;x/tag", "/qrs"] {
            assert_eq!(Belongs::of(path), Belongs::ToARepository, "{path}");
        }
        for path in ["/hub/", "/app/qmc", "/jotgate/session", "/qrsx/tag", "/"] {
            assert_eq!(Belongs::of(path), Belongs::Elsewhere, "{path}");
        }
    }
}
