//! Starting, keeping and stopping the sources of keys, and compiling rules when their keys change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};

use jotgate_model::{Authentication, Snapshot, Uuid};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Inner;
use crate::fetch::Fetcher;
use crate::rules::{Judge, Rules, Sources, targets};
use crate::source::{Source, Target};
use crate::state::{KeyOrigin, KeyState, SourceEvent, SourceState};

/// The sources with their tasks.
#[derive(Default)]
pub(super) struct Running(Mutex<HashMap<Target, Task>>);

/// A source that is being fetched. Dropped, it stops.
struct Task {
    source: Arc<Source>,
    handle: AbortHandle,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl Inner {
    pub(super) fn prepare(
        this: &Arc<Self>,
        snapshot: &Snapshot,
        background: &Handle,
        fetcher: &Arc<Fetcher>,
    ) {
        let mut running = this.running.0.lock();
        let wanted: HashSet<Target> = named(snapshot).collect();
        for target in &wanted {
            let start = || start(this, target, background, fetcher);
            running.entry(target.clone()).or_insert_with(start);
        }
        let sources = sources_in(&running);
        let known = this.rules.load_full();
        let compiled = snapshot.virtual_proxies().filter_map(|vp| {
            let rules = match known.get(&vp.id) {
                Some(rules) if rules.revision == vp.revision => rules.clone(),
                _ => Arc::new(Rules::compile(vp, &sources)?),
            };
            Some((vp.id, rules))
        });
        this.publish(compiled.collect());
        running.retain(|target, _| {
            let keep = wanted.contains(target);
            if !keep {
                let source = target.name();
                (this.observer)(&SourceEvent::Removed { source });
            }
            keep
        });
    }

    /// Compiles the rules of those who use `source` with its new keys.
    fn renew(&self, source: &Source) {
        let _running = self.running.0.lock();
        let known = self.rules.load_full();
        let renewed = known.iter().map(|(id, rules)| {
            let rules = if rules.uses(source) {
                Arc::new(rules.renewed())
            } else {
                rules.clone()
            };
            (*id, rules)
        });
        self.publish(renewed.collect());
    }

    fn publish(&self, rules: HashMap<Uuid, Arc<Rules>>) {
        let live: HashSet<u64> = rules.values().map(|rules| rules.generation).collect();
        self.rules.store(Arc::new(rules));
        self.verified.keep(|generation| live.contains(&generation));
    }

    /// The published key sets that `token` could be verified with.
    pub(super) fn sources_of(&self, virtual_proxy: Uuid, token: &[u8]) -> Vec<Arc<Source>> {
        let rules = self.rules_of(virtual_proxy);
        let judge = rules.as_ref().and_then(|rules| rules.judge_of(token));
        judge.map(|judge| judge.sources.clone()).unwrap_or_default()
    }

    /// The sources that are fetched now.
    pub(super) fn running(&self) -> Sources {
        sources_in(&self.running.0.lock())
    }

    pub(super) fn sources(&self) -> Vec<SourceState> {
        let rules: BTreeMap<Uuid, Arc<Rules>> = self
            .rules
            .load()
            .iter()
            .map(|(id, rules)| (*id, rules.clone()))
            .collect();
        let mut published: Vec<_> = {
            let running = self.running.0.lock();
            running.values().map(|task| task.source.clone()).collect()
        };
        published.sort_by(|a, b| a.target().name().cmp(b.target().name()));
        let published = published.iter().map(|source| SourceState {
            virtual_proxies: rules
                .iter()
                .filter(|(_, rules)| rules.uses(source))
                .map(|(id, _)| *id)
                .collect(),
            ..source.state()
        });
        let judges = rules
            .iter()
            .flat_map(|(id, rules)| rules.judges().iter().map(|judge| (*id, judge)));
        let pem = judges
            .filter(|(_, judge)| !judge.pem.is_empty())
            .map(|(id, judge)| pem_state(id, judge));
        published.chain(pem).collect()
    }
}

fn start(inner: &Arc<Inner>, target: &Target, background: &Handle, fetcher: &Arc<Fetcher>) -> Task {
    let source = Arc::new(Source::new(target.clone(), fetcher.clone()));
    // The task must not keep the ring alive, whose end is the end of the task.
    let (ring, observed) = (Arc::downgrade(inner), Arc::downgrade(inner));
    let renewed = source.clone();
    let changed = move || {
        if let Some(ring) = Weak::upgrade(&ring) {
            ring.renew(&renewed);
        }
    };
    let observe = move |event: &SourceEvent<'_>| {
        if let Some(ring) = Weak::upgrade(&observed) {
            (ring.observer)(event);
        }
    };
    let task = background.spawn(source.clone().run(changed, observe));
    Task {
        source,
        handle: task.abort_handle(),
    }
}

fn sources_in(running: &HashMap<Target, Task>) -> Sources {
    let sources = running.iter();
    sources
        .map(|(target, task)| (target.clone(), task.source.clone()))
        .collect()
}

/// Every published key set that a virtual proxy of the snapshot names.
fn named(snapshot: &Snapshot) -> impl Iterator<Item = Target> {
    snapshot.virtual_proxies().flat_map(|vp| {
        let main = match &vp.authentication {
            Authentication::Jwt(settings) => Some(&**settings),
            _ => None,
        };
        let settings = main.into_iter().chain(&vp.further_issuers);
        settings.flat_map(|settings| targets(&settings.keys))
    })
}

fn pem_state(virtual_proxy: Uuid, judge: &Judge) -> SourceState {
    SourceState {
        origin: KeyOrigin::Pem,
        virtual_proxies: vec![virtual_proxy],
        last_fetch: None,
        last_success: None,
        last_error: None,
        next_fetch: None,
        keys: judge.pem.keys().iter().map(KeyState::of).collect(),
        skipped: Vec::new(),
    }
}
