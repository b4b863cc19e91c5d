//! Users: no part of the configuration, read from the database page by page.
//!
//! A list holds what its filter finds and nothing else, however many users there are.

use jotgate_manage::{Privilege, StoredUser, UserBasis, UserChange, UserNarrowing, UserOrder};
use jotgate_model::{Role, Roles, Timestamp, User};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Asked;
use super::entity::{EntityType, Members, not_found, wrong_field};
use super::filter::Bound;
use super::order::Order;
use super::sent::without_owner;
use super::wire::{Form, Reader, USER, privileges};
use crate::problem::Problem;

/// How many users are read from the database at once.
const PAGE: u32 = 2000;
/// How many users one answer is made of.
const MAX_FOUND: usize = 100_000;

/// The users that the filter finds, ordered by directory and id.
///
/// # Errors
/// 400 for more than [`MAX_FOUND`].
pub(super) async fn matching(
    asked: &Asked<'_>,
    filter: Option<&Bound>,
    form: Form,
) -> Result<Vec<Value>, Problem> {
    let mut found = Vec::new();
    visit(asked, filter, form, |user| {
        if found.len() == MAX_FOUND {
            return Err(Problem::bad_request(format!(
                "There are more than {MAX_FOUND} such users: choose some with a filter."
            )));
        }
        found.push(user);
        Ok(())
    })
    .await?;
    Ok(found)
}

/// `take` of all users in full, without the first `skip`, when the database has them in that order;
/// else nothing. It does not know the case of letters beyond ASCII.
pub(super) async fn page(
    asked: &Asked<'_>,
    order: Option<&Order>,
    skip: usize,
    take: usize,
) -> Result<Option<Vec<Value>>, Problem> {
    let (by, descending) = match order.map(Order::only_member) {
        None => (UserOrder::Directory, false),
        Some(Some(("userDirectory", descending))) => (UserOrder::Directory, descending),
        Some(Some(("userId", descending))) => (UserOrder::UserId, descending),
        Some(Some(("name", descending))) => (UserOrder::Name, descending),
        Some(_) => return Ok(None),
    };
    if take > MAX_FOUND {
        return Ok(None);
    }
    let (Ok(skip), Ok(take)) = (u32::try_from(skip), u32::try_from(take)) else {
        return Ok(Some(Vec::new()));
    };
    let role = asked.privileges()?;
    let management = &asked.qrs.management;
    let page = management.ordered_users(by, descending, skip, take).await?;
    let written = page.iter().map(|user| write(user, Form::Full, role));
    Ok(Some(written.collect()))
}

/// How many users the filter finds.
pub(super) async fn count(asked: &Asked<'_>, filter: Option<&Bound>) -> Result<u64, Problem> {
    if filter.is_none() {
        return Ok(asked.qrs.management.count_users().await?);
    }
    let mut count = 0;
    visit(asked, filter, Form::Full, |_| {
        count += 1;
        Ok(())
    })
    .await?;
    Ok(count)
}

/// Hands every user that the filter finds to `take`.
async fn visit(
    asked: &Asked<'_>,
    filter: Option<&Bound>,
    form: Form,
    mut take: impl FnMut(Value) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let role = asked.privileges()?;
    let narrowing = narrowing(filter);
    let mut last = None;
    loop {
        let management = &asked.qrs.management;
        let page = management.users_after(last.as_ref(), PAGE, &narrowing);
        let page = page.await?;
        let written = page.iter().map(|user| write(user, form, role));
        for user in written.filter(|user| filter.is_none_or(|filter| filter.holds(user))) {
            take(user)?;
        }
        match page.last() {
            Some(user) => last = Some(user.user.key()),
            None => return Ok(()),
        }
        // A list of many users must not keep others from their turn.
        tokio::task::yield_now().await;
    }
}

/// What the database can find by itself of what the filter asks for.
fn narrowing(filter: Option<&Bound>) -> UserNarrowing {
    // The database knows the case of ASCII letters only.
    let equal = |name| filter?.must_equal(name).filter(|text| text.is_ascii());
    UserNarrowing {
        id: equal("id"),
        directory: equal("userDirectory"),
        user_id: equal("userId"),
        name: equal("name"),
    }
}

/// The user of that id, in full.
pub(super) async fn find(asked: &Asked<'_>, id: Uuid) -> Result<Value, Problem> {
    let role = asked.privileges()?;
    Ok(write(&stored(asked, id).await?, Form::Full, role))
}

