//! Signing in with a password, and making the first administrator: two small forms of the default
//! virtual proxy, which need no script.
//!
//! | path | what |
//! |---|---|
//! | `/internal_forms_authentication/` | name and password (Qlik's address for the same form) |
//! | `/qmc/setup?token=...` | the set-up link |
//!
//! Passwords are taken over TLS only. A form that is posted carries a state that only the browser can
//! have which was shown the form, so that no other page can sign anybody in (login CSRF).

mod page;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use jotgate_model::{Identity, Reason, Refusal, User, VirtualProxy};
use jotgate_policy::route::split_first;
use jotgate_policy::sign_in::{is_navigation, return_path, with_return_to};
use jotgate_session::EndReason;

use self::page::{Fields, Form};
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::prefixed_administration::is_console;
use crate::sanitized::{Sanitized, header_text};
use crate::sign_ins::SignIn;
use crate::{Shared, open, respond, sign_in, whole_body};

/// The largest form that is read, and how long it may take in all.
const MAX_FORM: u64 = 16 * 1024;
const FORM_TIMEOUT: Duration = Duration::from_secs(30);
/// Where the form of an administrator with a password is.
const FORM: &str = "/internal_forms_authentication/";
/// Where an administrator goes from here.
const CONSOLE: &str = "/qmc/";

/// Somebody whom a password or a link has proved, or why there is none.
pub type LocalUser = Pin<Box<dyn Future<Output = Result<Proved, NotLetIn>> + Send>>;

/// Somebody whom a password or a link has proved.
pub struct Proved {
    /// Who it is.
    pub user: User,
    /// Whether that still holds. Asked when the session is there: whoever replaced the password in between, at another node
    /// say, has not seen the session.
    pub still: Pin<Box<dyn Future<Output = Result<(), NotLetIn>> + Send>>,
}

/// What judges passwords and links; runs on the background runtime.
pub trait LocalSignIn: Send + Sync {
    /// The user of that name and password.
    fn sign_in(&self, id: String, password: String, address: IpAddr) -> LocalUser;

    /// The administrator whom a set-up link makes.
    fn set_up(&self, secret: String, id: String, password: String, address: IpAddr) -> LocalUser;
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLetIn {
    /// What is answered: 400, 401, 403, 429 or 503.
    pub status: StatusCode,
    /// One sentence for whoever tried. It tells nothing about accounts.
    pub sentence: String,
}

/// The form that is asked for.
fn form_at(path: &str) -> Option<Form> {
    let (area, rest) = split_first(path);
    let rest = rest.trim_end_matches('/');
    if area.eq_ignore_ascii_case("internal_forms_authentication") && rest.is_empty() {
        return Some(Form::SignIn);
    }
    (area.eq_ignore_ascii_case("qmc") && rest.eq_ignore_ascii_case("/setup")).then_some(Form::SetUp)
}

/// What is said to whoever posts a form of the console when the session is over.
const ENDED: &str = "Your session has ended, and nothing was saved. Sign in to go on: what you typed on the \
                     edit page of a virtual proxy is kept in this tab, and offered there again.";

/// Sends a browser that wants the console to the form, and back from there, when it has no session; one that posts a form of the
/// console is shown it in the place of the answer.
///
/// # Errors
/// The form cannot be shown at this moment.
pub(crate) fn way_in(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let (area, _) = split_first(request.path());
    let console = vp.is_default && area.eq_ignore_ascii_case("qmc");
    // Whether what comes back is shown as a page is known by the same headers for both methods.
    if !console || !is_navigation(&Method::GET, request.headers()) {
        return Ok(None);
    }
    match *request.method() {
        Method::GET => {
            let query = request.query().map(|query| format!("?{query}"));
            let page = format!("{}{}", request.path(), query.unwrap_or_default());
            let to = match console_page(&page) {
                Some(page) if page != CONSOLE => with_return_to(FORM, page),
                _ => FORM.to_owned(),
            };
            Ok(respond::redirect(&to, StatusCode::FOUND))
        }
        Method::POST if exchange.client.over_tls => {
            let fields = Fields {
                return_to: page_of_form(header_text(request.headers(), "referer")).to_owned(),
                problem: ENDED.to_owned(),
                ..Fields::default()
            };
            show(shared, vp, Form::SignIn, StatusCode::UNAUTHORIZED, fields).map(Some)
        }
        _ => Ok(None),
    }
}

/// The page of the console that a form was on, by the `Referer` of its request; empty when it tells none.
/// Whatever host that names, only the path counts, which is one of this gateway then.
fn page_of_form(referer: &str) -> &str {
    let path = referer
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)))
        .unwrap_or_default();
    console_page(path).unwrap_or_default()
}

/// The page of the console that an address leads to. Whoever signs in here is sent to no other address: a link to this form is nobody's way
/// to have an administrator ask for something.
fn console_page(address: &str) -> Option<&str> {
    return_path(address, "", |_| false).filter(|path| is_console(path))
}

/// Answers the forms; nothing when the path leads elsewhere. Before the check of the origin: a state
/// proves more.
///
/// # Errors
/// What is wrong with the request; a wrong password is no error, but shows the form again.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &mut Sanitized,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let Some(form) = form_at(path).filter(|_| vp.is_default) else {
        return Ok(None);
    };
    if !exchange.client.over_tls {
        let detail = "passwords are taken over HTTPS only";
        return Err(Refusal::with(Reason::AccessDenied, detail));
    }
    let answer = match *request.method() {
        Method::GET | Method::HEAD => {
            let query = request.query().unwrap_or_default().as_bytes();
            let fields = Fields {
                secret: whole_body::form_field(query, "token"),
                return_to: whole_body::form_field(query, "returnTo"),
                ..Fields::default()
            };
            show(shared, vp, form, StatusCode::OK, fields)?
        }
        Method::POST => submit(shared, exchange, vp, form, request).await?,
        _ => {
            let mut answer = Response::new(ResponseBody::empty());
            *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allow = HeaderValue::from_static("GET, HEAD, POST");
            answer.headers_mut().insert(http::header::ALLOW, allow);
            answer
        }
    };
    Ok(Some(answer))
}

