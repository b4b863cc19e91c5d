//! Ending what has run out, a part at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jotgate_model::{SessionRules, UnixTime};
use uuid::Uuid;

use super::memory::Memory;
use super::table::SHARDS;
use crate::{EndReason, Session};

/// How many sessions without sockets one sweep looks at before it stops at the end of a shard.
const PORTION: usize = 16_384;

/// Seconds by which sessions that nodes share are swept later than they run out. Requests are refused
/// at the time itself.
const LATE: i64 = 10;

/// Seconds after which every node has heard of a new virtual proxy.
const NEWS: i64 = 60;

/// Where the last sweep stopped.
#[derive(Default)]
pub(crate) struct Sweeper {
    next: AtomicUsize,
}

impl Sweeper {
    /// Ends what has run out among the watched sessions and the next portion of the others, and
    /// gives what it ended.
    pub(crate) fn sweep(
        &self,
        memory: &Memory,
        now: UnixTime,
        rules: impl Fn(Uuid) -> Option<SessionRules>,
    ) -> Vec<Arc<Session>> {
        // What another node has seen of a session comes a little later.
        let as_of = if memory.is_shared {
            now.plus(-LATE)
        } else {
            now
        };
        let mut due = Vec::new();
        // Sessions lie in no order, but nearly all belong to a handful of virtual proxies.
        let mut last = None;
        let mut judge = |session: &Arc<Session>| {
            let virtual_proxy = session.virtual_proxy();
            let rules = match last {
                Some((id, rules)) if id == virtual_proxy => rules,
                _ => {
                    let found = rules(virtual_proxy);
                    last = Some((virtual_proxy, found));
                    found
                }
            };
            let reason = match rules {
                Some(rules) => session.state(&rules, as_of).end_reason(),
                // Another node may have saved it a moment ago.
                None if memory.is_shared && session.created().plus(NEWS) > now => None,
                None => Some(EndReason::VirtualProxyDeleted),
            };
            reason.map(|reason| (Arc::clone(session), reason))
        };
        memory.watches.collect(&mut due, &mut judge);
        let mut seen = 0;
        for _ in 0..SHARDS {
            let shard = self.next.fetch_add(1, Ordering::Relaxed);
            memory.used_tokens.forget(shard, now);
            seen += memory.table.collect(shard % SHARDS, &mut due, &mut judge);
            if seen >= PORTION {
                break;
            }
        }
        due.retain(|(session, reason)| memory.finish(session, *reason));
        due.into_iter().map(|(session, _)| session).collect()
    }
}
