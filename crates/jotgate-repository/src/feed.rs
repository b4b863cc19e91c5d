//! How a node hears of what others have stored.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::database::{CHANNEL, Connections, Database, Statement, within};
use crate::repository::current_revision;
use crate::{Repository, RepositoryError};

/// How often a node looks without having been told. Every change holds everywhere within a second or
/// two, even when no notice arrives.
const POLL: Duration = Duration::from_secs(1);
/// Looks are so far apart at least: notices that come meanwhile are one. A change after a quiet moment
/// is looked at when its notice comes.
const APART: Duration = Duration::from_millis(50);
/// How many notices are taken away at a time, at most: with the next look come those that are left.
const AT_ONCE: usize = 10_000;
/// After this time without a notice, the connection that they come on is tried.
const SILENCE: Duration = Duration::from_secs(10);

/// What has changed since it was last looked at can be told from these: each counts up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The number of the newest save of the configuration.
    pub revision: u64,
    /// How often something was changed that nodes keep in memory: the configuration, users who are
    /// blocked or have roles, API keys, revocations. Nothing where that is not counted.
    pub changes: Option<u64>,
}

/// Notices of changes that other nodes make.
pub struct Feed {
    options: PgConnectOptions,
    listener: Option<PgListener>,
    heard: Instant,
    /// When it was looked last.
    looked: Instant,
}

impl Repository {
    /// What has changed.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn marks(&self) -> Result<Marks, RepositoryError> {
        let mut link = self.database().reading().await?;
        if matches!(self.database(), Database::Sqlite(_)) {
            let revision = current_revision(&mut link).await?;
            let changes = None;
            return Ok(Marks { revision, changes });
        }
        let (revision, changes): (i64, i64) = Statement::new(
            "SELECT (SELECT coalesce(max(revision), 0) FROM revisions), number FROM fleet",
        )
        .one(&mut link)
        .await?;
        Ok(Marks {
            revision: revision.unsigned_abs(),
            changes: Some(changes.unsigned_abs()),
        })
    }

    /// Tells when other nodes may have changed something; nothing for SQLite, which no other node has.
    #[must_use]
    pub fn feed(&self) -> Option<Feed> {
        match self.database() {
            Database::Postgres(connections) => Some(Feed::new(connections)),
            Database::Sqlite(_) => None,
        }
    }
}

impl Feed {
    fn new(connections: &Connections) -> Self {
        Self {
            options: connections.options().clone(),
            listener: None,
            heard: Instant::now(),
            looked: Instant::now(),
        }
    }

    /// Waits until something has changed, or a second has passed. Whoever looks at [`Marks`] each time
    /// misses nothing, whatever becomes of notices. However many there are, it is 20 looks a second at
    /// most.
    pub async fn wait(&mut self) {
        self.hear().await;
        sleep_until(self.looked + APART).await;
        // What they tell of is found by the same look.
        self.take_away().await;
        self.looked = Instant::now();
    }

    /// Takes away the notices that are there.
    async fn take_away(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(listener) = &mut self.listener else {
                return;
            };
            match timeout(Duration::ZERO, listener.try_recv()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None) | Err(_)) => self.listener = None,
                Err(_) => return,
            }
        }
    }

    async fn hear(&mut self) {
        let end = Instant::now() + POLL;
        let Some(listener) = &mut self.listener else {
            self.listener = within(listen(&self.options)).await.ok();
            self.heard = Instant::now();
            // What changed before it listened was not told.
            if self.listener.is_none() {
                sleep_until(end).await;
            }
            return;
        };
        match timeout_at(end, listener.try_recv()).await {
            Ok(Ok(Some(_))) => self.heard = Instant::now(),
            // The connection is gone.
            Ok(Ok(None) | Err(_)) => self.listener = None,
            Err(_) if self.heard.elapsed() > SILENCE => {
                let answered = within(sqlx::query("SELECT 1").execute(listener)).await;
                self.heard = Instant::now();
                if answered.is_err() {
                    self.listener = None;
                }
            }
            Err(_) => {}
        }
    }
}

/// Its pool is its own: it makes no other connection.
async fn listen(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
