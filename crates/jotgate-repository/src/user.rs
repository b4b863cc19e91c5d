//! The users: everybody who has signed in, or whom an administrator has named.
//!
//! There may be millions, so they are no part of the configuration and are never read as a whole.

use jotgate_model::{Attributes, Identity, Roles, Timestamp, User, UserKey};
use uuid::Uuid;

use crate::database::{Link, Statement};
use crate::{AuditEntry, Repository, RepositoryError};

/// A user as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    /// Names it in interfaces; stays the same for ever.
    pub id: Uuid,
    /// Directory and id as they were first written.
    pub user: User,
    /// The display name.
    pub name: String,
    /// What the user may do as an administrator.
    pub roles: Roles,
    /// What the newest sign-in told.
    pub attributes: Attributes,
    /// Whether the user is kept out.
    pub blocked: bool,
    /// When the user became known.
    pub created: Timestamp,
    /// When an administrator changed the user.
    pub modified: Timestamp,
    /// Who did.
    pub modified_by: String,
    /// The newest sign-in, if there was any.
    pub last_seen: Option<Timestamp>,
}

impl StoredUser {
    /// A user who has not signed in yet.
    #[must_use]
    pub fn new(user: User, author: &str, now: Timestamp) -> Self {
        Self {
            id: Uuid::new_v4(),
            name: user.id.to_string(),
            user,
            roles: Roles::default(),
            attributes: Vec::new(),
            blocked: false,
            created: now,
            modified: now,
            modified_by: author.to_owned(),
            last_seen: None,
        }
    }
}

/// What is asked of users by whoever looks for few of many. What is left out does not matter.
///
/// Texts are compared without the case of ASCII letters, and the Kelvin sign is a k as in some other
/// comparisons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNarrowing {
    /// The id.
    pub id: Option<String>,
    /// The directory.
    pub directory: Option<String>,
    /// The id within the directory.
    pub user_id: Option<String>,
    /// The display name.
    pub name: Option<String>,
}

/// What users are ordered by. Texts are compared as in a [`UserNarrowing`], by their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserOrder {
    /// The directory, and the id of those who have the same.
    #[default]
    Directory,
    /// The id within the directory.
    UserId,
    /// The display name.
    Name,
}

/// A sign-in that is to be noted.
#[derive(Clone, Debug)]
pub struct NotedSignIn {
    /// Who, with which attributes.
    pub identity: Identity,
    /// When.
    pub at: Timestamp,
}

const COLUMNS: &str = "id, directory, user_id, name, roles, attributes, blocked, created, modified, \
                       modified_by, last_seen";

impl Repository {
    /// The user of that id.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn user(&self, id: Uuid) -> Result<Option<StoredUser>, RepositoryError> {
        let id = id.to_string();
        let found: Option<Row> = Statement::new(select("WHERE id = $1"))
            .bind(id)
            .optional(&mut self.database().reading().await?)
            .await?;
        Ok(found.and_then(Row::read))
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn user_of_name(&self, key: &UserKey) -> Result<Option<StoredUser>, RepositoryError> {
        let found: Option<Row> = Statement::new(select("WHERE key = $1"))
            .bind(key.as_str())
            .optional(&mut self.database().reading().await?)
            .await?;
        Ok(found.and_then(Row::read))
    }

