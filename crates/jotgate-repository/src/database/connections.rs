//! Connections to PostgreSQL: few, each with a time limit on everything.
//!
//! Not sqlx's pool: that one asks a connection that is given back whether it is still there, without a
//! time limit, and a server that fell silent would take every place with it. Here a connection
//! goes back only when it is known to be good, and is thrown away otherwise, which rolls back
//! whatever was open.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long the server may take for anything. It gives up a little earlier by itself.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// How many connections there may be, beside the one that listens.
const CONNECTIONS: usize = 4;
/// A connection that was not used for so long is tried first: the server may have been restarted.
const FRESH: Duration = Duration::from_secs(2);
/// How long that may take.
const TRIAL: Duration = Duration::from_secs(1);
/// A connection that was not used for so long is closed: the nodes of a fleet share the places of one
/// server.
const IDLE: Duration = Duration::from_secs(60);

/// What each connection begins with. An acknowledged save survives a crash of the server, whatever
/// its default is.
const BEGINNING: &str = "SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                         THEN set_config('synchronous_commit', 'on', false) END";

/// The connections. A copy shares them.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// A connection in use.
pub(crate) struct Taken {
    /// Nothing once it is back.
    connection: Option<PgConnection>,
    /// Whether the last answer has arrived, and was none of an error.
    is_good: bool,
    is_in_transaction: bool,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Connections {
    /// None is made yet.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self(Arc::new(Shared {
            options,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: Mutex::default(),
        }))
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    /// A connection that works, as far as one can know.
    pub(crate) async fn take(&self) -> Result<Taken, sqlx::Error> {
        let place = timeout(ANSWER, self.0.places.clone().acquire_owned());
        let place = place.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.used_before().await {
            Some(connection) => connection,
            None => within(connect(&self.0.options)).await?,
        };
        Ok(Taken {
            connection: Some(connection),
            is_good: true,
            is_in_transaction: false,
            shared: self.0.clone(),
            _place: place,
        })
    }

    async fn used_before(&self) -> Option<PgConnection> {
        loop {
            let newest = self.0.idle.lock().pop();
            let Idle {
                mut connection,
                since,
            } = newest?;
            if since.elapsed() < FRESH {
                return Some(connection);
            }
            match timeout(TRIAL, connection.ping()).await {
                Ok(Ok(())) => return Some(connection),
                // The others are as old or older, and went where this one went.
                Ok(Err(_)) | Err(_) => self.0.idle.lock().clear(),
            }
        }
    }

    /// Waits for those in use, and closes all. Nothing can be taken any more.
    pub(crate) async fn close(&self) {
        let places = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let all = self.0.places.acquire_many(places);
        timeout(ANSWER, all).await.ok();
        self.0.places.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        for idle in idle {
            timeout(TRIAL, idle.connection.close()).await.ok();
        }
    }
}

/// A connection of one's own.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    connection.execute(BEGINNING).await?;
    Ok(connection)
}

/// What the server answers, or that it did not.
pub(crate) async fn within<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = timeout(ANSWER, answer).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

impl Taken {
    /// The connection, to say something: until [`Self::finish`] it counts as spoilt.
    pub(crate) fn start(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.is_good = false;
        // It is there until this is dropped.
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// After an error of whatever kind the next one gets another connection: the server may be
    /// shutting down, or may have become one that only reads.
    pub(crate) fn finish<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_good = answer.is_ok();
        answer
    }

    pub(crate) const fn set_in_transaction(&mut self, is_in_transaction: bool) {
        self.is_in_transaction = is_in_transaction;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let is_reusable = self.is_good && !self.is_in_transaction;
        let connection = self.connection.take().filter(|_| is_reusable);
        let is_open = !self.shared.places.is_closed();
        if let Some(connection) = connection.filter(|_| is_open) {
            let since = Instant::now();
            let mut idle = self.shared.idle.lock();
            // The one that came back last is taken first, so that those which nobody needs grow old.
            idle.retain(|idle| idle.since.elapsed() < IDLE);
            idle.push(Idle { connection, since });
        }
    }
}

/// Leaves the options out: they hold the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections(..)")
    }
}
