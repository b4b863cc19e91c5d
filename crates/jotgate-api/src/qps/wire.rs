//! What QPS reads and writes.

use jotgate_manage::{Session, SessionSecret};
use jotgate_model::{Attributes, FieldErrors, Identity, User};
use serde_json::{Map, Value, json};

use crate::problem::Problem;

/// The longest directory or id, in characters.
const MAX_NAME: usize = 255;
/// The longest name or value of an attribute, in characters.
const MAX_ATTRIBUTE: usize = 4096;
/// How many attributes a user may have.
const MAX_ATTRIBUTES: usize = 1000;

/// A session as monitors and administrators see it. The id is the public one, never the secret.
pub(super) fn session(session: &Session) -> Value {
    with_id(session, session.public_id())
}

/// The answer to the program that opened a session: the id is the one that it named itself.
pub(super) fn added_session(session: &Session, named: &str, new_user: bool) -> Value {
    let mut added = with_id(session, named);
    added["NewUser"] = new_user.into();
    added
}

fn with_id(session: &Session, id: &str) -> Value {
    let attributes = session.attributes();
    let attributes: Vec<_> = attributes
        .map(|(name, value)| json!({name: value}))
        .collect();
    json!({
        "UserDirectory": session.user_directory(),
        "UserId": session.user_id(),
        "Attributes": attributes,
        "SessionId": id,
        "UserName": session.user_id(),
    })
}

/// What a program wants to open.
pub(super) struct WantedSession {
    pub(super) identity: Identity,
    pub(super) secret: SessionSecret,
}

/// Reads `{UserDirectory, UserId, Attributes, SessionId}`, the names in any case.
///
/// # Errors
/// 400 with every member that is missing or wrong. What was sent is not repeated: it may be a secret.
pub(super) fn read_session(members: Map<String, Value>) -> Result<WantedSession, Problem> {
    let mut reader = Reader::new(members);
    let identity = reader.identity();
    let secret = reader.required_text("SessionId").and_then(|text| {
        let secret = SessionSecret::parse(text.as_bytes());
        if secret.is_none() {
            let problem = "must have 16 to 256 characters that a cookie can hold; use a random one";
            reader.errors.push("SessionId", problem);
        }
        secret
    });
    for ignored in ["UserName", "NewUser"] {
        reader.take(ignored);
    }
    reader.refuse_rest();
    match (identity, secret) {
        (Some(identity), Some(secret)) if reader.errors.is_empty() => {
            Ok(WantedSession { identity, secret })
        }
        _ => Err(reader.errors.into()),
    }
}

/// The answer to the program that asked for a ticket. There is no target to go on to: browsers come
/// back with a `returnTo` of their own.
pub(super) fn ticket(identity: &Identity, ticket: &str) -> Value {
    let attributes = identity.attributes.iter();
    let attributes: Vec<_> = attributes
        .map(|(name, value)| json!({&**name: value}))
        .collect();
    json!({
        "UserDirectory": identity.user.directory,
        "UserId": identity.user.id,
        "Attributes": attributes,
        "Ticket": ticket,
        "TargetUri": null,
    })
}

/// Reads `{UserDirectory, UserId, Attributes, TargetId}`, the names in any case.
///
/// # Errors
/// 400 with every member that is missing or wrong.
pub(super) fn read_ticket(members: Map<String, Value>) -> Result<Identity, Problem> {
    let mut reader = Reader::new(members);
    let identity = reader.identity();
    // Targets are handed out with the redirect to a sign-in module, which here has a state instead.
    if reader.take("TargetId").is_some_and(|target| target != "") {
        let problem = "is not known; leave it out, and send the browser back by itself";
        reader.errors.push("TargetId", problem);
    }
    reader.refuse_rest();
    match identity {
        Some(identity) if reader.errors.is_empty() => Ok(identity),
        _ => Err(reader.errors.into()),
    }
}

/// Takes members out of an object and notes what is wrong with them.
struct Reader {
    members: Map<String, Value>,
    errors: FieldErrors,
}