    /// At most `limit` users after the one of that key who are in `narrowing`, ordered by directory and
    /// id without case. Begin with nothing, go on with the last one: nobody is skipped, whoever comes meanwhile.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn users_after(
        &self,
        key: Option<&UserKey>,
        limit: u32,
        narrowing: &UserNarrowing,
    ) -> Result<Vec<StoredUser>, RepositoryError> {
        let mut condition = "WHERE key > $1".to_owned();
        let mut texts = Vec::new();
        let narrowed = [
            ("id".to_owned(), &narrowing.id),
            (folded("directory"), &narrowing.directory),
            (folded("user_id"), &narrowing.user_id),
            (folded("name"), &narrowing.name),
        ];
        for (column, text) in narrowed {
            if let Some(text) = text {
                texts.push(text.replace('\u{212a}', "k").to_ascii_lowercase());
                condition += &format!(" AND {column} = ${}", texts.len() + 2);
            }
        }
        let statement = select(&format!("{condition} ORDER BY key LIMIT $2"));
        let asked = Statement::new(statement)
            .bind(key.map_or("", UserKey::as_str))
            .bind(limit);
        let rows: Vec<Row> = texts
            .into_iter()
            .fold(asked, Statement::bind)
            .all(&mut self.database().reading().await?)
            .await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// At most `limit` users, without the first `offset`, ordered by directory and id without case.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn users(&self, offset: u32, limit: u32) -> Result<Vec<StoredUser>, RepositoryError> {
        let order = UserOrder::default();
        self.ordered_users(order, false, offset, limit).await
    }

    /// At most `limit` users, without the first `offset`, in that order or, `descending`, the other way round.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn ordered_users(
        &self,
        order: UserOrder,
        descending: bool,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<StoredUser>, RepositoryError> {
        let way = if descending { "DESC" } else { "ASC" };
        let first = match order {
            UserOrder::Directory => String::new(),
            UserOrder::UserId => format!("{} {way}, ", folded("user_id")),
            UserOrder::Name => format!("{} {way}, ", folded("name")),
        };
        let statement = select(&format!("ORDER BY {first}key {way} LIMIT $1 OFFSET $2"));
        let rows: Vec<Row> = Statement::new(statement)
            .bind(limit)
            .bind(offset)
            .all(&mut self.database().reading().await?)
            .await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// How many users there are.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn count_users(&self) -> Result<u64, RepositoryError> {
        let (count,): (i64,) = Statement::new("SELECT count(*) FROM users")
            .one(&mut self.database().reading().await?)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Everybody who is blocked or has a role.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn users_with_standing(&self) -> Result<Vec<StoredUser>, RepositoryError> {
        let rows: Vec<Row> = Statement::new(select("WHERE blocked <> 0 OR roles <> ''"))
            .all(&mut self.database().reading().await?)
            .await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// Notes sign-ins: makes the users who are new, and keeps the newest attributes of the others.
    /// On disk when this returns, all of them or none.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn note_sign_ins(&self, sign_ins: &[NotedSignIn]) -> Result<(), RepositoryError> {
        let mut link = self.database().writing_beside_others().await?;
        // Two nodes that note the same users do it in the same order: neither waits for the other
        // while that one waits for it. Of one user, the newest sign-in stays the last one.
        let mut sign_ins: Vec<&NotedSignIn> = sign_ins.iter().collect();
        sign_ins.sort_by_cached_key(|sign_in| sign_in.identity.user.key());
        for NotedSignIn { identity, at } in sign_ins {
            let user = StoredUser {
                attributes: identity.attributes.clone(),
                last_seen: Some(*at),
                ..StoredUser::new(identity.user.clone(), "", *at)
            };
            insert(&mut link, &user, "attributes, last_seen").await?;
        }
        link.commit().await?;
        Ok(())
    }

    /// Stores what an administrator says of a user: name, roles, block. A user of the same name keeps
    /// id and sign-ins. `false`: the user is no longer as it was read, `before`, and nothing was stored; another node
    /// may have blocked it meanwhile. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn put_user(
        &self,
        before: Option<&StoredUser>,
        user: &StoredUser,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        if !is_still(&mut link, before, user).await? {
            link.roll_back().await;
            return Ok(false);
        }
        put(&mut link, user).await?;
        self.commit(link, &[entry]).await?;
        Ok(true)
    }

    /// Deletes a user; `false` when there is none of that id. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn delete_user(&self, id: Uuid, entry: AuditEntry) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        let deleted = Statement::new("DELETE FROM users WHERE id = $1")
            .bind(id.to_string())
            .run(&mut link)
            .await?;
        if deleted == 0 {
            link.roll_back().await;
            return Ok(false);
        }
        self.commit(link, &[entry]).await?;
        Ok(true)
    }
}

/// Whether nobody has changed the user since it was read, within a transaction. Sign-ins are no changes.
pub(crate) async fn is_still(
    link: &mut Link,
    before: Option<&StoredUser>,
    user: &StoredUser,
) -> Result<bool, RepositoryError> {
    let modified: Option<(i64,)> = Statement::new("SELECT modified FROM users WHERE key = $1")
        .bind(user.user.key().as_str())
        .optional(link)
        .await?;
    let known = before.map(|before| before.modified.as_millis());
    Ok(modified.map(|(modified,)| modified) == known)
}

/// What an administrator says of a user, within a transaction.
pub(crate) async fn put(link: &mut Link, user: &StoredUser) -> Result<(), RepositoryError> {
    let columns = "name, roles, blocked, modified, modified_by";
    insert(link, user, columns).await
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users {rest}"))
}

/// A column as it is compared and ordered: what the indexes of the users are made of. In every database
/// that we use, `lower` changes the letters of ASCII and no others.
fn folded(column: &str) -> String {
    format!("lower(replace({column}, '\u{212a}', 'k'))")
}

/// Inserts a user, or replaces `columns` of the one who has the name already.
async fn insert(link: &mut Link, user: &StoredUser, columns: &str) -> Result<(), RepositoryError> {
    let replaced: Vec<String> = columns
        .split(", ")
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let statement = format!(
        "INSERT INTO users ({COLUMNS}, key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (key) DO UPDATE SET {}",
        replaced.join(", ")
    );
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name()).collect();
    let attributes = serde_json::to_string(&user.attributes)
        .map_err(|error| RepositoryError::Unavailable(error.to_string()))?;
    Statement::new(sqlx::AssertSqlSafe(statement))
        .bind(user.id.to_string())
        .bind(&*user.user.directory)
        .bind(&*user.user.id)
        .bind(&user.name)
        .bind(roles.join(","))
        .bind(attributes)
        .bind(i64::from(user.blocked))
        .bind(user.created.as_millis())
        .bind(user.modified.as_millis())
        .bind(&user.modified_by)
        .bind(user.last_seen.map(Timestamp::as_millis))
        .bind(user.user.key().as_str())
        .run(link)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    directory: String,
    user_id: String,
    name: String,
    roles: String,
    attributes: String,
    blocked: i64,
    created: i64,
    modified: i64,
    modified_by: String,
    last_seen: Option<i64>,
}

impl Row {
    /// A role that a newer version has written is unknown here, and gives nobody anything.
    fn read(self) -> Option<StoredUser> {
        Some(StoredUser {
            id: self.id.parse().ok()?,
            user: User::new(self.directory, self.user_id),
            name: self.name,
            roles: self
                .roles
                .split(',')
                .filter_map(jotgate_model::Role::from_name)
                .collect(),
            attributes: serde_json::from_str(&self.attributes).unwrap_or_default(),
            blocked: self.blocked != 0,
            created: Timestamp::from_millis(self.created),
            modified: Timestamp::from_millis(self.modified),
            modified_by: self.modified_by,
            last_seen: self.last_seen.map(Timestamp::from_millis),
        })
    }
}

#[cfg(test)]
mod tests;
