//! Select: which node serves a request.

use std::sync::Arc;

use jotgate_model::{Balancing, Node, Reason, Refusal, Service, Snapshot, UnixTime, VirtualProxy};

use crate::health::WHOLE;

/// A node and its backend for the path.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The machine.
    pub node: &'a Arc<Node>,
    /// The backend on it.
    pub service: &'a Arc<Service>,
}

/// What is known of a backend at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether something is against it. When nobody else is left it is asked all the same: a failing
    /// node is better than none.
    pub down: bool,
    /// How much it gets of what it would get, of [`WHOLE`].
    pub share: u32,
    /// How many requests and WebSockets of this process it serves.
    pub load: u32,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The public id of the session.
    pub session: &'a str,
    /// When it was opened.
    pub opened: UnixTime,
    /// How the node is chosen: as the virtual proxy says, but sessions that many share are not bound.
    pub balancing: Balancing,
    /// A number that grows with each request of the worker.
    pub turn: u64,
}

/// In which order nodes are considered; the smallest are the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Nothing against it.
    Well,
    /// It has come back a moment ago, and this request is not in its share.
    Returning,
    /// It gets no new sessions.
    Draining,
    /// It failed a moment ago.
    Down,
    /// It failed a moment ago and gets no new sessions.
    DownAndDraining,
}

/// Chooses among the virtual proxy's nodes that serve `path`. `standing` says what is known of a
/// backend, or nothing when this request has asked it already.
///
/// # Errors
/// [`Reason::NodeUnavailable`], which says whether no node is configured, none serves the path, or
/// all have been tried.
pub fn select<'a>(
    snapshot: &'a Snapshot,
    vp: &VirtualProxy,
    path: &str,
    asker: Asker<'_>,
    standing: impl Fn(&'a Arc<Node>, &'a Arc<Service>) -> Option<Standing>,
) -> Result<Target<'a>, Refusal> {
    let candidates = || {
        serving(snapshot, vp, path).filter_map(|target| {
            let standing = standing(target.node, target.service)?;
            let rank = rank(target.node, standing, asker);
            Some((target, standing, rank))
        })
    };
    let best = match asker.balancing {
        Balancing::Sticky => candidates()
            .min_by_key(|(target, _, rank)| (*rank, !affinity(asker.session, target.node))),
        Balancing::LeastRequests => candidates().min_by_key(|(target, standing, rank)| {
            (
                *rank,
                standing.load,
                mixed(asker.turn ^ number(target.node)),
            )
        }),
        Balancing::InTurn => {
            let rank = candidates().map(|(_, _, rank)| rank).min();
            let best = || candidates().filter(|(_, _, other)| Some(*other) == rank);
            let count = best().count().max(1) as u64;
            let turn = usize::try_from(asker.turn % count).unwrap_or(0);
            best().nth(turn)
        }
    };
    best.map(|(target, ..)| target)
        .ok_or_else(|| nobody(snapshot, vp, path))
}

/// Whether any node of the virtual proxy serves the path.
#[must_use]
pub fn is_served(snapshot: &Snapshot, vp: &VirtualProxy, path: &str) -> bool {
    serving(snapshot, vp, path).next().is_some()
}

/// The virtual proxy's nodes that serve the path, in the order of the configuration.
fn serving<'a>(
    snapshot: &'a Snapshot,
    vp: &VirtualProxy,
    path: &str,
) -> impl Iterator<Item = Target<'a>> {
    vp.nodes
        .iter()
        .filter_map(|id| snapshot.node(*id))
        .filter_map(move |node| {
            node.service_for(path)
                .map(|service| Target { node, service })
        })
}

fn rank(node: &Node, standing: Standing, asker: Asker<'_>) -> Rank {
    // A session is bound to its node only where sessions are: its first second counts as new.
    let is_new = |since| asker.balancing != Balancing::Sticky || asker.opened >= since;
    let draining = node.draining_since.is_some_and(is_new);
    if standing.down {
        return if draining {
            Rank::DownAndDraining
        } else {
            Rank::Down
        };
    }
    if draining {
        return Rank::Draining;
    }
    if standing.share < WHOLE {
        // Whole sessions come back, where they are bound; elsewhere single requests.
        let ticket = match asker.balancing {
            Balancing::Sticky => mixed(affinity(asker.session, node)),
            _ => mixed(asker.turn ^ number(node)),
        };
        if ticket % u64::from(WHOLE) >= u64::from(standing.share) {
            return Rank::Returning;
        }
    }
    Rank::Well
}

/// How strongly a session is drawn to a node (rendezvous hashing): of all nodes it goes to the one
/// that draws most. When a node goes only its own sessions move, and they come back with it.
fn affinity(session: &str, node: &Node) -> u64 {
    let hash = session
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    mixed(hash ^ number(node))
}

/// The node's id as a number.
fn number(node: &Node) -> u64 {
    let (high, low) = node.id.as_u64_pair();
    mixed(high ^ mixed(low))
}

/// Spreads numbers that resemble each other (the finalizer of SplitMix64).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Why there is nobody to ask.
fn nobody(snapshot: &Snapshot, vp: &VirtualProxy, path: &str) -> Refusal {
    let detail = if vp.nodes.is_empty() {
        format!(
            "the virtual proxy \"{}\" has no load balancing node",
            vp.description
        )
    } else {
        match serving(snapshot, vp, path).count() {
            0 => {
                let first = crate::route::split_first(path).0;
                format!("none of the load balancing nodes serves /{first}")
            }
            count => format!("none of the {count} nodes for this path is well"),
        }
    };
    Refusal::with(Reason::NodeUnavailable, detail)
}

#[cfg(test)]
mod tests;
