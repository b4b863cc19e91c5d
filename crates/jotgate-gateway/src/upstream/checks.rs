//! Active checks: the management side asks every service with a `healthPath`, whether it has traffic
//! or not, and tells the metrics how all services are.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, Uri};
use jotgate_model::{Node, Refusal, Service, Timestamp, Uuid};
use jotgate_policy::health::WHOLE;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::connect::{self, Opened};
use super::places::Places;
use super::sender::Sender;
use super::state::{BackendState, service_label};
use crate::Shared;
use crate::body::RequestBody;
use crate::exchange::next_number;

/// How often a service is asked; each time up to a fifth more, so that gateways do not ask together.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How long a check may take, the connection included.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the configuration is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How a service of a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendHealth {
    /// The node.
    pub node: Uuid,
    /// Its name.
    pub node_name: String,
    /// The path of the service; `/` for the one that serves everything.
    pub service: String,
    /// What follows from it.
    pub state: BackendCondition,
    /// Since when: of a node that never failed, since it was first looked at.
    pub since: Timestamp,
    /// What went wrong last, if anything ever did.
    pub last_error: Option<String>,
}

/// Whether a backend is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendCondition {
    /// It gets its share.
    Up,
    /// It came back a moment ago, and its share grows.
    Returning,
    /// It is passed over.
    Down,
}

impl Shared {
    /// How every service of every node is at this moment.
    #[must_use]
    pub fn backends_health(&self) -> Vec<BackendHealth> {
        let snapshot = self.snapshot.load();
        snapshot
            .nodes()
            .flat_map(|node| node.services.iter().map(move |service| (node, service)))
            .map(|(node, service)| self.backend_health(node, service))
            .collect()
    }

    fn backend_health(&self, node: &Arc<Node>, service: &Arc<Service>) -> BackendHealth {
        let known = self.backends.state(node, service).describe();
        let now = self.backends.now();
        let state = if known.verdict.is_down(now) {
            BackendCondition::Down
        } else if known.verdict.share(now) < WHOLE {
            BackendCondition::Returning
        } else {
            BackendCondition::Up
        };
        let since = match state {
            BackendCondition::Down => known.down_since,
            _ if known.verdict.back_since == 0 => known.first,
            _ => {
                let ago = now.saturating_sub(known.verdict.back_since);
                let ago = i64::try_from(ago).unwrap_or(i64::MAX);
                Timestamp::from_millis(crate::timestamp().as_millis().saturating_sub(ago))
            }
        };
        BackendHealth {
            node: node.id,
            node_name: node.name.to_string(),
            service: service_label(service).to_owned(),
            state,
            since,
            last_error: known.last_error,
        }
    }
}

/// Checks every service that has a path for it, for ever.
pub async fn check_backends(shared: Arc<Shared>) {
    let mut checks: HashMap<usize, Check> = HashMap::new();
    let mut shown: HashSet<(String, String)> = HashSet::new();
    let mut ticks = tokio::time::interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let snapshot = shared.snapshot.load_full();
        checks.retain(|_, check| check.service.strong_count() > 0);
        let mut current = HashSet::new();
        for node in snapshot.nodes() {
            for service in &node.services {
                let key = Arc::as_ptr(service).addr();
                current.insert(key);
                if service.health_path.is_some() && !checks.contains_key(&key) {
                    checks.insert(key, Check::start(&shared, node, service));
                }
            }
        }
        checks.retain(|key, _| current.contains(key));
        drop(snapshot);
        show(&shared, &mut shown);
    }
}

/// The metrics of services that are there, and of no others.
fn show(shared: &Shared, shown: &mut HashSet<(String, String)>) {
    let health = shared.backends_health();
    let now: HashSet<_> = health
        .iter()
        .map(|health| (health.node_name.clone(), health.service.clone()))
        .collect();
    for (node, service) in shown.difference(&now) {
        shared.metrics.node_removed(node, service);
    }
    for health in &health {
        let up = health.state != BackendCondition::Down;
        shared
            .metrics
            .node_is_up(&health.node_name, &health.service, up);
    }
    *shown = now;
}

/// The task that checks one service; it ends with this.
struct Check {
    service: Weak<Service>,
    task: AbortHandle,
}

impl Check {
    fn start(shared: &Arc<Shared>, node: &Arc<Node>, service: &Arc<Service>) -> Self {
        let state = shared.backends.state(node, service);
        let task = check_one(shared.clone(), node.clone(), service.clone(), state);
        Self {
            service: Arc::downgrade(service),
            task: tokio::spawn(task).abort_handle(),
        }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn check_one(
    shared: Arc<Shared>,
    node: Arc<Node>,
    service: Arc<Service>,
    state: Arc<BackendState>,
) {
    loop {
        let result = match timeout(CHECK_TIMEOUT, check_once(&node, &service, &state)).await {
            Ok(result) => result,
            Err(_) => Err(format!(
                "the check took more than {} s",
                CHECK_TIMEOUT.as_secs()
            )),
        };
        let result = result.as_ref().copied().map_err(String::as_str);
        state.note_check((&node, &service), result, &shared.backends);
        let spread = CHECK_INTERVAL / 5;
        let jitter = spread * u32::try_from(next_number() % 1000).unwrap_or(0) / 1000;
        tokio::time::sleep(CHECK_INTERVAL + jitter).await;
    }
}

async fn check_once(node: &Node, service: &Service, state: &BackendState) -> Result<(), String> {
    let opened = connect::open((node, service), state, service.http2, CHECK_TIMEOUT)
        .await
        .map_err(|refusal| said(&refusal))?;
    match ask(node, service, opened, CHECK_TIMEOUT).await {
        Ok(_) => Ok(()),
        Err(NotWell::Status(status)) => Err(format!("the check was answered with {status}")),
        Err(NotWell::NoAnswer(what)) => Err(what),
    }
}

/// Why a backend is not well.
pub(super) enum NotWell {
    /// It says so.
    Status(StatusCode),
    /// It says nothing that could be understood.
    NoAnswer(String),
}

/// Asks for the health path, on a connection of its own. It needs no place among those for traffic.
pub(super) async fn ask(
    node: &Node,
    service: &Service,
    opened: Opened,
    limit: Duration,
) -> Result<StatusCode, NotWell> {
    let no_answer = |refusal: Refusal| NotWell::NoAnswer(said(&refusal));
    let place = Places::new(None).take().map(Arc::new);
    let place = place.ok_or_else(|| NotWell::NoAnswer("no place for a connection".to_owned()))?;
    let mut sender = Sender::start(opened, node, &place)
        .await
        .map_err(no_answer)?;
    let mut request = Request::new(RequestBody::empty());
    if let Some(path) = &service.health_path {
        *request.uri_mut() = Uri::from(path.clone());
    }
    let host = HeaderValue::from_str(service.authority.as_str())
        .map_err(|error| NotWell::NoAnswer(error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static("jotgate-health-check"));
    let verdict = request.body().verdict();
    let answer = sender
        .send(request, service.scheme, &verdict, limit)
        .await
        .map_err(|failure| no_answer(failure.refusal(node)))?;
    let status = answer.status();
    status
        .is_success()
        .then_some(status)
        .ok_or(NotWell::Status(status))
}

fn said(refusal: &Refusal) -> String {
    refusal.detail().unwrap_or_default().to_owned()
}
