//! What happens at this moment: the sources of keys, the backends, the recent requests.

use axum::extract::State;
use jotgate_manage::{
    BackendStatus, FeedFilter, FeedOutcome, KeyOrigin, RecentRequest, SourceState,
};
use jotgate_model::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Caller, Parameters};
use super::output::{Answer, date};
use super::trouble::Trouble;

/// How many requests are listed when nobody says.
const USUAL: usize = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/key-sources",
            "Where keys come from, and how that went",
            sources,
        )
        .answer::<SourcesAnswer>(),
        Endpoint::get("/backends", "How the services of the nodes are", backends)
            .answer::<BackendsAnswer>(),
        Endpoint::get(
            "/requests",
            "The most recent requests, oldest first",
            requests,
        )
        .query::<RequestsRequest>()
        .answer::<RequestsAnswer>(),
    ]
}

/// The sources.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourcesAnswer {
    key_sources: Vec<SourceAnswer>,
}

/// Where keys come from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceAnswer {
    /// pem, jwks or discovery.
    kind: &'static str,
    /// The address of the key set, or the issuer.
    address: Option<String>,
    /// The ids of the virtual proxies that use it.
    virtual_proxies: Vec<String>,
    last_fetch: Option<String>,
    last_success: Option<String>,
    /// What went wrong the last time; null when that went well.
    last_error: Option<String>,
    next_fetch: Option<String>,
    keys: Vec<SourceKeyAnswer>,
    /// Why other keys of it are not used.
    skipped: Vec<String>,
}

/// A key in use.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SourceKeyAnswer {
    kid: Option<String>,
    fingerprint: String,
    certificate_expires: Option<String>,
}

impl From<SourceState> for SourceAnswer {
    fn from(source: SourceState) -> Self {
        let (kind, address) = match source.origin {
            KeyOrigin::Pem => ("pem", None),
            KeyOrigin::Jwks(address) => ("jwks", Some(address.to_string())),
            KeyOrigin::Discovery(issuer) => ("discovery", Some(issuer.to_string())),
        };
        let ids = source.virtual_proxies.iter();
        let keys = source.keys.into_iter().map(|key| SourceKeyAnswer {
            kid: key.kid.map(String::from),
            fingerprint: key.fingerprint.into(),
            certificate_expires: key.certificate_expires.map(date),
        });
        Self {
            kind,
            address,
            virtual_proxies: ids.map(ToString::to_string).collect(),
            last_fetch: source.last_fetch.map(date),
            last_success: source.last_success.map(date),
            last_error: source.last_error.map(String::from),
            next_fetch: source.next_fetch.map(date),
            keys: keys.collect(),
            skipped: source.skipped,
        }
    }
}

async fn sources(State(native): State<Native>, Caller(_): Caller) -> Answer<SourcesAnswer> {
    let found = native.management.key_sources();
    Answer(SourcesAnswer {
        key_sources: found.into_iter().map(SourceAnswer::from).collect(),
    })
}

/// The services of the nodes.
#[derive(Serialize, JsonSchema)]
struct BackendsAnswer {
    backends: Vec<BackendAnswer>,
}

/// How a service of a node is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BackendAnswer {
    /// The id of the node.
    node: String,
    node_name: String,
    /// The path of the service.
    service: String,
    /// up, returning (with a growing share) or down.
    state: &'static str,
    since: String,
    last_error: Option<String>,
}

impl From<BackendStatus> for BackendAnswer {
    fn from(status: BackendStatus) -> Self {
        Self {
            node: status.node.to_string(),
            node_name: status.node_name,
            service: status.service,
            state: status.state,
            since: status.since.to_string(),
            last_error: status.last_error,
        }
    }
}

async fn backends(
    State(native): State<Native>,
    Caller(_): Caller,
) -> Result<Answer<BackendsAnswer>, Trouble> {
    let found = native.management.backends()?;
    let backends = found.into_iter().map(BackendAnswer::from).collect();
    Ok(Answer(BackendsAnswer { backends }))
}

/// Which requests.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestsRequest {
    /// Only of the virtual proxy of that prefix.
    virtual_proxy: Option<String>,
    /// Only of a user, with userId.
    user_directory: Option<String>,
    user_id: Option<String>,
    /// Only those that were refused, or were not.
    refused: Option<bool>,
    /// Only those that were refused for this reason.
    reason: Option<String>,
    /// Only the one with this reference.
    reference: Option<String>,
    /// Only those after that number: `last` of the answer before.
    after: Option<u64>,
    /// How many, 100 when nothing is said.
    #[schemars(range(max = 1000))]
    limit: Option<usize>,
}

