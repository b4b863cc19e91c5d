//! What the request path hands over: who signed in, and what administrators ask for.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, StatusCode, Uri};
use jotgate_api::{CallerSession, CertificateExports};
use jotgate_console::Visitor;
use jotgate_gateway::{
    AdministrationHandler, AnswersFor, ApiKeyHandler, BackendCondition, BackendHealth, Caller,
    LocalSignIn, LocalUser, ManagementSide, NotLetIn, ProbeRequest, Proved, RefusedCertificate,
    RefusedUser, Shared, try_backend,
};
use jotgate_manage::{
    Actor, ActorKind, BackendStatus, KeyRefused, LiveSide, LocalError, Management, Probe,
    ProbeAnswer,
};
use jotgate_model::{Identity, Reason, Refusal, Timestamp};
use jotgate_observe::{Feed, History};
use jotgate_policy::csrf::CsrfKey;
use tokio::sync::Mutex;

use crate::backup::pack_served;

/// Everything that requests ask of the use cases.
pub(super) fn management_side(management: &Management, cluster_key: &[u8]) -> ManagementSide {
    ManagementSide {
        people: management.people(),
        signed_in: note_sign_ins(management),
        local: Box::new(LocalAdministrators(management.clone())),
        refused: note_refused_users(management),
        administration: administration(management, cluster_key),
        api_keys: api_keys(management),
    }
}

/// Notes who tried to administer and may not.
fn note_refused_users(management: &Management) -> Box<RefusedUser> {
    let management = management.clone();
    Box::new(move |user, address, why| {
        management.note_refused_user(user, address, why, jotgate_gateway::timestamp());
    })
}

/// Notes who showed no administrator's certificate at a port of administrators.
pub(super) fn note_refused_certificates(management: &Management) -> Arc<RefusedCertificate> {
    let management = management.clone();
    Arc::new(move |address, why| {
        management.note_refused_certificate(address, why, jotgate_gateway::timestamp());
    })
}

/// Notes whoever signs in among the users.
fn note_sign_ins(management: &Management) -> Box<dyn Fn(&Identity) -> bool + Send + Sync> {
    let notes = management.note_sign_ins();
    Box::new(move |identity| notes.note(identity, jotgate_gateway::timestamp()))
}

/// Passwords and set-up links, judged by the use cases.
struct LocalAdministrators(Management);

impl LocalSignIn for LocalAdministrators {
    fn sign_in(&self, id: String, password: String, address: IpAddr) -> LocalUser {
        let management = self.0.clone();
        Box::pin(async move {
            let now = jotgate_gateway::timestamp();
            let judged = management.check_password(&id, &password, address, now);
            let signed_in = judged.await.map_err(not_let_in)?;
            let user = signed_in.user.clone();
            let still = Box::pin(async move {
                let still = management.check_still(&signed_in);
                still.await.map_err(not_let_in)
            });
            Ok(Proved { user, still })
        })
    }

    fn set_up(&self, secret: String, id: String, password: String, address: IpAddr) -> LocalUser {
        let management = self.0.clone();
        Box::pin(async move {
            let now = jotgate_gateway::timestamp();
            let made = management.use_set_up_secret(&secret, &id, &password, address, now);
            let user = made.await.map_err(not_let_in)?;
            let still = Box::pin(std::future::ready(Ok(())));
            Ok(Proved { user, still })
        })
    }
}

fn not_let_in(error: LocalError) -> NotLetIn {
    NotLetIn {
        status: match error {
            LocalError::Wrong => StatusCode::UNAUTHORIZED,
            LocalError::LinkInvalid | LocalError::NotLocal => StatusCode::FORBIDDEN,
            LocalError::Unusable(_) => StatusCode::BAD_REQUEST,
            LocalError::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            LocalError::Busy | LocalError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        },
        sentence: error.to_string(),
    }
}

/// The console, QRS and the native endpoints for users with a role, through virtual proxies.
fn administration(management: &Management, cluster_key: &[u8]) -> Box<AdministrationHandler> {
    let router = native_router(management).fallback_service(qrs_router(management, None));
    let answer = jotgate_api::whole_requests(router);
    let console = jotgate_console::router(
        management.clone(),
        jotgate_gateway::timestamp,
        CsrfKey::of_console(cluster_key),
    );
    let show = jotgate_api::whole_requests(console);
    Box::new(move |mut request, caller: Caller| {
        let actor = Actor {
            name: caller.user.to_string(),
            kind: ActorKind::of_directory(&caller.user.directory),
            source: caller.source.to_string(),
            privilege: caller.role.into(),
        };
        if jotgate_gateway::is_console(request.uri().path()) {
            let visitor = Visitor {
                actor,
                session: caller.session,
                prefix: caller.prefix,
            };
            return show(request, visitor);
        }
        let session = CallerSession(caller.session);
        request.extensions_mut().insert(session);
        answer(request, actor)
    })
}