/// Makes a user who has not signed in yet.
pub(super) async fn create(asked: &Asked<'_>, body: Members) -> Result<Value, Problem> {
    let role = asked.privileges()?;
    let (user, change) = draft(body)?;
    let (management, now) = (&asked.qrs.management, (asked.qrs.clock)());
    let created = management.change_user(asked.actor, user, change, now);
    Ok(write(&created.await?, Form::Full, role))
}

/// What a body says of a new user.
pub(super) fn draft(body: Members) -> Result<(User, UserChange), Problem> {
    let members = Reader::default().read(&USER, without_owner(body), Members::new())?;
    let name = |field| match text(&members, field) {
        Some(name) => Ok(name),
        None => Err(wrong_field(field, "is missing")),
    };
    let user = User::new(name("userDirectory")?, name("userId")?);
    let change = change(&members, UserBasis::New)?;
    Ok((user, change))
}

/// Changes name, roles and block of a user. What the body leaves out stays.
pub(super) async fn update(
    asked: &Asked<'_>,
    id: Uuid,
    body: Members,
    modified: Timestamp,
) -> Result<Value, Problem> {
    let role = asked.privileges()?;
    let user = stored(asked, id).await?.user;
    let members = Reader::default().read(&USER, body, Members::new())?;
    for (field, own) in [("userDirectory", &user.directory), ("userId", &user.id)] {
        if text(&members, field).is_some_and(|sent| !sent.eq_ignore_ascii_case(own)) {
            let problem = "names the user and cannot be changed; make another user instead";
            return Err(wrong_field(field, problem));
        }
    }
    let change = change(&members, UserBasis::Read { id, modified })?;
    let (management, now) = (&asked.qrs.management, (asked.qrs.clock)());
    let changed = management.change_user(asked.actor, user, change, now);
    Ok(write(&changed.await?, Form::Full, role))
}

/// A new user, as it is before anybody has filled it in.
pub(super) fn blank() -> Value {
    let mut user = StoredUser::new(User::new("", ""), "", Timestamp::NEVER);
    user.id = Uuid::nil();
    write(&user, Form::Full, None)
}

async fn stored(asked: &Asked<'_>, id: Uuid) -> Result<StoredUser, Problem> {
    let found = asked.qrs.management.user(id).await?;
    found.ok_or_else(|| not_found(EntityType::User, id))
}

fn change(members: &Members, basis: UserBasis) -> Result<UserChange, Problem> {
    Ok(UserChange {
        basis: Some(basis),
        name: text(members, "name").map(str::to_owned),
        roles: members.get("roles").map(roles).transpose()?,
        blocked: members.get("blacklisted").and_then(Value::as_bool),
    })
}

fn roles(names: &Value) -> Result<Roles, Problem> {
    let names = names.as_array().into_iter().flatten().enumerate();
    let read = names.map(|(at, name)| {
        name.as_str().and_then(Role::from_name).ok_or_else(|| {
            let known = Role::ALL.map(Role::name).join(", ");
            let problem = format!("is no role that there is here; the roles are {known}");
            wrong_field(&format!("roles[{at}]"), problem)
        })
    });
    read.collect()
}

fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn write(user: &StoredUser, form: Form, role: Option<Privilege>) -> Value {
    let mut wire = Map::new();
    let mut put = |name: &str, value: Value| {
        wire.insert(name.to_owned(), value);
    };
    let full = form == Form::Full;
    put("id", user.id.to_string().into());
    if full {
        put("createdDate", user.created.to_string().into());
        put("modifiedDate", user.modified.to_string().into());
        put("modifiedByUserName", (&*user.modified_by).into());
        put("customProperties", json!([]));
    }
    put("userId", (&*user.user.id).into());
    put("userDirectory", (&*user.user.directory).into());
    put("userDirectoryConnectorName", (&*user.user.directory).into());
    put("name", (&*user.name).into());
    if full {
        let roles = user.roles.iter().map(Role::name).map(Value::from);
        put("roles", roles.collect());
        put("attributes", attributes(user));
        put("inactive", false.into());
        put("removedExternally", false.into());
        put("blacklisted", user.blocked.into());
        put("deleteProhibited", false.into());
        put("tags", json!([]));
        put("favorites", json!([]));
    }
    let allowed = role.map(|role| privileges(EntityType::User, role));
    put("privileges", json!(allowed));
    if full {
        put("schemaPath", USER.name.into());
    }
    Value::Object(wire)
}

fn attributes(user: &StoredUser) -> Value {
    let attribute = |(name, value): &(Box<str>, Box<str>)| {
        json!({
            "attributeType": name,
            "attributeValue": value,
            "externalId": "",
            "schemaPath": "UserAttribute",
        })
    };
    user.attributes.iter().map(attribute).collect()
}
