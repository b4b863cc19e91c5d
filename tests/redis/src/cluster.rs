//! A cluster of three shards without replicas.

use crate::{Authority, RedisServer, free_port, wait_until};

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// Three servers with a third of the slots each.
pub struct RedisCluster {
    shards: Vec<RedisServer>,
    scheme: &'static str,
    /// Where clients ask each of them.
    ports: Vec<u16>,
}

impl RedisCluster {
    /// All of it, ready.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::of(None)
    }

    /// All of it, ready; the shards speak TLS with each other and with clients.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with_tls(authority: &Authority) -> Self {
        Self::of(Some(authority))
    }

    fn of(authority: Option<&Authority>) -> Self {
        let shard = |_| {
            let bus = free_port().to_string();
            let (tls, tls_port) = authority.map(|one| one.settings("127.0.0.1")).unzip();
            let tls = tls.unwrap_or_default();
            let mut settings: Vec<_> = tls.iter().map(String::as_str).collect();
            if authority.is_some() {
                settings.extend(["--tls-cluster", "yes"]);
            }
            settings.extend(["--cluster-enabled", "yes", "--cluster-port", &bus]);
            // A shard that is lost takes its own slots with it, and no others.
            settings.extend(["--cluster-require-full-coverage", "no"]);
            settings.extend(["--cluster-node-timeout", "2000"]);
            settings.extend(["--appendonly", "yes", "--appendfsync", "always"]);
            let server = RedisServer::with(&settings);
            let port = tls_port.unwrap_or(server.port());
            (server, (port, bus))
        };
        let (shards, ports): (Vec<_>, Vec<_>) = (0..3).map(shard).unzip();
        for (shard, number) in shards.iter().zip(0_u16..) {
            let slots = (number * SLOTS / 3)..((number + 1) * SLOTS / 3);
            let add = format!("CLUSTER ADDSLOTSRANGE {} {}", slots.start, slots.end - 1);
            assert_eq!(shard.ask(&add), "+OK");
            let epoch = format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1);
            assert_eq!(shard.ask(&epoch), "+OK");
            for (port, bus) in &ports {
                let meet = format!("CLUSTER MEET 127.0.0.1 {port} {bus}");
                assert_eq!(shard.ask(&meet), "+OK");
            }
        }
        let cluster = Self {
            shards,
            scheme: authority.map_or("redis-cluster", |_| "rediss-cluster"),
            ports: ports.into_iter().map(|(port, _)| port).collect(),
        };
        for shard in &cluster.shards {
            wait_until("the shards know each other", || {
                let info = shard.ask_for_lines("CLUSTER INFO", 7);
                let has = |line: &str| info.iter().any(|found| found == line);
                has("cluster_state:ok")
                    && has("cluster_slots_ok:16384")
                    && has("cluster_known_nodes:3")
            });
        }
        cluster
    }

    /// The address with all three, for a user who may stand in front of an `@`.
    #[must_use]
    pub fn url(&self, user: &str) -> String {
        let hosts = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let hosts = hosts.collect::<Vec<_>>().join(",");
        format!("{}://{user}{hosts}", self.scheme)
    }

    /// Tells all of them something.
    ///
    /// # Panics
    /// One does not say `OK`.
    pub fn tell(&self, command: &str) {
        for shard in &self.shards {
            assert_eq!(shard.ask(command), "+OK", "{command}");
        }
    }

    /// The shard that has `key`, and one that has not.
    ///
    /// # Panics
    /// No shard has it.
    pub fn shards_of(&mut self, key: &str) -> [&mut RedisServer; 2] {
        let ask = format!("EXISTS {key}");
        let (having, others): (Vec<_>, Vec<_>) = self
            .shards
            .iter_mut()
            .partition(|shard| shard.ask(&ask) == ":1");
        let mut shards = having.into_iter().take(1).chain(others);
        let mut next = || shards.next().expect("a shard");
        [next(), next()]
    }

    /// Moves all keys with the hash tag of `key` to another shard, as `redis-cli --cluster reshard` does.
    ///
    /// # Panics
    /// A shard refuses.
    pub fn move_slot_of(&mut self, key: &str) {
        let [from, to] = self.shards_of(key);
        let slot = from.ask(&format!("CLUSTER KEYSLOT {key}"));
        let slot = slot.trim_start_matches(':').to_owned();
        let id = |shard: &RedisServer| shard.ask_for_lines("CLUSTER MYID", 2)[1].clone();
        let (from_id, to_id) = (id(from), id(to));
        let set = |shard: &RedisServer, what: &str, node: &str| {
            let answer = shard.ask(&format!("CLUSTER SETSLOT {slot} {what} {node}"));
            assert_eq!(answer, "+OK", "{what}");
        };
        set(to, "IMPORTING", &from_id);
        set(from, "MIGRATING", &to_id);
        let keys = from.ask_for_lines(&format!("CLUSTER COUNTKEYSINSLOT {slot}"), 1);
        let count: usize = keys[0].trim_start_matches(':').parse().expect("a count");
        let lines = from.ask_for_lines(
            &format!("CLUSTER GETKEYSINSLOT {slot} {count}"),
            1 + 2 * count,
        );
        for key in lines.iter().skip(2).step_by(2) {
            let to = to.port();
            let moved = from.ask(&format!("MIGRATE 127.0.0.1 {to} {key} 0 5000"));
            // One that has run out meanwhile need not be moved.
            assert!(["+OK", "+NOKEY"].contains(&moved.as_str()), "{moved}");
        }
        set(to, "NODE", &to_id);
        set(from, "NODE", &to_id);
    }
}
