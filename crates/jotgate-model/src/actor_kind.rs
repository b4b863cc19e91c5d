//! How somebody who administers proved who that is.

/// What stands behind the name of whoever asked for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A program that showed an API key.
    ApiKey,
    /// A program that showed an administrator's client certificate; the name is what it said.
    Certificate,
    /// Whoever has the data directory.
    CommandLine,
    /// A user who signed in with a password that Jotgate keeps.
    LocalAdministrator,
    /// Jotgate itself.
    System,
    /// A user who signed in at a virtual proxy.
    User,
}

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ApiKey,
        Self::Certificate,
        Self::CommandLine,
        Self::LocalAdministrator,
        Self::System,
        Self::User,
    ];

    /// The stable name, as the audit trail has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Certificate => "certificate",
            Self::CommandLine => "command_line",
            Self::LocalAdministrator => "local_administrator",
            Self::System => "system",
            Self::User => "user",
        }
    }

    /// How a user with a session signed in.
    #[must_use]
    pub fn of_directory(directory: &str) -> Self {
        if directory.eq_ignore_ascii_case(crate::INTERNAL_DIRECTORY) {
            Self::LocalAdministrator
        } else {
            Self::User
        }
    }
}
