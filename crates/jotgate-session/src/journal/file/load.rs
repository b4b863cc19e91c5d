//! Reading the journal back.

use futures_util::TryStreamExt as _;
use jotgate_model::{Attributes, Identity, UnixTime, User};
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _};
use uuid::Uuid;

use super::{JournalFile, delete_numbers};
use crate::SessionKey;
use crate::store::{Beginning, Memory, Restored, Stored, TokenId};

impl JournalFile {
    /// Gives everything to `memory`, and the time at which the journal began. One row that makes no
    /// sense is enough to refuse the file: what else in it is wrong cannot be known.
    pub(crate) async fn load(&mut self, memory: &Memory) -> Result<UnixTime, Error> {
        let began = sqlx::query_scalar("SELECT began FROM journal")
            .fetch_one(&mut self.connection)
            .await?;
        let mut replaced = Vec::new();
        let mut rows = sqlx::query(ALL_SESSIONS).fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            if !restore_session(&row, memory)? {
                replaced.push(row.try_get(NUMBER)?);
            }
        }
        drop(rows);
        if !replaced.is_empty() {
            delete_numbers(&mut self.connection, replaced.into_iter()).await?;
        }
        let mut rows = sqlx::query("SELECT id, until FROM used_token").fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            let id = TokenId::from_bytes(bytes(&row, 0)?);
            memory.used_tokens.restore(id, UnixTime(row.try_get(1)?));
        }
        Ok(UnixTime(began))
    }
}

/// Everything that is known of a session.
macro_rules! sessions {
    ($which:literal) => {
        concat!(
            "SELECT key, public_id, virtual_proxy, named, user_directory, user_id, attributes,
                created, expires, token_issued, key_fingerprint, client_address, user_agent,
                coalesce(at, created), number
             FROM session LEFT JOIN last_activity ON last_activity.session = session.number ",
            $which
        )
    };
}

/// The newest first: of two with one named id it is the one that counts.
const ALL_SESSIONS: &str = sessions!("ORDER BY number DESC");
/// The one of a number.
pub(super) const ONE_SESSION: &str = sessions!("WHERE session.number = ?1");
/// The column of the number.
const NUMBER: usize = 14;

/// Gives a session to `memory`. `false` when its id, which a program named, is that of a newer one:
/// the process was killed after that one was written, and before the end of this one was.
pub(super) fn restore_session(row: &SqliteRow, memory: &Memory) -> Result<bool, Error> {
    let public_id: &str = row.try_get(1)?;
    let attributes: &str = row.try_get(6)?;
    let attributes: Attributes = serde_json::from_str(attributes).map_err(decode)?;
    let fingerprint: Option<&[u8]> = row.try_get(10)?;
    let identity = Identity {
        user: User::new(row.try_get::<&str, _>(4)?, row.try_get::<&str, _>(5)?),
        attributes,
    };
    let time = |index| -> Result<Option<UnixTime>, Error> {
        Ok(row.try_get::<Option<i64>, _>(index)?.map(UnixTime))
    };
    let stored = Stored {
        number: row.try_get(NUMBER)?,
        key: SessionKey::from_bytes(bytes(row, 0)?),
        public_id: Uuid::try_parse(public_id).map_err(decode)?,
        named: row.try_get(3)?,
        beginning: Beginning {
            virtual_proxy: Uuid::from_bytes(bytes(row, 2)?),
            identity: &identity,
            created: UnixTime(row.try_get(7)?),
            expires: time(8)?,
            token_issued: time(9)?,
            key_fingerprint: fingerprint
                .map(TryInto::try_into)
                .transpose()
                .map_err(decode)?,
            client_address: row.try_get(11)?,
            user_agent: row.try_get(12)?,
        },
        last_activity: UnixTime(row.try_get(13)?),
    };
    match memory.restore(&stored) {
        Restored::Yes => Ok(true),
        Restored::KeyTaken if stored.named => Ok(false),
        Restored::KeyTaken => Err(decode("two sessions have one key")),
        Restored::Senseless => Err(decode(
            "a session's key and public id do not belong together",
        )),
    }
}

fn bytes<const N: usize>(row: &SqliteRow, index: usize) -> Result<[u8; N], Error> {
    let bytes: &[u8] = row.try_get(index)?;
    bytes.try_into().map_err(decode)
}

fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Decode(error.into())
}
