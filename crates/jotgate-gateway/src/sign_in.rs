//! Signing in again: the way out to the sign-in page, and the way back with a token.
//!
//! The three ways back are a form that the sign-in page posts here, a `fetch` with the Authorization
//! header (which is an ordinary request), and, inside of a frame, a message to the embedding page.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use jotgate_model::{Authentication, Reason, Refusal, VirtualProxy, sign_in_cookie_name};
use jotgate_policy::cookies::{self, Found};
use jotgate_policy::route;
use jotgate_policy::sign_in::{State, cookie_number, is_navigation, return_path, sign_in_address};

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::refuse::{self, Accepts};
use crate::sanitized::{Sanitized, header_text};
use crate::sign_ins::SignInKey;
use crate::{Shared, identify, local_sign_in, respond, whole_body};

/// The largest form that is read.
const MAX_FORM: u64 = 64 * 1024;
/// How long the form may take in all: its sender has not signed in yet.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// What stands before the check of the origin: the form of a sign-in page, which brings its own proof,
/// and the script of the refusal page, which is public.
pub(crate) async fn without_origin_check(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &Arc<VirtualProxy>,
    path: &str,
    request: &mut Sanitized,
) -> Result<Option<Response<ResponseBody>>, Refusal> {
    let (area, rest) = route::split_first(path);
    if !area.eq_ignore_ascii_case("jotgate") {
        return Ok(None);
    }
    match (request.method(), rest) {
        (&Method::POST, "/sign-in") => Box::pin(complete(shared, exchange, vp, request))
            .await
            .map(Some),
        (&Method::GET, "/sign-in-required.js") => Ok(Some(script())),
        _ => Ok(None),
    }
}

/// A browser that shows a page of its own is sent to the sign-in page; a frame gets a page that tells
/// its embedder; everybody else is refused.
pub(crate) fn or_refuse(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    refusal: Refusal,
) -> Result<Response<ResponseBody>, Refusal> {
    let may_sign_in = matches!(
        refusal.reason,
        Reason::CredentialsMissing | Reason::SessionUnknown | Reason::SessionExpired
    );
    if !may_sign_in {
        return Err(refusal);
    }
    if let Some(form) = local_sign_in::way_in(shared, exchange, vp, request)? {
        return Ok(form);
    }
    if let Some(page) = &vp.sign_in_page
        && is_navigation(request.method(), request.headers())
        && let Some(response) = leave(shared, exchange, vp, request, page)
    {
        return Ok(response);
    }
    let in_frame = header_text(request.headers(), "sec-fetch-dest") == "iframe";
    if in_frame && Accepts::of(request.headers()) == Accepts::Html {
        return Ok(frame_page(exchange, vp, request, refusal.reason));
    }
    Err(refusal)
}

/// To the sign-in page, with a state that only this browser can bring back.
fn leave(
    shared: &Shared,
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    page: &str,
) -> Option<Response<ResponseBody>> {
    let scheme = if exchange.client.over_tls {
        "https"
    } else {
        "http"
    };
    let query = request
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let return_to = format!("{scheme}://{}{}{query}", request.host(), request.path());
    let (state, cookie) = begin(shared, vp, exchange.client.over_tls)?;
    let mut response = respond::redirect(
        &sign_in_address(page, &return_to, &state),
        StatusCode::FOUND,
    )?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Some(response)
}

/// A state, and the pre-session cookie of the browser that alone can bring it back.
pub(crate) fn begin(
    shared: &Shared,
    vp: &VirtualProxy,
    over_tls: bool,
) -> Option<(String, HeaderValue)> {
    let secret = jotgate_session::SessionSecret::generate();
    let mut nonce = [0; 16];
    aws_lc_rs::rand::fill(&mut nonce).ok()?;
    let state = shared
        .states
        .issue(vp.id, secret.expose().as_bytes(), nonce, crate::now());
    let number = cookie_number(&state);
    let cookie = state_cookie(vp, number, over_tls, secret.expose(), 600);
    Some((state, HeaderValue::try_from(cookie).ok()?))
}

/// Checks that this browser began the sign-in that `state` is of. Gives the state, and the cookie that
/// removes the pre-session cookie.
pub(crate) fn check_state(
    shared: &Shared,
    vp: &VirtualProxy,
    over_tls: bool,
    request: &Sanitized,
    state: &str,
) -> Result<(State, Option<HeaderValue>), Refusal> {
    let number = cookie_number(state);
    let name = state_cookie_name(vp, number, over_tls);
    let Found::One(cookie) = cookies::find(request.headers(), &name) else {
        return Err(Refusal::with(
            Reason::CsrfTokenInvalid,
            "the browser has no pre-session cookie; the sign-in did not begin in it",
        ));
    };
    let state = shared.states.check(vp.id, cookie, state, crate::now())?;
    let expired = HeaderValue::try_from(state_cookie(vp, number, over_tls, "", 0));
    Ok((state, expired.ok()))
}

/// The pre-session cookie. It has to come along with a form that another site posts, so over TLS it is
/// `SameSite=None`.
fn state_cookie(
    vp: &VirtualProxy,
    number: u8,
    over_tls: bool,
    value: &str,
    max_age: u32,
) -> String {
    let name = state_cookie_name(vp, number, over_tls);
    let cross_site = if over_tls {
        "; Secure; SameSite=None"
    } else {
        ""
    };
    format!("{name}={value}; Path=/; HttpOnly; Max-Age={max_age}{cross_site}")
}