impl Reader {
    fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            errors: FieldErrors::default(),
        }
    }

    fn identity(&mut self) -> Option<Identity> {
        let directory = self.name("UserDirectory");
        let id = self.name("UserId");
        let attributes = self.attributes();
        Some(Identity {
            user: User::new(directory?, id?),
            attributes: attributes?,
        })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let mut names = self.members.keys();
        let found = names
            .find(|found| found.eq_ignore_ascii_case(name))?
            .clone();
        self.members
            .shift_remove(&found)
            .filter(|value| !value.is_null())
    }

    /// The words that clients of the real system look for.
    fn required_text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => return Some(text),
            Some(_) => self.errors.push(name, "must be a text"),
            None => self.errors.push(
                name,
                format!("Required property '{name}' not found in JSON"),
            ),
        }
        None
    }

    /// A directory or an id (Qlik help, "Add ticket"): trimmed, not blank, without a backslash.
    fn name(&mut self, name: &str) -> Option<String> {
        let text = self.required_text(name)?;
        let trimmed = text.trim();
        let problem = if trimmed.is_empty() {
            "is blank"
        } else if trimmed.chars().count() > MAX_NAME {
            "is longer than 255 characters"
        } else if trimmed.contains('\\') || trimmed.chars().any(char::is_control) {
            "contains a backslash or a control character"
        } else {
            return Some(trimmed.to_owned());
        };
        self.errors.push(name, problem);
        None
    }

    /// `[{"Group": "sales"}, {"Group": "finance"}]`: objects with one member each.
    fn attributes(&mut self) -> Option<Attributes> {
        let items = match self.take("Attributes") {
            None => return Some(Attributes::new()),
            Some(Value::Array(items)) if items.len() <= MAX_ATTRIBUTES => items,
            Some(Value::Array(_)) => {
                self.errors.push("Attributes", "has more than 1000 entries");
                return None;
            }
            Some(_) => {
                let problem =
                    "must be a list of objects with one member each, as [{\"Group\": \"sales\"}]";
                self.errors.push("Attributes", problem);
                return None;
            }
        };
        let read = items.into_iter().enumerate().map(|(at, item)| {
            attribute(item)
                .map_err(|problem| self.errors.push(format!("Attributes[{at}]"), problem))
        });
        let read: Vec<_> = read.collect();
        read.into_iter().collect::<Result<_, _>>().ok()
    }

    fn refuse_rest(&mut self) {
        for name in std::mem::take(&mut self.members).keys() {
            let shown: String = name.chars().take(100).collect();
            self.errors
                .push(shown, "is not known here; remove it or correct its name");
        }
    }
}

fn attribute(item: Value) -> Result<(Box<str>, Box<str>), &'static str> {
    const SHAPE: &str = "must be an object with one member whose value is a text";
    let Value::Object(members) = item else {
        return Err(SHAPE);
    };
    let mut members = members.into_iter();
    let (Some((name, Value::String(value))), None) = (members.next(), members.next()) else {
        return Err(SHAPE);
    };
    if name.trim().is_empty() || name.chars().chain(value.chars()).any(char::is_control) {
        return Err("has a blank name or a control character");
    }
    if name.chars().count() > MAX_ATTRIBUTE || value.chars().count() > MAX_ATTRIBUTE {
        return Err("is longer than 4096 characters");
    }
    Ok((name.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<WantedSession, String> {
        let Value::Object(members) = value else {
            unreachable!()
        };
        read_session(members).map_err(|problem| problem.text)
    }

    #[test]
    fn names_of_members_count_in_any_case_and_attributes_repeat() {
        let wanted = read(json!({
            "userdirectory": " QTSEL ", "USERID": "abc", "SessionId": "0123456789abcdef",
            "attributes": [{"Group": "a"}, {"Group": "b"}, {"Email": ""}], "NewUser": null,
        }));
        let Ok(wanted) = wanted else {
            panic!("refused")
        };
        assert_eq!(wanted.identity.user, User::new("QTSEL", "abc"));
        let attributes: Vec<_> = wanted
            .identity
            .attributes
            .iter()
            .map(|(n, v)| (&**n, &**v))
            .collect();
        assert_eq!(attributes, [("Group", "a"), ("Group", "b"), ("Email", "")]);
    }

    #[test]
    fn everything_that_is_wrong_is_named_and_nothing_is_repeated() {
        let Err(text) = read(json!({
            "UserDirectory": "  ", "UserId": "a\\b", "SessionId": "short-secret",
            "Attributes": ["x", {"a": 1}], "Rights": "all",
        })) else {
            panic!("accepted")
        };
        for field in [
            "UserDirectory",
            "UserId",
            "SessionId",
            "Attributes[0]",
            "Attributes[1]",
            "Rights",
        ] {
            assert!(text.contains(field), "{field}: {text}");
        }
        assert!(!text.contains("short-secret"), "{text}");
        let Err(text) = read(json!({})) else {
            panic!("accepted")
        };
        assert!(
            text.contains("Required property 'UserId' not found in JSON"),
            "{text}"
        );
    }
}
