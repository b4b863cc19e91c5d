//! Users: who is known, who is blocked (`blacklisted`), who administers.
//!
//! There may be millions. They are no documents of the configuration, are read from the database page by
//! page, and have no selections and tables.

use jotgate_manage::{StoredUser, UserChange};
use jotgate_model::{Role, Roles, Timestamp, User};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Asked;
use super::address::Verb;
use super::entity::{Members, wrong_field};
use super::filter::{Bound, Filter};
use super::order::Order;
use super::wire::USER;
use crate::answer::Answer;
use crate::body;
use crate::problem::Problem;

/// How many users one answer shows.
const MAX_SHOWN: usize = 100_000;
/// How many are read at a time.
const PAGE: u32 = 1000;

/// What is asked of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    /// `user`: all of them in short, or a new one.
    Collection,
    /// `user/count`
    Count,
    /// `user/full`
    Full,
    /// `user/{id}`
    Item(Uuid),
}

impl Users {
    /// What these segments of an address, in lower case, ask for; nothing when it is about something
    /// else.
    pub(super) fn find(segments: &[&str]) -> Option<Self> {
        match segments {
            ["user"] => Some(Self::Collection),
            ["user", "count"] => Some(Self::Count),
            ["user", "full"] => Some(Self::Full),
            ["user", id] => id.parse().ok().map(Self::Item),
            _ => None,
        }
    }

    pub(super) const fn verbs(self) -> &'static [Verb] {
        match self {
            Self::Collection => &[Verb::Read, Verb::Create],
            Self::Item(_) => &[Verb::Delete, Verb::Read, Verb::Update],
            Self::Count | Self::Full => &[Verb::Read],
        }
    }

    pub(super) async fn answer(
        self,
        asked: &Asked<'_>,
        verb: Verb,
        body: Value,
    ) -> Result<Answer, Problem> {
        match (self, verb) {
            (Self::Collection, Verb::Create) => create(asked, body::object(body)?).await,
            (Self::Collection, _) => list(asked, condensed).await,
            (Self::Full, _) => list(asked, |user| user).await,
            (Self::Count, _) => count(asked).await,
            (Self::Item(id), Verb::Delete) => {
                asked.qrs.management.delete_user(asked.actor, id).await?;
                Ok(Answer::Deleted)
            }
            (Self::Item(id), Verb::Update) => update(asked, id, body::object(body)?).await,
            (Self::Item(id), _) => Ok(Answer::Json(written(asked, &stored(asked, id).await?)?)),
        }
    }
}

async fn list(asked: &Asked<'_>, shown: impl Fn(Value) -> Value) -> Result<Answer, Problem> {
    let order = match asked.query.value("orderby")? {
        None | Some("") => None,
        Some(text) => Some(Order::parse(text, &USER)?),
    };
    let mut found = Vec::new();
    each(asked, |user| {
        found.push(user);
        found.len() <= MAX_SHOWN
    })
    .await?;
    if found.len() > MAX_SHOWN {
        return Err(Problem::bad_request(format!(
            "There are more than {MAX_SHOWN} such users: choose some with a filter."
        )));
    }
    if let Some(order) = order {
        order.sort(&mut found);
    }
    Ok(Answer::Json(found.into_iter().map(shown).collect()))
}

async fn count(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let value = if filter(asked)?.is_none() {
        asked.qrs.management.count_users().await?
    } else {
        let mut count = 0_u64;
        each(asked, |_| {
            count += 1;
            true
        })
        .await?;
        count
    };
    Ok(Answer::Json(json!({ "value": value })))
}

/// Hands every user that the filter finds to `take`, ordered by name, until it says no.
async fn each(asked: &Asked<'_>, mut take: impl FnMut(Value) -> bool) -> Result<(), Problem> {
    let filter = filter(asked)?;
    let mut last = None;
    loop {
        let page = asked
            .qrs
            .management
            .users_after(last.as_ref(), PAGE)
            .await?;
        let Some(user) = page.last() else {
            return Ok(());
        };
        last = Some(user.user.key());
        for user in &page {
            let user = written(asked, user)?;
            if filter.as_ref().is_none_or(|filter| filter.holds(&user)) && !take(user) {
                return Ok(());
            }
        }
    }
}

fn filter(asked: &Asked<'_>) -> Result<Option<Bound>, Problem> {
    let text = match asked.query.value("filter")? {
        None | Some("") => return Ok(None),
        Some(text) => text,
    };
    let bound = Filter::parse(text).and_then(|filter| filter.bind(&USER));
    bound
        .map(Some)
        .map_err(|_| Problem::bad_request(format!("Cannot parse the expression: {text}")))
}

async fn create(asked: &Asked<'_>, body: Members) -> Result<Answer, Problem> {
    let (user, change) = read(body, None)?;
    if asked.qrs.management.user_of_name(&user).await?.is_some() {
        let problem = "is that of a user who is there already; update that one instead";
        return Err(wrong_field("userId", problem));
    }
    let (management, now) = (&asked.qrs.management, (asked.qrs.clock)());
    let created = management
        .change_user(asked.actor, user, change, now)
        .await?;
    Ok(Answer::Created(written(asked, &created)?))
}