fn state_cookie_name(vp: &VirtualProxy, number: u8, over_tls: bool) -> String {
    sign_in_cookie_name(vp.cookie.form(over_tls).name.as_str(), number)
}

/// The form of the sign-in page: `token`, `state`, `returnTo`.
async fn complete(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    vp: &Arc<VirtualProxy>,
    request: &mut Sanitized,
) -> Result<Response<ResponseBody>, Refusal> {
    if !matches!(vp.authentication, Authentication::Jwt(_)) {
        return Err(Refusal::with(
            Reason::AccessDenied,
            "the virtual proxy does not sign users in with tokens",
        ));
    }
    let form = read_form(shared, request).await?;
    let refuse = |detail: &'static str| Refusal::with(Reason::CsrfTokenInvalid, detail);
    let over_tls = exchange.client.over_tls;
    let now = crate::now();
    let (state, expired) = check_state(shared, vp, over_tls, request, &form.state)?;
    let own = shared.own_names.load();
    let to = return_path(&form.return_to, vp.prefix.as_str(), |origin| {
        let same_host = origin
            .rsplit("://")
            .next()
            .is_some_and(|host| host.eq_ignore_ascii_case(request.host().as_str()));
        same_host || jotgate_model::Origin::parse(origin).is_ok_and(|origin| own.contains(&origin))
    })
    .ok_or_else(|| refuse("returnTo leads out of the virtual proxy"))?
    .to_owned();
    let (verified, token) =
        identify::verify(shared, exchange, vp, form.token.as_bytes(), now).await?;
    use_once(shared, vp, format!("state {}", state.id), state.expires).await?;
    let key = SignInKey {
        virtual_proxy: vp.id,
        revision: vp.revision,
        token,
        client: exchange.client.address,
    };
    let who = identify::sign_in(
        shared,
        exchange,
        vp,
        request.user_agent(),
        key,
        &identify::Proof::Token(verified),
        now,
    )
    .await?;
    exchange.session = Some(who.session.clone());
    let mut response = respond::redirect(&to, StatusCode::SEE_OTHER)
        .ok_or_else(|| refuse("returnTo cannot be an address"))?;
    respond::set_cookie(&mut response, vp, &who);
    if let Some(expired) = expired {
        response.headers_mut().append(SET_COOKIE, expired);
    }
    Ok(response)
}

/// A state counts once, on every node and over restarts.
pub(crate) async fn use_once(
    shared: &Arc<Shared>,
    vp: &VirtualProxy,
    id: String,
    until: jotgate_model::UnixTime,
) -> Result<(), Refusal> {
    let (sessions, vp_id) = (shared.sessions.clone(), vp.id);
    let used = shared
        .background
        .spawn(async move { sessions.use_token_id(vp_id, &id, until, crate::now()).await });
    match used.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Refusal::with(
            Reason::CsrfTokenInvalid,
            "the state of the sign-in has been used before",
        )),
        Ok(Err(error)) => Err(identify::session_refusal(&error, vp)),
        Err(_) => Err(Reason::SessionStoreUnavailable.into()),
    }
}

struct Form {
    token: String,
    state: String,
    return_to: String,
}

async fn read_form(shared: &Shared, request: &mut Sanitized) -> Result<Form, Refusal> {
    let bytes = whole_body::read(shared, request, MAX_FORM, FORM_TIMEOUT).await?;
    let field = |name| whole_body::form_field(&bytes, name);
    Ok(Form {
        token: field("token"),
        state: field("state"),
        return_to: field("returnTo"),
    })
}

/// The refusal as a page that tells the embedding page, if its origin is on the allow list. Who
/// embeds is known by the referrer; the message goes to exactly that origin, or to nobody.
fn frame_page(
    exchange: &Exchange,
    vp: &VirtualProxy,
    request: &Sanitized,
    reason: Reason,
) -> Response<ResponseBody> {
    let referrer = header_text(request.headers(), "referer");
    let origin_end = referrer.find("://").map(|at| {
        referrer[at + 3..]
            .find('/')
            .map_or(referrer.len(), |end| at + 3 + end)
    });
    let embedder = origin_end.and_then(|end| jotgate_model::Origin::parse(&referrer[..end]).ok());
    let listed = |origin: &jotgate_model::Origin| {
        vp.allow_list.iter().any(|entry| entry.matches(origin)) || vp.cors_origins.contains(origin)
    };
    let mut targets: Vec<String> = embedder
        .into_iter()
        .filter(listed)
        .map(|origin| origin.to_string())
        .collect();
    // After a navigation inside of the frame the referrer is the frame itself: the configured origins are left.
    targets.extend(vp.cors_origins.iter().map(ToString::to_string));
    targets.dedup();
    let head = format!(
        "<script src=\"{prefix}/jotgate/sign-in-required.js\" defer data-reason=\"{reason}\" data-virtual-proxy=\"{name}\" data-origins=\"{origins}\"></script>\n",
        prefix = respond::prefix_path(vp),
        name = vp.prefix,
        origins = targets.join(" "),
    );
    refuse::page_with(reason, &exchange.reference, &head)
}

fn script() -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(include_str!(
        "sign_in/sign-in-required.js"
    )));
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("text/javascript;charset=utf-8"),
    );
    headers.insert(
        http::header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    headers.insert(
        http::header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
