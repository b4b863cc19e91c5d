//! Administration through a virtual proxy: for users with a role, where the virtual proxy allows it.
//!
//! Whoever sets a virtual proxy's key could make administrators. Roles count only where that was
//! allowed on purpose (`allowAdministration`); elsewhere nobody administers, whatever the roles.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HOST};
use http::{Request, Response, Uri};
use jotgate_model::{Origin, Reason, Refusal, Role, Snapshot, User, VirtualProxy};
use jotgate_policy::admit::{Asking, is_shared};
use jotgate_policy::route::split_first;
use jotgate_policy::select;
use jotgate_session::Session;

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::sanitized::Sanitized;
use crate::{Shared, respond, whole_body};

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
    /// What stands before the path in addresses: `/prefix`, or nothing.
    pub prefix: String,
    /// Where the request comes from.
    pub source: IpAddr,
}

/// Answers a request of an administrator; its path has no prefix. Runs on the background runtime.
pub type AdministrationHandler = dyn Fn(Request<Bytes>, Caller) -> Answering + Send + Sync;

/// The answer of an [`AdministrationHandler`], when it is ready.
pub type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// The header that a request to the native interface carries beside a session. No page of another site
/// can send it: a preflight never allows it (`jotgate_policy::admit`).
const OWN_REQUEST: &str = "x-jotgate-request";

/// Answers what is administration; nothing when the path leads elsewhere.
///
/// # Errors
/// [`Reason::AccessDenied`] for whoever may not administer here, [`Reason::CsrfTokenInvalid`] and
/// [`Reason::OriginNotAllowed`] for what a page of another site may have sent, and what is wrong with
/// the body.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    snapshot: &Snapshot,
    exchange: &mut Exchange,
    vp: &VirtualProxy,
    path: &str,
    request: &mut Sanitized,
    (who, asking): (&Identified, &Asking),
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let belongs = Belongs::of(path);
    match belongs {
        Belongs::Here | Belongs::ToTheNativeInterface => {}
        Belongs::ToARepository if !select::is_served(snapshot, vp, path) => {}
        Belongs::ToARepository | Belongs::Elsewhere => return Ok(None),
    }
    let session = &who.session;
    let role = role(shared, vp, session).inspect_err(|refusal| {
        let why = refusal.detail().unwrap_or_default();
        (shared.refused_administration)(&session.user(), exchange.client.address, why);
    })?;
    let caller = Caller {
        user: session.user(),
        role,
        session: session.public_id().to_owned(),
        prefix: respond::prefix_path(vp),
        source: exchange.client.address,
    };
    // Whoever may read answers across sites may act as the user, and not administer: neither with the pages of the console, which hold
    // the tokens of its forms, nor over QRS, whose key proves only that somebody may ask.
    check_own_page(shared, exchange, vp, asking, request)?;
    if belongs == Belongs::ToTheNativeInterface {
        check_own(request)?;
    }
    exchange.is_unlisted = is_watching(path);
    let request = without_prefix(shared, path, request).await?;
    let answer = in_background(shared, (shared.administration)(request, caller)).await?;
    let mut answer = answer.map(ResponseBody::full);
    if is_console(path) {
        respond::guard(&mut answer);
    }
    Ok(Some(answer))
}

/// Runs what may take long: a worker has no time for it.
pub(crate) async fn in_background<T: Send + 'static>(
    shared: &Shared,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    shared.background.spawn(work).await.map_err(|_| {
        // The log has the panic.
        Refusal::with(Reason::NodeFailed, "the administration ended early")
    })
}

/// Whether a path below no prefix is the console's, as its router reads paths.
#[must_use]
pub fn is_console(path: &str) -> bool {
    let (area, _) = split_first(path);
    area.eq_ignore_ascii_case("qmc")
}

/// Whether a page of the console asks this again and again, by itself, to show what changes. It does not
/// make its session last longer, and stays out of the live feed.
pub(crate) fn is_watching(path: &str) -> bool {
    path.starts_with("/qmc/live/")
}

/// A page that asks must be one of ours: of a name of the gateway, and where pages of another port of that name may read answers, of
/// this one.
fn check_own_page(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    asking: &Asking,
    request: &Sanitized,
) -> Result<(), Refusal> {
    let Asking::Page(origin, value) = asking else {
        return Ok(());
    };
    let is_here = || {
        let scheme = if exchange.client.over_tls {
            "https"
        } else {
            "http"
        };
        let here = format!("{scheme}://{}", request.host());
        Origin::parse(&here).is_ok_and(|here| here == *origin)
    };
    let is_own = shared.own_names.load().contains(origin);
    if !is_own || (is_shared(vp, origin, value) && !is_here()) {
        let detail = format!("the page of {origin} is none of the gateway's own");
        return Err(Refusal::with(Reason::OriginNotAllowed, detail));
    }
    Ok(())
}

/// A cookie comes along by itself: the request must be one that only our own pages, or a program, can
/// have made.
fn check_own(request: &Sanitized) -> Result<(), Refusal> {
    if request.headers().contains_key(OWN_REQUEST) {
        return Ok(());
    }
    Err(Refusal::with(
        Reason::CsrfTokenInvalid,
        "the header X-Jotgate-Request is missing, which proves that no page of another site asks",
    ))
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
pub(crate) async fn without_prefix(
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
    // Pages show the address that they were asked at. HTTP/2 has no such header (RFC 9113, 8.3.1).
    let host = request.asked_host().value().clone();
    sent.headers_mut().insert(HOST, host);
    Ok(sent)
}

/// Whose a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// The console, and the types of entities that only Jotgate can have.
    Here,
    /// The native interface.
    ToTheNativeInterface,
    /// The rest of QRS: a node's that has a repository of its own, else ours.
    ToARepository,
    /// Nothing of ours.
    Elsewhere,
}

impl Belongs {
    /// Read as generously as any backend might read it: in any case, without empty segments, decoded,
    /// without path parameters.
    pub(crate) fn of(path: &str) -> Self {
        const OWNED: [&str; 6] = [
            "certificatedistribution",
            "proxyservice",
            "selection",
            "servernodeconfiguration",
            "user",
            "virtualproxyconfig",
        ];
        // Most paths are told by the first letter of their first name.
        let first = path.bytes().find(|b| !matches!(b, b'/' | b'\\'));
        if !matches!(first, Some(b'q' | b'Q' | b'j' | b'J' | b'%' | b';')) {
            return Self::Elsewhere;
        }
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
        let mut segments = decoded
            .split(['/', '\\'])
            .map(|segment| segment.split(';').next().unwrap_or_default())
            .filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (Some("qmc"), _) => Self::Here,
            (Some("jotgate"), Some("v1")) => Self::ToTheNativeInterface,
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
        ] {
            assert_eq!(Belongs::of(path), Belongs::Here, "{path}");
        }
        for path in [
            "/jotgate/v1/sessions",
            "//Jotgate/V1/audit",
            "/jotgate/%761",
        ] {
            let native = Belongs::ToTheNativeInterface;
            assert_eq!(Belongs::of(path), native, "{path}");
        }
        for path in ["/qrs/app/count", "/QRS//Tag", "/qrs;x/tag", "/qrs"] {
            assert_eq!(Belongs::of(path), Belongs::ToARepository, "{path}");
        }
        for path in ["/hub/", "/app/qmc", "/jotgate/session", "/qrsx/tag", "/"] {
            assert_eq!(Belongs::of(path), Belongs::Elsewhere, "{path}");
        }
    }
}
