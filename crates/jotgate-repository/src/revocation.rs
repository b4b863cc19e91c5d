//! What was revoked. Beside the documents: a revocation is no configuration, has no revision, and
//! ends by itself.

use jotgate_model::{Timestamp, UnixTime, User};
use uuid::Uuid;

use crate::database::Statement;
use crate::{AuditEntry, Repository, RepositoryError};

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its own id.
    pub id: Uuid,
    /// What is refused.
    pub subject: Revoked,
    /// When it is over; nothing: never.
    pub until: Option<UnixTime>,
    /// When it was made.
    pub at: Timestamp,
    /// By whom.
    pub author: String,
    /// Why, in one line.
    pub note: String,
}

/// What a revocation refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One token.
    Token {
        /// Its SHA-256.
        hash: [u8; 32],
    },
    /// The tokens with a `jti` at a virtual proxy.
    TokenId {
        /// The virtual proxy.
        virtual_proxy: Uuid,
        /// The `jti`.
        jti: String,
    },
    /// What a user got before some time.
    UserTokens {
        /// The user.
        user: User,
        /// Tokens with an `iat` before this are refused.
        issued_before: UnixTime,
    },
}

impl Revoked {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::TokenId { .. } => "token_id",
            Self::UserTokens { .. } => "user",
        }
    }
}

impl Repository {
    /// The revocations that are not over at `now`, oldest first. Kinds that a newer version stored
    /// are passed over.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn revocations(&self, now: UnixTime) -> Result<Vec<Revocation>, RepositoryError> {
        let rows: Vec<Row> = Statement::new(
            "SELECT id, kind, token, virtual_proxy, jti, user_directory, user_id, issued_before,
                    until, at, author, note
             FROM revocations WHERE until IS NULL OR until > $1 ORDER BY at, id",
        )
        .bind(now.0)
        .all(&mut self.database().reading().await?)
        .await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// Stores a revocation, and forgets those that are over at `now`. It is on disk when this
    /// returns. `false`: there are `max` already, and nothing was stored.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn add_revocation(
        &self,
        revocation: &Revocation,
        max: u32,
        now: UnixTime,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        Statement::new("DELETE FROM revocations WHERE until <= $1")
            .bind(now.0)
            .run(&mut link)
            .await?;
        let (count,): (i64,) = Statement::new("SELECT count(*) FROM revocations")
            .one(&mut link)
            .await?;
        if count >= i64::from(max) {
            link.commit().await?;
            return Ok(false);
        }
        insert(revocation).run(&mut link).await?;
        self.commit(link, &[entry]).await?;
        Ok(true)
    }

    /// Removes a revocation; `false` when there is none of that id. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn remove_revocation(
        &self,
        id: Uuid,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        let removed = Statement::new("DELETE FROM revocations WHERE id = $1")
            .bind(id.to_string())
            .run(&mut link)
            .await?;
        if removed == 0 {
            link.roll_back().await;
            return Ok(false);
        }
        self.commit(link, &[entry]).await?;
        Ok(true)
    }
}

fn insert(revocation: &Revocation) -> Statement {
    let query = Statement::new(
        "INSERT INTO revocations (id, kind, token, virtual_proxy, jti, user_directory, user_id,
                                  issued_before, until, at, author, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(revocation.id.to_string())
    .bind(revocation.subject.kind());
    let none = None::<String>;
    let query = match &revocation.subject {
        Revoked::Token { hash } => query
            .bind(Some(hex(hash)))
            .bind(none.clone())
            .bind(none.clone())
            .bind(none.clone())
            .bind(none)
            .bind(None::<i64>),
        Revoked::TokenId { virtual_proxy, jti } => query
            .bind(none.clone())
            .bind(Some(virtual_proxy.to_string()))
            .bind(Some(jti))
            .bind(none.clone())
            .bind(none)
            .bind(None::<i64>),
        Revoked::UserTokens {
            user,
            issued_before,
        } => query
            .bind(none.clone())
            .bind(none.clone())
            .bind(none)
            .bind(Some(user.directory.to_string()))
            .bind(Some(user.id.to_string()))
            .bind(Some(issued_before.0)),
    };
    query
        .bind(revocation.until.map(|until| until.0))
        .bind(revocation.at.as_millis())
        .bind(&revocation.author)
        .bind(&revocation.note)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    token: Option<String>,
    virtual_proxy: Option<String>,
    jti: Option<String>,
    user_directory: Option<String>,
    user_id: Option<String>,
    issued_before: Option<i64>,
    until: Option<i64>,
    at: i64,
    author: String,
    note: String,
}

impl Row {
    fn read(self) -> Option<Revocation> {
        let subject = match self.kind.as_str() {
            "token" => Revoked::Token {
                hash: unhex(&self.token?)?,
            },
            "token_id" => Revoked::TokenId {
                virtual_proxy: self.virtual_proxy?.parse().ok()?,
                jti: self.jti?,
            },
            "user" => Revoked::UserTokens {
                user: User::new(self.user_directory?, self.user_id?),
                issued_before: UnixTime(self.issued_before?),
            },
            _ => return None,
        };
        Some(Revocation {
            id: self.id.parse().ok()?,
            subject,
            until: self.until.map(UnixTime),
            at: Timestamp::from_millis(self.at),
            author: self.author,
            note: self.note,
        })
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