/// Some requests, and where to go on.
#[derive(Serialize, JsonSchema)]
struct RequestsAnswer {
    requests: Vec<RequestAnswer>,
    /// What to give as `after` to see what comes next.
    last: u64,
}

/// A request and how it ended.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RequestAnswer {
    number: u64,
    time: String,
    reference: String,
    client: String,
    method: String,
    path: String,
    /// The prefix of its virtual proxy.
    virtual_proxy: Option<String>,
    user_directory: Option<String>,
    user_id: Option<String>,
    session: Option<String>,
    node: Option<String>,
    status: u16,
    phase: &'static str,
    reason: Option<&'static str>,
    detail: Option<String>,
    /// From the head of the request to the head of the answer.
    total_microseconds: u64,
    user_agent: String,
    token: Option<TokenAnswer>,
}

/// What a token says, without its signature.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TokenAnswer {
    header: Option<Value>,
    claims: Option<Value>,
    key_fingerprint: Option<String>,
}

impl From<RecentRequest> for RequestAnswer {
    fn from(request: RecentRequest) -> Self {
        let (user_directory, user_id) = request.user.unzip();
        let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        let token = request.token.map(|token| TokenAnswer {
            header: token.header.as_deref().map(json),
            claims: token.claims.as_deref().map(json),
            key_fingerprint: token.key_fingerprint.as_deref().map(str::to_owned),
        });
        Self {
            number: request.sequence,
            time: request.time.to_string(),
            reference: request.reference.into(),
            client: request.client.into(),
            method: request.method.into(),
            path: request.path.into(),
            virtual_proxy: request.virtual_proxy.map(|(_, prefix)| prefix.into()),
            user_directory: user_directory.map(String::from),
            user_id: user_id.map(String::from),
            session: request.session.map(String::from),
            node: request.node.map(String::from),
            status: request.status,
            phase: request.phase.name(),
            reason: request.reason.map(Reason::id),
            detail: request.detail.map(String::from),
            total_microseconds: u64::try_from(request.total.as_micros()).unwrap_or(u64::MAX),
            user_agent: request.user_agent.into(),
            token,
        }
    }
}

async fn requests(
    State(native): State<Native>,
    Caller(_): Caller,
    Parameters(request): Parameters<RequestsRequest>,
) -> Result<Answer<RequestsAnswer>, Trouble> {
    let limit = request.limit.unwrap_or(USUAL);
    let filter = native.filter(request)?;
    let found = native.management.recent_requests(&filter, limit)?;
    Ok(Answer(RequestsAnswer {
        requests: found
            .requests
            .into_iter()
            .map(RequestAnswer::from)
            .collect(),
        last: found.last,
    }))
}

impl Native {
    fn filter(&self, request: RequestsRequest) -> Result<FeedFilter, Trouble> {
        let vp = request.virtual_proxy.map(|name| {
            let found = self.management.virtual_proxy_named(&name);
            found.map(|vp| vp.id).ok_or_else(|| {
                Trouble::bad_request(format!(
                    "There is no virtual proxy with the prefix {name:?}."
                ))
            })
        });
        let reason = request.reason.map(|id| {
            let found = Reason::ALL.iter().find(|reason| reason.id() == id);
            let unknown = || Trouble::bad_request(format!("There is no reason {id:?}."));
            found.copied().ok_or_else(unknown)
        });
        let user = match (request.user_directory, request.user_id) {
            (Some(directory), Some(id)) => Some((directory, id)),
            (None, None) => None,
            _ => {
                let detail =
                    "A user has a directory and an id: give both userDirectory and userId.";
                return Err(Trouble::bad_request(detail));
            }
        };
        Ok(FeedFilter {
            virtual_proxy: vp.transpose()?,
            user,
            outcome: request.refused.map(|refused| match refused {
                true => FeedOutcome::Refused,
                false => FeedOutcome::Served,
            }),
            reason: reason.transpose()?,
            reference: request.reference,
            without_console: false,
            after: request.after.unwrap_or(0),
        })
    }
}
