//! Which Redis it is, and a connection to it that is made again when it is lost.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo as _, Pipeline, RedisError, RedisFuture, TlsCertificates, TlsMode, Value,
};
use tokio::sync::Mutex;

use super::Site;
use super::url::{Kind, Url};
use crate::OpenError;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long an answer may take, blocking for [`super::follower::BLOCK`] included.
const ANSWER: Duration = Duration::from_secs(2);

/// How often a cluster's client asks again, when a key has moved or a shard was lost. [`ANSWER`] limits all
/// of it together.
const CLUSTER_RETRIES: u32 = 4;

/// How long it waits in between, at most. Milliseconds.
const CLUSTER_RETRY_WAIT: u64 = 400;

/// What makes connections.
pub(super) enum Connector {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
    // Asking sentinels changes what it knows of them.
    Sentinel(Box<Mutex<Sentinels>>),
}

/// The sentinels, which take the user of Redis, or nobody's name at all.
pub(super) struct Sentinels {
    same_user: SentinelClient,
    no_user: Option<SentinelClient>,
}

/// A connection of one task.
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connector {
    /// For the store at this address. `ca` are the certificates that a store with TLS is trusted by, in
    /// PEM; without them, it is those of the system.
    pub(super) fn new(url: &str, ca: Option<&[u8]>) -> Result<Self, OpenError> {
        let url = Url::parse(url).map_err(|why| OpenError::StoreUrl { why })?;
        if ca.is_some() && !url.tls {
            let why = "a CA file makes sense with TLS only: rediss://, rediss-cluster:// or rediss-sentinel://";
            return Err(OpenError::StoreUrl { why });
        }
        let target = Target {
            url,
            certificates: TlsCertificates {
                client_tls: None,
                root_cert: ca.map(<[u8]>::to_vec),
            },
        };
        let built = match target.url.kind {
            Kind::Single => target.single().map(|c| Self::Single(Box::new(c))),
            Kind::Cluster => target.cluster().map(|c| Self::Cluster(Box::new(c))),
            Kind::Sentinel => target
                .sentinels()
                .map(|s| Self::Sentinel(Box::new(Mutex::new(s)))),
        };
        // Its own text may repeat the URL, with the password in it.
        built.map_err(|_| OpenError::StoreUrl {
            why: "it cannot be read",
        })
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        match self {
            Self::Single(client) => client
                .get_multiplexed_async_connection_with_config(&config)
                .await
                .map(Connection::Single),
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
            Self::Sentinel(sentinels) => sentinels
                .lock()
                .await
                .connect(&config)
                .await
                .map(Connection::Single),
        }
    }

    /// Whether sentinels tell where the master is.
    pub(super) const fn has_sentinels(&self) -> bool {
        matches!(self, Self::Sentinel(_))
    }

    /// Where the master is, by the word of the sentinels; nothing when they give none, or there are none.
    pub(super) async fn master(&self) -> Option<ConnectionAddr> {
        let Self::Sentinel(sentinels) = self else {
            return None;
        };
        let mut sentinels = sentinels.lock().await;
        let found = tokio::time::timeout(CONNECT, sentinels.master()).await;
        let master = found.ok()?.ok()?;
        Some(master.get_connection_info().addr().clone())
    }
}

impl Sentinels {
    async fn connect(
        &mut self,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        let master = self.master().await?;
        master
            .get_multiplexed_async_connection_with_config(config)
            .await
    }

    /// What connects to the master. It has been asked, and says that it is one.
    async fn master(&mut self) -> Result<Client, RedisError> {
        let first = self.same_user.async_get_client().await;
        match (first, &mut self.no_user) {
            (Err(error), Some(no_user)) if error.kind() == ErrorKind::AuthenticationFailed => {
                no_user.async_get_client().await
            }
            (first, _) => first,
        }
    }
}