/// Recent requests, the last hour and the health of backends, for administrators.
pub(super) fn live_side(shared: &Arc<Shared>, feed: Feed, history: History) -> LiveSide {
    let probing = Arc::downgrade(shared);
    let shared = Arc::downgrade(shared);
    LiveSide {
        probe: Box::new(move |probe| Box::pin(ask(probing.upgrade(), probe))),
        try_backend: Box::new(|node, service| Box::pin(try_backend(node, service))),
        feed,
        history,
        backends: Box::new(move || {
            let health = shared.upgrade().map(|shared| shared.backends_health());
            health.unwrap_or_default().into_iter().map(status).collect()
        }),
    }
}

/// Sends a probe through the request path.
async fn ask(shared: Option<Arc<Shared>>, probe: Probe) -> Result<ProbeAnswer, String> {
    let shared = shared.ok_or("the gateway is ending")?;
    let path = probe.path.parse::<Uri>();
    let path = path.map_err(|error| format!("the path cannot be used ({error})"))?;
    let authorization = probe.token.map(|token| {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token cannot be used")?;
        value.set_sensitive(true);
        Ok::<_, &str>(value)
    });
    let request = ProbeRequest {
        path,
        authorization: authorization.transpose()?,
        limit: probe.limit,
        keep: probe.keep,
    };
    let answer = jotgate_gateway::probe(&shared, request).await?;
    let header = |name: HeaderName| {
        let value = answer.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Ok(ProbeAnswer {
        status: answer.status.as_u16(),
        reason: answer.reason().map(str::to_owned),
        reference: answer.reference.clone(),
        content_type: header(CONTENT_TYPE),
        location: header(LOCATION),
        start: String::from_utf8_lossy(&answer.start).into_owned(),
        is_cut: answer.is_cut,
    })
}

fn status(health: BackendHealth) -> BackendStatus {
    BackendStatus {
        node: health.node,
        node_name: health.node_name,
        service: health.service,
        state: match health.state {
            BackendCondition::Up => "up",
            BackendCondition::Returning => "returning",
            BackendCondition::Down => "down",
        },
        since: health.since,
        last_error: health.last_error,
    }
}

/// Backups of this gateway, one at a time: each takes the space of the whole database for a while.
pub(super) fn backups(management: &Management, directory: &Path) -> Router {
    let (management, directory) = (management.clone(), directory.to_owned());
    let one_at_a_time = Arc::new(Mutex::new(()));
    jotgate_api::backup_router(move |actor| {
        let (management, directory) = (management.clone(), directory.clone());
        let one_at_a_time = one_at_a_time.clone();
        Box::pin(async move {
            let _turn = one_at_a_time.lock().await;
            pack_served(
                &management,
                &directory,
                &actor,
                jotgate_gateway::timestamp(),
            )
            .await
        })
    })
}

/// The native endpoints for programs with an API key, through virtual proxies.
fn api_keys(management: &Management) -> Box<ApiKeyHandler> {
    let answer = Arc::new(jotgate_api::whole_requests(native_router(management)));
    let management = management.clone();
    Box::new(move |text, address| {
        let (answer, management) = (answer.clone(), management.clone());
        Box::pin(async move {
            let now = jotgate_gateway::timestamp();
            let judged = management.api_key_caller(&text, address, now).await;
            let caller = judged.map_err(|refused| key_refusal(&refused))?;
            let answers: Box<AnswersFor> = Box::new(move |request| answer(request, caller));
            Ok(answers)
        })
    })
}

fn key_refusal(refused: &KeyRefused) -> Refusal {
    let reason = match refused {
        KeyRefused::Unknown | KeyRefused::Expired { .. } => Reason::ApiKeyInvalid,
        KeyRefused::Wait(_) => Reason::RateLimited,
    };
    Refusal::with(reason, refused.to_string())
}

/// The native endpoints, for callers who are known already.
pub(super) fn native_router(management: &Management) -> Router {
    jotgate_api::native_router(management.clone(), jotgate_gateway::timestamp)
}

/// QRS, for callers who are known already.
pub(super) fn qrs_router(
    management: &Management,
    certificates: Option<Arc<dyn CertificateExports>>,
) -> Router {
    jotgate_api::qrs_router(
        management.clone(),
        jotgate_gateway::timestamp,
        jotgate_api::Build {
            version: jotgate_api::Build::INTERFACE_VERSION,
            date: built_at(),
        },
        certificates,
    )
}

/// When this program was built, as the build script has found out.
fn built_at() -> Timestamp {
    let seconds: i64 = env!("JOTGATE_BUILT_AT").parse().unwrap_or_default();
    Timestamp::from_millis(seconds.saturating_mul(1000))
}
