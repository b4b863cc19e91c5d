//! What the gateway is started with.
//!
//! Every setting exists as a flag, as a `JOTGATE_...` variable of the environment and as a key of a
//! TOML file, under one name ([`table`]). A flag wins over the environment, the environment over the
//! file, the file over the default; a list is replaced as a whole, never merged. What is found is
//! parsed here, once: [`Settings`] holds values that need no second look. Unknown names are errors,
//! because a protection that is spelled wrongly is a protection that is off.

mod environment;
mod error;
mod file;
mod flags;
mod layers;
mod secret;
mod table;
mod told;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jotgate_model::Network;

pub(crate) use error::{SettingError, Source};
pub(crate) use flags::SettingFlags;
pub(crate) use layers::read_limited;
pub(crate) use secret::Secret;
pub(crate) use told::{Told, ToldSetting};
pub(crate) use values::{AccessLog, HttpRedirect, LogFormat, duration, host};

use jotgate_observe::Collector;

use layers::Layers;

/// Which command the settings are for. They differ in one default: the demo is not reachable from
/// other machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `jotgate serve`.
    Serve,
    /// `jotgate demo`.
    Demo,
}

/// Everything that can be set, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where everything that Jotgate keeps is kept.
    pub(crate) data_dir: PathBuf,
    /// The addresses of the gateway over HTTPS. Port 0 takes a free one, here and below.
    pub(crate) listen: Vec<SocketAddr>,
    /// The addresses of the gateway over plain HTTP; mostly none.
    pub(crate) listen_http: Vec<SocketAddr>,
    /// The address of QRS.
    pub(crate) qrs_listen: SocketAddr,
    /// The address of QPS.
    pub(crate) qps_listen: SocketAddr,
    /// The address of `/livez`, `/readyz` and `/metrics`.
    pub(crate) observe_listen: SocketAddr,
    /// The node of the default virtual proxy of a new data directory: an `http` or `https` address
    /// without user name and query.
    pub(crate) backend: Option<String>,
    /// Where the configuration is stored.
    pub(crate) database: Database,
    /// Where sessions are kept.
    pub(crate) session_store: SessionStore,
    /// The certificates, in PEM, that a session store with TLS is trusted by; without, those of the system.
    pub(crate) session_store_ca: Option<Vec<u8>>,
    /// Certificates for TLS beside the one of the data directory, chosen by the name that a client
    /// asks for. Nothing is known of the files but their names.
    pub(crate) tls: Vec<TlsPair>,
    /// The gateway's own names beside those in its certificates: lower case host names, with or
    /// without `*.`, and IP addresses without brackets.
    pub(crate) public_hosts: Vec<String>,
    /// Whose `X-Forwarded-*` or PROXY header counts.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Whether connections from trusted proxies begin with a PROXY header.
    pub(crate) proxy_protocol: bool,
    /// For a request's header to arrive.
    pub(crate) header_timeout: Duration,
    /// Without progress of a request's body.
    pub(crate) body_timeout: Duration,
    /// For a connection to a node, TLS included.
    pub(crate) connect_timeout: Duration,
    /// For a node to begin its answer.
    pub(crate) response_timeout: Duration,
    /// For a connection without a request.
    pub(crate) idle_timeout: Duration,
    /// The largest header of a request.
    pub(crate) max_header_bytes: u64,
    /// The largest body of a request.
    pub(crate) max_body_bytes: Option<u64>,
    /// The most connections.
    pub(crate) max_connections: u64,
    /// The most connections of one client address.
    pub(crate) max_connections_per_address: Option<u64>,
    /// Where requests over plain HTTP are sent.
    pub(crate) http_redirect: HttpRedirect,
    /// The `max-age` of `Strict-Transport-Security`; zero is off.
    pub(crate) hsts: Duration,
    /// How long new connections are accepted although a drain has begun.
    pub(crate) drain_delay: Duration,
    /// After which a drain ends whatever still runs.
    pub(crate) drain_timeout: Duration,
    /// The key that nodes share, at least 32 bytes.
    pub(crate) cluster_key: Option<Secret>,
    /// For how long sessions go on that are known here while the shared store does not answer.
    pub(crate) session_lease: Duration,
    /// What is logged: levels, as `tracing` filters are written.
    pub(crate) log: String,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
    /// Where the line for each request goes.
    pub(crate) access_log: AccessLog,
    /// The most recent requests that are kept; none with 0.
    pub(crate) feed_entries: u64,
    /// The memory that they take.
    pub(crate) feed_bytes: u64,
    /// The collector of traces.
    pub(crate) otlp_endpoint: Option<Collector>,
    /// How many requests of a million are traced when their callers have not decided.
    pub(crate) traced_per_million: u32,
    /// How many threads carry traffic.
    pub(crate) worker_threads: usize,
    /// What administrators are told of all of these.
    pub(crate) told: Told,
}

/// Where the configuration is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// SQLite in the data directory.
    DataDirectory,
    /// PostgreSQL, shared by several nodes: its address, which may hold a password.
    Postgres(Secret),
}

/// Where sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionStore {
    /// In memory, with a journal in the data directory.
    Memory,
    /// Redis, shared by several nodes: its address, which may hold a password.
    Redis(Secret),
}

/// A certificate and its key, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsPair {
    /// The certificate, with the intermediate ones after it, PEM.
    pub(crate) certificate: PathBuf,
    /// The private key, PEM.
    pub(crate) key: PathBuf,
}