/// The form, with a new state.
fn show(
    shared: &Shared,
    vp: &VirtualProxy,
    form: Form,
    status: StatusCode,
    fields: Fields,
) -> Result<Response<ResponseBody>, Refusal> {
    let (state, cookie) = sign_in::begin(shared, vp, true)
        .ok_or_else(|| Refusal::new(Reason::SessionStoreUnavailable))?;
    let mut answer = page::response(form, &Fields { state, ..fields });
    *answer.status_mut() = status;
    answer.headers_mut().append(SET_COOKIE, cookie);
    respond::guard(&mut answer);
    Ok(answer)
}

async fn submit(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &Arc<VirtualProxy>,
    form: Form,
    request: &mut Sanitized,
) -> Result<Response<ResponseBody>, Refusal> {
    let body = whole_body::read(shared, request, MAX_FORM, FORM_TIMEOUT).await?;
    let field = |name| whole_body::form_field(&body, name);
    let (state, expired) = sign_in::check_state(shared, vp, true, request, &field("state"))?;
    let id = format!("form {}", state.id);
    sign_in::use_once(shared, vp, id, state.expires).await?;
    let refuse = |problem: NotLetIn| {
        let fields = Fields {
            secret: field("token"),
            return_to: field("returnTo"),
            id: field("userId"),
            problem: problem.sentence,
            ..Fields::default()
        };
        show(shared, vp, form, problem.status, fields)
    };
    let Proved { user, still } = match judge(shared, exchange.client.address, form, &body).await {
        Ok(proved) => proved,
        Err(problem) => return refuse(problem),
    };
    let who = open_session(shared, exchange, vp, user, request.user_agent()).await?;
    if let Err(problem) = in_background(shared, still).await {
        let key = who.session.key();
        let ended = shared.sessions.end(&key, EndReason::ClosedByServer);
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the end of a session is not on disk yet");
        }
        return refuse(problem);
    }
    exchange.session = Some(who.session.clone());
    let wanted = field("returnTo");
    let to = console_page(&wanted).unwrap_or(CONSOLE);
    let mut answer = respond::redirect(to, StatusCode::SEE_OTHER)
        .ok_or_else(|| Refusal::with(Reason::RequestMalformed, "returnTo is no address"))?;
    respond::set_cookie(&mut answer, vp, &who);
    if let Some(expired) = expired {
        answer.headers_mut().append(SET_COOKIE, expired);
    }
    Ok(answer)
}

/// Who has filled in the form. On the background runtime: a password takes its time.
async fn judge(
    shared: &Arc<Shared>,
    address: IpAddr,
    form: Form,
    body: &Bytes,
) -> Result<Proved, NotLetIn> {
    let field = |name| whole_body::form_field(body, name);
    let (id, password) = (field("userId"), field("password"));
    if form == Form::SetUp && password != field("again") {
        return Err(NotLetIn {
            status: StatusCode::BAD_REQUEST,
            sentence: "The two passwords differ.".to_owned(),
        });
    }
    let judged = match form {
        Form::SignIn => shared.local.sign_in(id, password, address),
        Form::SetUp => shared.local.set_up(field("token"), id, password, address),
    };
    in_background(shared, judged).await
}

async fn in_background<T: Send + 'static>(
    shared: &Shared,
    work: Pin<Box<dyn Future<Output = Result<T, NotLetIn>> + Send>>,
) -> Result<T, NotLetIn> {
    shared.background.spawn(work).await.unwrap_or_else(|_| {
        Err(NotLetIn {
            status: StatusCode::SERVICE_UNAVAILABLE,
            sentence: "Signing in is not possible at the moment.".to_owned(),
        })
    })
}

/// A session of its own for each sign-in, whatever cookie the browser had.
async fn open_session(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    user: User,
    user_agent: &str,
) -> Result<Identified, Refusal> {
    let identity = Identity {
        user,
        attributes: Vec::new(),
    };
    let address = &exchange.client_text;
    let new = open::new_session(vp, identity, address, user_agent, crate::now());
    let SignIn { secret, session } = open::in_background(shared, vp, new).await?;
    Ok(Identified {
        session,
        new_secret: Some(secret),
        over_tls: exchange.client.over_tls,
        shared: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_the_console_is_come_back_to() {
        let page = "/qmc/virtual-proxies/new?from=1";
        let referer = format!("https://gate.example.com:8443{page}");
        assert_eq!(page_of_form(&referer), page);
        for other in [
            "",
            "/qmc/users",
            "https://gate.example.com",
            "https://gate.example.com/hub/",
            "https://gate.example.com//evil.example.com/qmc/",
            "https://gate.example.com/qmc/../hub",
            "https://gate.example.com/qmc/\\evil",
            "https://gate.example.com/qmcx/",
            "https://gate.example.com/qmc/a\tb",
            "https://gate.example.com/qmc/%2e%2e/hub/",
            "https://gate.example.com/portal/qmc/",
            "about:client",
        ] {
            assert_eq!(page_of_form(other), "", "{other}");
        }
    }
}
