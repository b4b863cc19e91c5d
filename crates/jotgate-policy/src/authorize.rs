//! Authorize: whether a user who is known may come in, now.
//!
//! Asked before a session is opened and again with each of its requests: blocks, bindings and rules
//! hold at once for everybody who is signed in already.

use jotgate_model::{
    AccessRule, Condition, People, Reason, Refusal, Snapshot, Subject, VirtualProxy,
};

/// Who asks to come in, with the attributes that came along.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a, A> {
    /// The user's directory.
    pub directory: &'a str,
    /// The user's id.
    pub id: &'a str,
    /// Names and values; names repeat.
    pub attributes: A,
}

/// Whether this user may come in at `vp`.
///
/// # Errors
/// [`Reason::UserBlocked`], [`Reason::DirectoryNotAllowed`] and [`Reason::AccessDenied`].
pub fn check<'a, A>(
    snapshot: &Snapshot,
    people: &People,
    vp: &VirtualProxy,
    who: &Who<'a, A>,
) -> Result<(), Refusal>
where
    A: Iterator<Item = (&'a str, &'a str)> + Clone,
{
    if people.is_blocked(who.directory, who.id) {
        return Err(Reason::UserBlocked.into());
    }
    if !snapshot.may_assert(vp.id, who.directory) {
        return Err(Refusal::with(
            Reason::DirectoryNotAllowed,
            "the user directory is bound to other virtual proxies (boundUserDirectories)",
        ));
    }
    match &vp.access_rule {
        Some(rule) if !passes(rule, who) => Err(Refusal::with(
            Reason::AccessDenied,
            format!(
                "the access rule of the virtual proxy \"{}\" does not let the user in (accessRule)",
                vp.description
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether a rule holds for a user. Directory and id are compared without the case of ASCII letters,
/// as users are everywhere; attributes are compared exactly.
pub fn passes<'a, A>(rule: &AccessRule, who: &Who<'a, A>) -> bool
where
    A: Iterator<Item = (&'a str, &'a str)> + Clone,
{
    holds(rule.condition(), who)
}

fn holds<'a, A>(condition: &Condition, who: &Who<'a, A>) -> bool
where
    A: Iterator<Item = (&'a str, &'a str)> + Clone,
{
    match condition {
        Condition::All(conditions) => conditions.iter().all(|condition| holds(condition, who)),
        Condition::Any(conditions) => conditions.iter().any(|condition| holds(condition, who)),
        Condition::Not(condition) => !holds(condition, who),
        Condition::Is(Subject::Directory, texts) => is_one_of(who.directory, texts),
        Condition::Is(Subject::Id, texts) => is_one_of(who.id, texts),
        Condition::Is(Subject::Attribute(name), texts) => who
            .attributes
            .clone()
            .any(|(found, value)| found == &**name && texts.iter().any(|text| &**text == value)),
    }
}

fn is_one_of(name: &str, texts: &[Box<str>]) -> bool {
    texts.iter().any(|text| text.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use jotgate_model::{Role, UserKey};
    use proptest::prelude::*;

    use super::*;

    fn check_rule(rule: &str, directory: &str, id: &str, attributes: &[(&str, &str)]) -> bool {
        let rule = AccessRule::parse(rule).unwrap().unwrap();
        let attributes = attributes.iter().copied();
        let who = Who {
            directory,
            id,
            attributes,
        };
        passes(&rule, &who)
    }

    #[test]
    fn rules_are_decided() {
        let groups = [("Group", "sales"), ("Group", "finance"), ("email", "")];
        let check = |rule| check_rule(rule, "EXAMPLE", "boz", &groups);
        for holds in [
            r#"directory = "example""#,
            r#"id in ("anna", "BOZ")"#,
            r#"attribute.Group = "finance""#,
            r#"attribute.email = """#,
            r#"not attribute.Group = "hr" and directory = "EXAMPLE""#,
            r#"id = "x" or id = "boz" and not id = "y""#,
        ] {
            assert!(check(holds), "{holds}");
        }
        for fails in [
            r#"directory = "EXAMPL""#,
            r#"attribute.Group = "Sales""#,
            r#"attribute.group = "sales""#,
            r#"attribute.Group = "sales,finance""#,
            r#"attribute.Role = """#,
            r#"not attribute.Group = "sales""#,
            r#"(id = "boz" or id = "x") and id = "x""#,
        ] {
            assert!(!check(fails), "{fails}");
        }
    }

    /// Line C7 of the hostile inputs: nothing but the whole text is equal.
    #[test]
    fn an_address_is_matched_as_a_whole() {
        let rule = r#"attribute.email in ("a@good.com")"#;
        for email in [
            "a@evil@good.com",
            "a@good.com@evil.com",
            "a@good.com.evil.com",
            "evil-a@good.com",
            "A@good.com",
            " a@good.com",
        ] {
            assert!(!check_rule(rule, "d", "u", &[("email", email)]), "{email}");
        }
        assert!(check_rule(rule, "d", "u", &[("email", "a@good.com")]));
    }

    #[test]
    fn a_block_comes_first() {
        let config = jotgate_model::entity::VirtualProxyConfig {
            prefix: "jwt".into(),
            session_cookie_header_name: "C".into(),
            access_rule: r#"id = "anna""#.into(),
            ..Default::default()
        };
        let vp = VirtualProxy::parse(&config, 1).unwrap();
        let mut people = People::default();
        let check = |people: &People, id| {
            let who = Who {
                directory: "d",
                id,
                attributes: std::iter::empty(),
            };
            check(&Snapshot::empty(), people, &vp, &who).map_err(|refusal| refusal.reason)
        };
        assert_eq!(check(&people, "anna"), Ok(()));
        assert_eq!(check(&people, "boz"), Err(Reason::AccessDenied));
        let root = [Role::RootAdmin].into_iter().collect();
        people.set(UserKey::of("D", "ANNA"), true, root);
        assert_eq!(check(&people, "anna"), Err(Reason::UserBlocked));
    }

    proptest! {
        #[test]
        fn not_is_the_opposite(id in "[ab]{0,2}", value in "[ab]{0,2}", other in "[ab]{0,2}") {
            let attributes = [("g", value.as_str())];
            for plain in [
                format!(r#"id = "{other}""#),
                format!(r#"attribute.g = "{other}""#),
                format!(r#"id = "{other}" and attribute.g in ("a", "{other}")"#),
            ] {
                let not = format!("not ({plain})");
                prop_assert_ne!(
                    check_rule(&plain, "d", &id, &attributes),
                    check_rule(&not, "d", &id, &attributes)
                );
            }
        }
    }
}