impl Settings {
    /// Collects the settings from `flags`, from `environment` and from the file that one of them
    /// names, and parses them. Reads the file and the files of secrets, opens nothing else.
    ///
    /// # Errors
    /// The first setting that is unknown or cannot be used; the process then ends with 64.
    pub(crate) fn load(
        mode: Mode,
        flags: &SettingFlags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingError> {
        let flags = flags.layer();
        let environment = environment::read(environment)?;
        let file = match layers::find(&table::CONFIG, &[&flags, &environment]) {
            Some(path) => file::read(path)?,
            None => layers::Layer::default(),
        };
        let layers = Layers::new(mode, [file, environment, flags])?;
        let settings = Self::parse(&layers)?;
        settings.check_together(&layers)?;
        Ok(settings)
    }

    fn parse(layers: &Layers) -> Result<Self, SettingError> {
        use table as t;
        let short = |text: &str| duration(text, Duration::from_millis(1), HOUR);
        let long = |text: &str| duration(text, Duration::from_millis(1), HOUR * 24);
        let lease = |text: &str| duration(text, Duration::ZERO, Duration::from_secs(60));
        let drain = |text: &str| duration(text, Duration::ZERO, HOUR);
        let header_bytes = |text: &str| values::size(text, 1 << 10, 1 << 20);
        let connections = |text: &str| values::count(text, 1, 10_000_000);
        let per_address = |text: &str| values::count(text, 0, 10_000_000).map(positive);
        let feed_entries = |text: &str| values::count(text, 0, 1_000_000);
        let feed_bytes = |text: &str| values::size(text, 64 << 10, 1 << 30);
        Ok(Self {
            data_dir: layers.one(&t::DATA_DIR, values::path)?,
            listen: layers.list(&t::LISTEN, values::address)?,
            listen_http: layers.list(&t::LISTEN_HTTP, values::address)?,
            qrs_listen: layers.one(&t::QRS_LISTEN, values::address)?,
            qps_listen: layers.one(&t::QPS_LISTEN, values::address)?,
            observe_listen: layers.one(&t::OBSERVE_LISTEN, values::address)?,
            backend: layers.optional(&t::BACKEND, values::backend)?,
            database: layers
                .secret(
                    &t::DATABASE_URL,
                    &t::DATABASE_URL_FILE,
                    values::database_url,
                )?
                .map_or(Database::DataDirectory, Database::Postgres),
            session_store: layers
                .secret(
                    &t::SESSION_STORE_URL,
                    &t::SESSION_STORE_URL_FILE,
                    values::session_store_url,
                )?
                .map_or(SessionStore::Memory, SessionStore::Redis),
            session_store_ca: layers.root_certificates(&t::SESSION_STORE_CA_FILE)?,
            tls: layers.tls_pairs()?,
            public_hosts: layers.list(&t::PUBLIC_HOST, host)?,
            trusted_proxies: layers.list(&t::TRUSTED_PROXY, Network::parse)?,
            proxy_protocol: layers.one(&t::PROXY_PROTOCOL, values::switch)?,
            header_timeout: layers.one(&t::HEADER_TIMEOUT, short)?,
            body_timeout: layers.one(&t::BODY_TIMEOUT, short)?,
            connect_timeout: layers.one(&t::CONNECT_TIMEOUT, short)?,
            response_timeout: layers.one(&t::RESPONSE_TIMEOUT, long)?,
            idle_timeout: layers.one(&t::IDLE_TIMEOUT, long)?,
            max_header_bytes: layers.one(&t::MAX_HEADER_BYTES, header_bytes)?,
            max_body_bytes: positive(
                layers.one(&t::MAX_BODY_BYTES, |text| values::size(text, 0, u64::MAX))?,
            ),
            max_connections: layers.one(&t::MAX_CONNECTIONS, connections)?,
            max_connections_per_address: layers
                .one(&t::MAX_CONNECTIONS_PER_ADDRESS, per_address)?,
            http_redirect: layers.one(&t::HTTP_REDIRECT, values::http_redirect)?,
            hsts: layers.one(&t::HSTS, values::max_age)?,
            drain_delay: layers.one(&t::DRAIN_DELAY, drain)?,
            drain_timeout: layers.one(&t::DRAIN_TIMEOUT, drain)?,
            cluster_key: layers.key_file(&t::CLUSTER_KEY_FILE)?,
            session_lease: layers.one(&t::SESSION_LEASE, lease)?,
            log: layers.one(&t::LOG, values::log_filter)?,
            log_format: layers.one(&t::LOG_FORMAT, values::log_format)?,
            access_log: layers.one(&t::ACCESS_LOG, values::access_log)?,
            feed_entries: layers.one(&t::FEED_ENTRIES, feed_entries)?,
            feed_bytes: layers.one(&t::FEED_BYTES, feed_bytes)?,
            otlp_endpoint: layers.optional(&t::OTLP_ENDPOINT, values::collector)?,
            traced_per_million: layers.one(&t::TRACE_SAMPLE_RATIO, values::per_million)?,
            worker_threads: layers
                .optional(&t::WORKER_THREADS, values::threads)?
                .unwrap_or_else(cores),
            told: layers.told(),
        })
    }

    /// What no setting shows alone.
    fn check_together(&self, layers: &Layers) -> Result<(), SettingError> {
        if self.listen.is_empty() && self.listen_http.is_empty() {
            return Err(layers.wrong(
                &table::LISTEN,
                "names no address, and neither does --listen-http; name one",
            ));
        }
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            return Err(layers.wrong(
                &table::PROXY_PROTOCOL,
                "needs to know who may send the PROXY header; name the addresses with --trusted-proxy",
            ));
        }
        if self.http_redirect == HttpRedirect::FirstListener && self.listen.is_empty() {
            return Err(layers.wrong(
                &table::HTTP_REDIRECT,
                "needs to know the port, and --listen names no address; write the port instead",
            ));
        }
        Ok(())
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Zero means off.
fn positive(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests;
