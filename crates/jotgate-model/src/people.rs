//! What is known of users beside their sessions.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::User;

/// The name of a user in the form in which users are compared: without the case of ASCII letters.
///
/// The real system does not tell `boz` and `BOZ` apart. Other letters keep their case: some that
/// look alike become the same in another case, and a look-alike must not become somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserKey(Box<str>);

impl UserKey {
    /// The key of the user `id` of `directory`.
    #[must_use]
    pub fn of(directory: &str, id: &str) -> Self {
        // No name has a control character, so that the parts cannot run into each other.
        let mut key = String::with_capacity(directory.len() + id.len() + 1);
        key.push_str(directory);
        key.push('\n');
        key.push_str(id);
        key.make_ascii_lowercase();
        Self(key.into())
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl User {
    /// The form in which users are compared where no session is meant.
    #[must_use]
    pub fn key(&self) -> UserKey {
        UserKey::of(&self.directory, &self.id)
    }
}

/// What an administrator may do (Qlik help, "Default administration roles").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    RootAdmin,
    /// Virtual proxies, proxies, sessions and users, but nothing that makes an administrator.
    SecurityAdmin,
    /// Sees everything, changes nothing.
    AuditAdmin,
}

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 3] = [Self::RootAdmin, Self::SecurityAdmin, Self::AuditAdmin];

    /// The name that QRS has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RootAdmin => "RootAdmin",
            Self::SecurityAdmin => "SecurityAdmin",
            Self::AuditAdmin => "AuditAdmin",
        }
    }

    /// The role of exactly that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// Whether that role is one of them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The mightiest of them.
    #[must_use]
    pub fn first(self) -> Option<Role> {
        self.iter().next()
    }

    /// The mightiest first.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .into_iter()
            .filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        Self(
            roles
                .into_iter()
                .fold(0, |bits, role| bits | 1 << role as u8),
        )
    }
}

/// The few users of whom requests must know more than their session tells: those who are blocked,
/// and those with roles. Immutable; replaced as a whole when one of them changes.
#[derive(Clone, Debug, Default)]
pub struct People {
    blocked: HashSet<UserKey>,
    roles: HashMap<UserKey, Roles>,
}

impl People {
    /// Notes how it stands with a user.
    pub fn set(&mut self, key: UserKey, blocked: bool, roles: Roles) {
        if roles.is_empty() {
            self.roles.remove(&key);
        } else {
            self.roles.insert(key.clone(), roles);
        }
        if blocked {
            self.blocked.insert(key);
        } else {
            self.blocked.remove(&key);
        }
    }

    /// Whether that user is blocked.
    #[must_use]
    pub fn is_blocked(&self, directory: &str, id: &str) -> bool {
        !self.blocked.is_empty() && self.blocked.contains(&UserKey::of(directory, id))
    }

    /// Everybody who is blocked.
    pub fn blocked(&self) -> impl Iterator<Item = &UserKey> {
        self.blocked.iter()
    }

    /// The roles of that user. A blocked one has none.
    #[must_use]
    pub fn roles(&self, directory: &str, id: &str) -> Roles {
        let key = UserKey::of(directory, id);
        if self.blocked.contains(&key) {
            return Roles::default();
        }
        self.roles.get(&key).copied().unwrap_or_default()
    }

    /// Everybody with a role who is not blocked.
    pub fn administrators(&self) -> impl Iterator<Item = (&UserKey, Roles)> {
        let active = |(key, _): &(&UserKey, &Roles)| !self.blocked.contains(*key);
        self.roles
            .iter()
            .filter(active)
            .map(|(key, roles)| (key, *roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_the_case_of_ascii_letters() {
        assert_eq!(UserKey::of("EXAMPLE", "Boz"), UserKey::of("example", "bOZ"));
        // The Kelvin sign becomes a k, the long s an s: neither is the user with the plain letter.
        for (a, b) in [("\u{212a}", "k"), ("ſ", "s"), ("Ü", "ü"), ("İ", "i")] {
            assert_ne!(UserKey::of("d", a), UserKey::of("d", b), "{a} {b}");
        }
        assert_ne!(UserKey::of("a\\b", "c"), UserKey::of("a", "b\\c"));
    }

    #[test]
    fn roles_are_a_set() {
        let roles: Roles = [Role::AuditAdmin, Role::RootAdmin].into_iter().collect();
        assert!(roles.contains(Role::RootAdmin) && !roles.contains(Role::SecurityAdmin));
        assert_eq!(roles.first(), Some(Role::RootAdmin));
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("rootadmin"), None);
    }

    #[test]
    fn whoever_is_blocked_has_no_role() {
        let mut people = People::default();
        let roles = [Role::RootAdmin].into_iter().collect();
        people.set(UserKey::of("INTERNAL", "anna"), false, roles);
        assert_eq!(people.roles("internal", "Anna"), roles);
        people.set(UserKey::of("INTERNAL", "anna"), true, roles);
        assert!(people.is_blocked("Internal", "anna"));
        assert!(people.roles("INTERNAL", "anna").is_empty());
        assert_eq!(people.administrators().count(), 0);
        people.set(UserKey::of("INTERNAL", "anna"), false, Roles::default());
        assert!(!people.is_blocked("INTERNAL", "anna"));
    }
}
