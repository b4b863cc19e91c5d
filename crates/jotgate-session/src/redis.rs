//! Sessions that several nodes share: Redis (or Valkey) in the place of the journal file.
//!
//! Three connections, each with a task: [`storage`] writes what the journal's queue has collected,
//! [`follower`] reads what the nodes write and keeps memory the same, [`asker`] asks what cannot wait
//! for either. What they know of the store is in [`Pulse`]. Decision record 17 has the reasons.
//!
//! Keys, all with the tag `{jotgate}`, so that a cluster has them on one shard:
//!
//! | key | is |
//! |---|---|
//! | `store` | hash: the id of this store, when it began, the version of these keys |
//! | `sessions` | hash: the hash of the secret -> the public id, then the sealed session |
//! | `activity` | sorted set: the hash of the secret -> when it was last used |
//! | `user:<hmac>` | set: the sessions of a user at a virtual proxy |
//! | `token:<hash>` | a token that was used, until it runs out |
//! | `ticket:<hash>` | a sealed ticket, for a minute |
//! | `note:<hash>`, `claim:<hash>` | a sealed text that nodes leave for each other, and who is about to |
//! | `changes` | stream: what was created, ended and used, by which node |
//!
//! Times in it are seconds of the store's own clock.

mod asker;
mod connect;
mod follower;
mod pulse;
mod recent;
mod record;
mod scripts;
mod seal;
mod storage;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::ConnectionAddr;
use zeroize::Zeroizing;

pub(crate) use self::asker::Asker;
use self::connect::Connector;
use self::follower::Follower;
pub(crate) use self::pulse::Pulse;
use self::recent::Recent;
use self::scripts::Scripts;
use self::seal::Seal;
pub(crate) use self::storage::{Limit, RedisStorage};
use crate::OpenError;
use crate::store::Memory;

/// What goes before every key. The braces are a cluster's hash tag.
const PREFIX: &str = "{jotgate}:";

/// How far a session's last use is rounded up: it is written at most once in this time.
pub(crate) const ACTIVITY_GRAIN: u32 = 20;

/// How often last uses are written.
pub(crate) const ACTIVITY_PACE: Duration = Duration::from_secs(5);

/// How long a question to the store takes at most, connecting included. A fail-over is not waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the sentinels are asked where the master is.
const MASTER_INTERVAL: Duration = Duration::from_secs(1);

/// The version of keys and values. A node refuses a store with another one.
const VERSION: u32 = 1;

/// How a node shares its sessions.
pub struct SharedStore {
    /// `redis://`, `rediss://`, `redis-cluster://`, `rediss-cluster://`, `redis-sentinel://` or
    /// `rediss-sentinel://`.
    pub url: Zeroizing<String>,
    /// The certificates, in PEM, that a store with TLS is trusted by; without them, those of the system.
    pub ca: Option<Vec<u8>>,
    /// The secret that all nodes have; at least 32 bytes.
    pub cluster_key: Zeroizing<Vec<u8>>,
    /// How long a node goes on with the sessions that it knows after it last heard from the store;
    /// decision 9 of the product has 0 to 60 s.
    pub lease: Duration,
}

/// Without the secrets.
impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// The parts of an open store.
pub(crate) struct Opened {
    pub(crate) storage: RedisStorage,
    pub(crate) asker: Asker,
    pub(crate) pulse: Arc<Pulse>,
}

/// Connects, takes over all sessions into `memory`, and starts the follower and the asker on the
/// current runtime.
pub(crate) async fn open(shared: &SharedStore, memory: &Arc<Memory>) -> Result<Opened, OpenError> {
    let connector = Connector::new(&shared.url, shared.ca.as_deref())?;
    let seal = Arc::new(Seal::new(&shared.cluster_key));
    let pulse = Arc::new(Pulse::new(shared.lease));
    let scripts = Arc::new(Scripts::new());
    let site = Site {
        connector: Arc::new(connector),
        seal,
        scripts,
        pulse: Arc::clone(&pulse),
        recent: Arc::default(),
    };
    // Before anybody connects: whoever is then at another one is told to leave.
    let master = site.connector.master().await;
    let mut follower = Follower::new(site.clone(), Arc::clone(memory));
    follower.begin().await?;
    let mut storage = RedisStorage::new(site.clone(), Arc::clone(memory));
    storage.try_rights().await?;
    tokio::spawn(follower.run());
    if site.connector.has_sentinels() {
        tokio::spawn(leave_former_masters(site.clone(), master));
    }
    let asker = Asker::start(site);
    Ok(Opened {
        storage,
        asker,
        pulse,
    })
}

/// Lets the tasks connect anew when the sentinels have chosen another master. The former one may not know of it
/// for ten seconds, and what it takes meanwhile is lost. One task that connects anew does not move the others.
async fn leave_former_masters(site: Site, mut known: Option<ConnectionAddr>) {
    loop {
        tokio::time::sleep(MASTER_INTERVAL).await;
        let Some(master) = site.connector.master().await else {
            continue;
        };
        if known.as_ref().is_some_and(|known| *known != master) {
            tracing::info!("the sentinels have chosen another master of the session store");
            site.pulse.note_loss();
        }
        known = Some(master);
    }
}

/// What the tasks have in common.
#[derive(Clone)]
struct Site {
    connector: Arc<Connector>,
    seal: Arc<Seal>,
    scripts: Arc<Scripts>,
    pulse: Arc<Pulse>,
    recent: Arc<Recent>,
}

/// The name of a key.
fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}
