//! Phase select: from the virtual proxy's nodes to a connection.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{Balancing, Node, Reason, Refusal, Service};
use jotgate_policy::health::Failure;
use jotgate_policy::select::{self, Asker};
use tokio::time::timeout;

use super::pool::{self, Lease, Target};
use super::{Outgoing, places};
use crate::Shared;
use crate::exchange::{Exchange, next_number};

/// How long a request waits for a connection when there may be no more.
const PLACE_PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// Each worker goes round by itself, from a place of its own.
    static TURN: Cell<u64> = Cell::new(next_number());
}

/// Why there is no connection.
enum Missing {
    /// There may be no more of them.
    Busy,
    Failed(Refusal),
}

/// A connection to a node that serves the path. Nodes that cannot be reached are passed over, here
/// and, for some time, by the requests that follow.
pub(crate) async fn connect_to_a_node(
    sent: &Outgoing<'_>,
    exchange: &mut Exchange,
    websocket: bool,
) -> Result<(Lease, Arc<Target>), Refusal> {
    let shared = sent.shared;
    let asker = Asker {
        session: sent.session.public_id(),
        opened: sent.session.created(),
        balancing: sent.balancing,
        turn: TURN.with(|turn| turn.replace(turn.get().wrapping_add(1))),
    };
    // A session that is bound waits for its node. Others look for one that is free first.
    let bound = sent.balancing == Balancing::Sticky;
    let mut last = None;
    let mut busy: Option<Arc<Target>> = None;
    let mut tried: Vec<Arc<Target>> = Vec::new();
    loop {
        let target = match choose(sent, asker, &tried) {
            Ok(target) => target,
            Err(refusal) => {
                let Some(target) = busy.take() else {
                    // When all have failed, what the last one said tells more.
                    return Err(last.unwrap_or(refusal));
                };
                exchange.node = Some(target.node.name.clone());
                return match obtain(shared, &target, websocket, true).await {
                    Ok(lease) => Ok((lease, target)),
                    Err(missing) => Err(refuse(missing, &target, shared)),
                };
            }
        };
        exchange.node = Some(target.node.name.clone());
        match obtain(shared, &target, websocket, bound).await {
            Ok(lease) => return Ok((lease, target)),
            Err(Missing::Busy) if !bound => {
                busy.get_or_insert_with(|| target.clone());
            }
            Err(missing) => last = Some(refuse(missing, &target, shared)),
        }
        tried.push(target);
    }
}

fn choose(
    sent: &Outgoing<'_>,
    asker: Asker<'_>,
    tried: &[Arc<Target>],
) -> Result<Arc<Target>, Refusal> {
    let backends = &sent.shared.backends;
    let with_load = sent.balancing == Balancing::LeastRequests;
    let standing = |node: &Arc<Node>, service: &Arc<Service>| {
        let asked = |target: &Arc<Target>| Arc::ptr_eq(&target.service, service);
        if tried.iter().any(asked) {
            return None;
        }
        Some(pool::with_target(backends, node, service, |target| {
            target.state.standing(backends, with_load)
        }))
    };
    let vp = sent.virtual_proxy;
    let chosen = select::select(sent.snapshot, vp, sent.path, asker, standing)?;
    Ok(pool::target(backends, chosen.node, chosen.service))
}

/// The refusal; what it says about the node is noted.
fn refuse(missing: Missing, target: &Target, shared: &Shared) -> Refusal {
    match missing {
        Missing::Failed(refusal) => {
            note_failure(shared, target, Failure::Unreachable, &refusal);
            refusal
        }
        Missing::Busy => Refusal::with(
            Reason::NodeBusy,
            format!(
                "all {} connections (maxConnections) of the node \"{}\" are in use",
                target.state.places.max().unwrap_or_default(),
                target.node.name
            ),
        ),
    }
}

pub(super) fn note_failure(shared: &Shared, target: &Target, failure: Failure, refusal: &Refusal) {
    let error = refusal.detail().unwrap_or_default();
    target.state.note_failure(
        (&target.node, &target.service),
        failure,
        error,
        &shared.backends,
        &shared.metrics,
    );
}

/// A connection that is there, or a new one; waits for a place when `patient`.
async fn obtain(
    shared: &Shared,
    target: &Arc<Target>,
    websocket: bool,
    patient: bool,
) -> Result<Lease, Missing> {
    if let Some(lease) = pool::take(target, websocket) {
        return Ok(lease);
    }
    if !target.service.http2 || websocket {
        return open(shared, target, websocket, patient).await;
    }
    // The connection that somebody is making will do for others.
    let limit = shared.settings().connect_timeout;
    let Ok(_making) = timeout(limit, target.connecting.lock()).await else {
        return Err(Missing::Failed(Refusal::with(
            Reason::NodeTimeout,
            format!(
                "the node \"{}\" did not accept a connection within {} s",
                target.node.name,
                limit.as_secs_f64()
            ),
        )));
    };
    match pool::take(target, websocket) {
        Some(lease) => Ok(lease),
        None => open(shared, target, websocket, patient).await,
    }
}

/// A new connection, as soon as there may be one, or one that came back before.
async fn open(
    shared: &Shared,
    target: &Arc<Target>,
    websocket: bool,
    patient: bool,
) -> Result<Lease, Missing> {
    let place = match target.state.places.take() {
        Some(place) => place,
        None if !patient => return Err(Missing::Busy),
        None => match wait(shared, target, websocket).await? {
            Freed::Place(place) => place,
            Freed::Connection(lease) => return Ok(lease),
        },
    };
    pool::connect(shared, target, websocket, place)
        .await
        .map_err(Missing::Failed)
}

enum Freed {
    Place(places::Place),
    Connection(Lease),
}

async fn wait(shared: &Shared, target: &Arc<Target>, websocket: bool) -> Result<Freed, Missing> {
    let places = &target.state.places;
    let _waiting = places.queue(&target.waiting).ok_or(Missing::Busy)?;
    shared.backends.hungry.notify_waiters();
    let freed = async {
        loop {
            tokio::select! {
                place = places.wait() => return Freed::Place(place),
                () = target.returned.notified() => {
                    if let Some(lease) = pool::take(target, websocket) {
                        return Freed::Connection(lease);
                    }
                }
            }
        }
    };
    timeout(PLACE_PATIENCE, freed)
        .await
        .map_err(|_| Missing::Busy)
}

/// A new connection for a request that is sent again.
pub(super) async fn connect_again(
    shared: &Shared,
    target: &Arc<Target>,
    websocket: bool,
) -> Result<Lease, Refusal> {
    open(shared, target, websocket, true)
        .await
        .map_err(|missing| refuse(missing, target, shared))
}
