//! A Redis with a replica, and a sentinel that lets the replica take over.

use std::fs;

use crate::{Authority, RedisServer, SENTINEL_FILE, wait_until};

/// What the sentinel calls the service.
const SERVICE: &str = "main";

/// Two servers and the sentinel that watches them.
pub struct WatchedRedis {
    /// The master at the beginning.
    pub master: RedisServer,
    /// Its replica.
    pub replica: RedisServer,
    sentinel: RedisServer,
    scheme: &'static str,
    /// Where clients ask the sentinel.
    port: u16,
    password: Option<&'static str>,
}

impl WatchedRedis {
    /// All of it, ready. With a password, the servers ask for it, and the sentinel does if `sentinel_asks`.
    ///
    /// # Panics
    /// One does not start.
    #[must_use]
    pub fn start(password: Option<&'static str>, sentinel_asks: bool) -> Self {
        Self::of(password, sentinel_asks, None)
    }

    /// All of it, ready; all of them speak TLS with each other and with clients.
    ///
    /// # Panics
    /// One does not start.
    #[must_use]
    pub fn with_tls(authority: &Authority) -> Self {
        Self::of(None, false, Some(authority))
    }

    fn of(
        password: Option<&'static str>,
        sentinel_asks: bool,
        authority: Option<&Authority>,
    ) -> Self {
        let start = |settings: &[&str]| {
            let (tls, tls_port) = encrypted(authority);
            let mut all = vec!["--appendonly", "yes", "--appendfsync", "always"];
            all.extend(["--repl-diskless-sync-delay", "0"]);
            if let Some(password) = password {
                all.extend(["--requirepass", password, "--masterauth", password]);
            }
            all.extend(tls.iter().map(String::as_str));
            all.extend(settings);
            let server = RedisServer::with(&all);
            let port = tls_port.unwrap_or(server.port());
            (server, port.to_string())
        };
        let (master, port) = start(&[]);
        let (replica, _) = start(&["--replicaof", "127.0.0.1", &port]);
        let mut lines = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds {SERVICE} 500\n\
             sentinel failover-timeout {SERVICE} 3000\n"
        );
        if let Some(password) = password {
            lines.push_str(&format!("sentinel auth-pass {SERVICE} {password}\n"));
        }
        if let Some(password) = password.filter(|_| sentinel_asks) {
            lines.push_str(&format!("requirepass {password}\n"));
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(SENTINEL_FILE), lines).expect("the sentinel's settings");
        let role = logged_in(password, "ROLE");
        wait_until("the replica is in step", || {
            let lines = replica.ask_for_lines(&role, 8);
            lines.contains(&"connected".to_owned())
        });
        let (tls, tls_port) = encrypted(authority);
        let sentinel = RedisServer::start_in(folder, tls);
        let ask = format!("SENTINEL REPLICAS {SERVICE}");
        let ask = logged_in(password.filter(|_| sentinel_asks), &ask);
        wait_until("the sentinel knows the replica", || {
            sentinel.ask(&ask) == "*1"
        });
        Self {
            master,
            replica,
            port: tls_port.unwrap_or(sentinel.port()),
            sentinel,
            scheme: authority.map_or("redis-sentinel", |_| "rediss-sentinel"),
            password,
        }
    }

    /// `redis-sentinel://...` of the sentinel, for a user who may stand in front of an `@`.
    #[must_use]
    pub fn url(&self, user: &str) -> String {
        format!("{}://{user}127.0.0.1:{}/{SERVICE}", self.scheme, self.port)
    }

    /// Asks the replica, logged in.
    #[must_use]
    pub fn ask_replica(&self, command: &str) -> String {
        let mut lines = self.lines_of_replica(command, 1);
        lines.pop().expect("one line")
    }

    /// The replica hears nothing any more, until it is thawed.
    ///
    /// # Panics
    /// It is none.
    pub fn cut_replica_off(&self) {
        self.replica.freeze();
        // What is on its way arrives even so.
        let kill = logged_in(self.password, "CLIENT KILL TYPE replica");
        assert_eq!(self.master.ask(&kill), ":1");
    }

    /// Lets the sentinel make the replica the master although that is there, which never hears of it. (It
    /// would, after ten seconds.)
    ///
    /// # Panics
    /// The replica does not become it.
    pub fn order_fail_over(&self) {
        let deaf = logged_in(self.password, "ACL SETUSER default -replicaof -slaveof");
        assert_eq!(self.master.ask(&deaf), "+OK");
        let order = format!("SENTINEL FAILOVER {SERVICE}");
        wait_until("the sentinel has heard of the replica", || {
            self.sentinel.ask(&order) == "+OK"
        });
        self.wait_for_fail_over();
    }

    /// Waits until the replica is the master.
    ///
    /// # Panics
    /// It does not become it.
    pub fn wait_for_fail_over(&self) {
        wait_until("the replica takes over", || {
            let lines = self.lines_of_replica("ROLE", 3);
            lines.contains(&"master".to_owned())
        });
    }
}

impl WatchedRedis {
    /// A sentinel breaks the connections of a replica that takes over: then it is asked again.
    fn lines_of_replica(&self, command: &str, count: usize) -> Vec<String> {
        let commands = logged_in(self.password, command);
        let mut lines = Vec::new();
        wait_until("the replica answers", || {
            let answer = self.replica.try_ask(&commands, count);
            answer.is_ok_and(|answer| {
                lines = answer;
                lines.len() == count
            })
        });
        lines
    }
}

/// The settings of a server that speaks TLS with other servers as well, and its port for that.
fn encrypted(authority: Option<&Authority>) -> (Vec<String>, Option<u16>) {
    let settings = authority.map(|authority| authority.settings("127.0.0.1"));
    let (mut settings, port) = settings.unzip();
    if let Some(settings) = &mut settings {
        settings.extend(["--tls-replication", "yes"].map(str::to_owned));
    }
    (settings.unwrap_or_default(), port)
}

fn logged_in(password: Option<&str>, command: &str) -> String {
    match password {
        Some(password) => format!("AUTH {password}\n{command}"),
        None => command.to_owned(),
    }
}