impl Connection {
    /// Asks the server that has `key` something that names no key.
    pub(super) async fn ask_server_of<T: FromRedisValue>(
        &mut self,
        key: &str,
        command: Cmd,
    ) -> Result<T, RedisError> {
        match self {
            Self::Single(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => {
                let route = Route::with_key(key, SlotAddr::Master);
                let node = SingleNodeRoutingInfo::SpecificNode(route);
                let answer = connection
                    .route_command(command, RoutingInfo::SingleNode(node))
                    .await?;
                Ok(redis::from_redis_value(answer)?)
            }
        }
    }
}

/// A connection that is made when it is needed, and forgotten when it fails, or when another task's did: then
/// this one is lost as well, mostly, and the first to use it would be told so.
pub(super) struct Link {
    connection: Option<Connection>,
    losses: u64,
}

impl Link {
    pub(super) const fn new() -> Self {
        Self {
            connection: None,
            losses: 0,
        }
    }

    /// The connection, and whether it is a new one.
    pub(super) async fn get(&mut self, site: &Site) -> Result<(&mut Connection, bool), RedisError> {
        let losses = site.pulse.losses();
        let kept = self.connection.take();
        let kept = kept.filter(|_| self.losses == losses);
        let is_new = kept.is_none();
        let connection = match kept {
            Some(connection) => connection,
            // Sentinels and clusters are asked one after the other, each with a limit of its own.
            None => tokio::time::timeout(2 * CONNECT, site.connector.connect())
                .await
                .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??,
        };
        self.losses = losses;
        Ok((self.connection.insert(connection), is_new))
    }

    /// The next use begins with a new connection.
    pub(super) fn forget(&mut self) {
        self.connection = None;
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// A URL, and what a store with TLS is trusted by.
struct Target {
    url: Url,
    certificates: TlsCertificates,
}

impl Target {
    fn address(&self, (host, port): &(String, u16)) -> ConnectionAddr {
        if self.url.tls {
            ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host.clone(), *port)
        }
    }

    fn single(&self) -> Result<Client, RedisError> {
        let Some(address) = self.url.addresses.first() else {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput).into());
        };
        let info = self.address(address).into_connection_info()?;
        let mut redis = info.redis_settings().clone();
        redis = redis.set_db(self.url.database.unwrap_or_default());
        if let Some(user) = &self.url.user {
            redis = redis.set_username(user.as_str());
        }
        if let Some(password) = &self.url.password {
            redis = redis.set_password(password.as_str());
        }
        let info = info.set_redis_settings(redis);
        if self.url.tls {
            Client::build_with_tls(info, self.certificates.clone())
        } else {
            Client::open(info)
        }
    }

    fn cluster(&self) -> Result<ClusterClient, RedisError> {
        let nodes: Result<Vec<_>, _> = self
            .url
            .addresses
            .iter()
            .map(|address| self.address(address).into_connection_info())
            .collect();
        let mut builder = ClusterClientBuilder::new(nodes?)
            .connection_timeout(CONNECT)
            .response_timeout(ANSWER)
            // What is asked again after it was not answered would be done twice.
            .overall_response_timeout(Some(ANSWER))
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(CLUSTER_RETRY_WAIT / 8)
            .max_retry_wait(CLUSTER_RETRY_WAIT);
        if self.url.tls {
            builder = builder
                .tls(TlsMode::Secure)
                .certs(self.certificates.clone());
        }
        if let Some(user) = &self.url.user {
            builder = builder.username(user);
        }
        if let Some(password) = &self.url.password {
            builder = builder.password(password);
        }
        builder.build()
    }

    fn sentinels(&self) -> Result<Sentinels, RedisError> {
        let has_user = self.url.user.is_some() || self.url.password.is_some();
        Ok(Sentinels {
            same_user: self.sentinel(true)?,
            no_user: has_user.then(|| self.sentinel(false)).transpose()?,
        })
    }

    fn sentinel(&self, with_user: bool) -> Result<SentinelClient, RedisError> {
        let url = &self.url;
        let sentinels = url.addresses.iter().map(|address| self.address(address));
        let service = url.service.as_deref().unwrap_or_default();
        let mut builder =
            SentinelClientBuilder::new(sentinels, service, SentinelServerType::Master)?;
        if url.tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(self.certificates.clone())
                .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_certificates(self.certificates.clone());
        }
        if let Some(database) = url.database {
            builder = builder.set_client_to_redis_db(database);
        }
        if let Some(user) = &url.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &url.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(user) = url.user.as_ref().filter(|_| with_user) {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = url.password.as_ref().filter(|_| with_user) {
            builder = builder.set_client_to_sentinel_password(password);
        }
        builder.build()
    }
}
