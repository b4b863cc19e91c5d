//! Two processes at one journal, while one takes the other's place.
//!
//! Each notes what it changes in the table `shared_change`, in the transaction that changes it, and
//! reads what the other one notes. So nothing that was acknowledged is missed, whichever of the two
//! is killed, and the order of the notes is the order of the transactions. To read a note twice does
//! nothing.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Error};

use super::load::{ONE_SESSION, restore_session};
use super::{JournalFile, explain, json_array};
use crate::journal::queue::Batch;
use crate::store::Memory;
use crate::{EndReason, OpenError, Session, SessionKey};

const CREATED: i64 = 0;
const USED: i64 = 1;

/// How many notes are read at once.
const NOTES: i64 = 1_000;

impl JournalFile {
    /// Which process this is.
    pub(crate) const fn writer(&self) -> i64 {
        self.writer
    }

    /// Notes what a batch changes, as a part of its transaction. Ends go first: a program may have
    /// named a new session as one of these, whose place the other process has to clear before.
    pub(super) async fn note_batch(&mut self, batch: &Batch, numbers: &[i64]) -> Result<(), Error> {
        let ends = batch.ends.iter().filter_map(|session| {
            let end = session.ended().map_or(USED, |end| i64::from(end as u8));
            Some((session.number()?, &**session, end))
        });
        self.note(ends).await?;
        let created = batch.creations.iter().zip(numbers);
        self.note(created.map(|(creation, number)| (*number, &*creation.session, CREATED)))
            .await
    }

    /// Notes that sessions were used.
    pub(crate) async fn note_activity(&mut self, sessions: &[Arc<Session>]) -> Result<(), Error> {
        let used = sessions.iter();
        self.note(used.filter_map(|session| Some((session.number()?, &**session, USED))))
            .await
    }

    async fn note<'a>(
        &mut self,
        notes: impl Iterator<Item = (i64, &'a Session, i64)>,
    ) -> Result<(), Error> {
        let rows = json_array(notes.map(|(number, session, what)| {
            format!("[{number},\"{}\",{what}]", Hex(session.key()))
        }));
        if rows == "[]" {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO shared_change (writer, session, key, what)
             SELECT ?1, value ->> 0, unhex(value ->> 1), value ->> 2 FROM json_each(?2)",
        )
        .bind(self.writer)
        .bind(rows)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

struct Hex(SessionKey);

impl Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.0.as_bytes().iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads what another process notes.
pub(crate) struct Follower {
    connection: SqliteConnection,
    writer: i64,
    memory: Arc<Memory>,
    /// The last note that was read.
    read: i64,
}

/// What a note is about.
struct Note {
    number: i64,
    session: i64,
    key: SessionKey,
    what: i64,
}

impl Follower {
    /// Opens the journal once more. `writer` is this process.
    pub(crate) async fn open(
        path: &Path,
        writer: i64,
        memory: &Arc<Memory>,
    ) -> Result<Self, OpenError> {
        let connection = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(Duration::from_secs(2))
            .disable_statement_logging()
            .connect()
            .await
            .map_err(|error| explain(error, path))?;
        Ok(Self {
            connection,
            writer,
            memory: Arc::clone(memory),
            read: 0,
        })
    }

    /// Takes over everything that the other process has noted so far.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Error> {
        loop {
            let notes = self.notes().await?;
            let Some(last) = notes.last().map(|note| note.number) else {
                return Ok(());
            };
            for note in notes {
                self.take_over(&note).await?;
            }
            self.read = last;
        }
    }

    async fn notes(&mut self) -> Result<Vec<Note>, Error> {
        let rows: Vec<(i64, i64, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT number, session, key, what FROM shared_change
             WHERE number > ?1 AND writer <> ?2 ORDER BY number LIMIT ?3",
        )
        .bind(self.read)
        .bind(self.writer)
        .bind(NOTES)
        .fetch_all(&mut self.connection)
        .await?;
        rows.into_iter()
            .map(|(number, session, key, what)| {
                let key = key
                    .try_into()
                    .map_err(|_| Error::Decode("the key of a session has another length".into()))?;
                Ok(Note {
                    number,
                    session,
                    key: SessionKey::from_bytes(key),
                    what,
                })
            })
            .collect()
    }

    async fn take_over(&mut self, note: &Note) -> Result<(), Error> {
        let known = self.memory.table.find(&note.key);
        let known = known.filter(|session| session.number() == Some(note.session));
        let end = u8::try_from(note.what).ok().and_then(EndReason::from_code);
        match (known, end) {
            (Some(session), Some(end)) => {
                self.memory.finish(&session, end);
            }
            (Some(session), None) => self.see_use(&session, note.session).await?,
            // Unless it has ended again meanwhile, which a later note says.
            (None, None) if note.what == CREATED => {
                let row = sqlx::query(ONE_SESSION)
                    .bind(note.session)
                    .fetch_optional(&mut self.connection)
                    .await?;
                if let Some(row) = row
                    && !restore_session(&row, &self.memory)?
                {
                    // One that is being opened here with the same secret, named by a program.
                    tracing::warn!(
                        "a session of the other process is not taken over: its id is in use"
                    );
                }
            }
            (None, _) => {}
        }
        Ok(())
    }

    async fn see_use(&mut self, session: &Session, number: i64) -> Result<(), Error> {
        let at: Option<i64> = sqlx::query_scalar("SELECT at FROM last_activity WHERE session = ?1")
            .bind(number)
            .fetch_optional(&mut self.connection)
            .await?;
        if let Some(at) = at {
            session.touch(UnixTime(at));
        }
        Ok(())
    }

    /// Removes all notes: nobody reads them any more.
    pub(crate) async fn forget(mut self) {
        let forgotten = sqlx::query("DELETE FROM shared_change")
            .execute(&mut self.connection)
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "the notes for another process were not removed; they do no harm");
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}