async fn update(asked: &Asked<'_>, id: Uuid, body: Members) -> Result<Answer, Problem> {
    let stored = stored(asked, id).await?;
    check_version(&body, stored.modified)?;
    let (user, change) = read(body, Some(&stored))?;
    let (management, now) = (&asked.qrs.management, (asked.qrs.clock)());
    let changed = management
        .change_user(asked.actor, user, change, now)
        .await?;
    Ok(Answer::Json(written(asked, &changed)?))
}

async fn stored(asked: &Asked<'_>, id: Uuid) -> Result<StoredUser, Problem> {
    let found = asked.qrs.management.user(id).await?;
    found.ok_or_else(|| Problem::not_found(format!("There is no User with the id {id}.")))
}

/// A change must be based on the stored version or a later one, as of every entity.
fn check_version(body: &Members, stored: Timestamp) -> Result<(), Problem> {
    let sent = body.get("modifiedDate").and_then(Value::as_str);
    let Some(sent) = sent.and_then(|sent| sent.parse::<Timestamp>().ok()) else {
        let problem = "is missing; send the date of the version that the change is based on";
        return Err(wrong_field("modifiedDate", problem));
    };
    if stored <= sent {
        return Ok(());
    }
    Err(Problem::new(
        http::StatusCode::CONFLICT,
        format!(
            "The user was changed at {stored}, after the version of {sent} that this change is based \
             on; read it again and repeat the change."
        ),
    ))
}

/// What a body says of a user. What the server fills in may come along and changes nothing.
fn read(body: Members, stored: Option<&StoredUser>) -> Result<(User, UserChange), Problem> {
    let mut change = UserChange::default();
    let mut user = stored.map_or_else(|| User::new("", ""), |stored| stored.user.clone());
    for (name, value) in body {
        match name.as_str() {
            "userDirectory" | "userId" => {
                let text = text(&name, &value)?;
                let known = match name.as_str() {
                    "userId" => &mut user.id,
                    _ => &mut user.directory,
                };
                if stored.is_some() && !text.eq_ignore_ascii_case(known) {
                    return Err(wrong_field(&name, "cannot be changed; make another user"));
                }
                if stored.is_none() {
                    *known = text.into();
                }
            }
            "name" => change.name = Some(text(&name, &value)?.to_owned()),
            "blacklisted" => {
                let blocked = value.as_bool();
                let blocked = blocked.ok_or_else(|| wrong_field(&name, "must be true or false"))?;
                change.blocked = Some(blocked);
            }
            "roles" => change.roles = Some(roles(&value)?),
            _ if name == "favorites" || is_known(&name) => {}
            _ => {
                let shown: String = name.chars().take(100).collect();
                let problem = "is not known here; remove it or correct its name";
                return Err(wrong_field(&shown, problem));
            }
        }
    }
    Ok((user, change))
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        "id" | "privileges" | "schemaPath" | "modifiedByUserName"
    ) || USER.property(name).is_some()
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Problem> {
    value
        .as_str()
        .ok_or_else(|| wrong_field(name, "must be a text"))
}

fn roles(value: &Value) -> Result<Roles, Problem> {
    let names = Role::ALL.map(Role::name).join(", ");
    let wrong = || wrong_field("roles", format!("must be a list of these: {names}"));
    let items = value.as_array().ok_or_else(wrong)?.iter();
    let role = |item: &Value| item.as_str().and_then(Role::from_name).ok_or_else(wrong);
    items
        .map(role)
        .collect::<Result<Vec<_>, _>>()
        .map(Roles::from_iter)
}

fn written(asked: &Asked<'_>, user: &StoredUser) -> Result<Value, Problem> {
    let privileges = if asked.query.flag("privileges")? {
        json!(["create", "read", "update", "delete"])
    } else {
        Value::Null
    };
    let attributes = user.attributes.iter().map(
        |(name, value)| json!({"attributeType": name, "attributeValue": value, "externalId": ""}),
    );
    Ok(json!({
        "id": user.id,
        "createdDate": user.created.to_string(),
        "modifiedDate": user.modified.to_string(),
        "modifiedByUserName": user.modified_by,
        "customProperties": [],
        "userId": user.user.id,
        "userDirectory": user.user.directory,
        "userDirectoryConnectorName": user.user.directory,
        "roles": user.roles.iter().map(Role::name).collect::<Vec<_>>(),
        "attributes": attributes.collect::<Vec<_>>(),
        "name": user.name,
        "inactive": false,
        "removedExternally": false,
        "blacklisted": user.blocked,
        "deleteProhibited": false,
        "tags": [],
        "privileges": privileges,
        "schemaPath": "User",
    }))
}

fn condensed(user: Value) -> Value {
    const SHOWN: [&str; 6] = [
        "id",
        "userId",
        "userDirectory",
        "userDirectoryConnectorName",
        "name",
        "privileges",
    ];
    let members = SHOWN
        .iter()
        .map(|name| ((*name).to_owned(), user[*name].clone()));
    Value::Object(members.collect::<Map<_, _>>())
}
