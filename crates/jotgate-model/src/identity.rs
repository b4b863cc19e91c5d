//! Who is asking.

use serde::{Deserialize, Serialize};

/// A user as the backends know one: a name inside a directory.
///
/// Both parts are compared exactly. They come from claims and may hold any text a claim may hold;
/// whoever writes them into a header, a page or a log encodes them for that place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct User {
    /// The directory that the user belongs to.
    pub directory: Box<str>,
    /// The user's id within that directory.
    pub id: Box<str>,
}

impl User {
    /// A user `id` of `directory`.
    pub fn new(directory: impl Into<Box<str>>, id: impl Into<Box<str>>) -> Self {
        Self {
            directory: directory.into(),
            id: id.into(),
        }
    }
}

/// The directory of anonymous users, as the real system has it. No token may assert it.
pub const ANONYMOUS_DIRECTORY: &str = "NONE";

/// The directory of the users whose passwords Jotgate keeps, and of the real system's own accounts.
/// Nothing from outside may assert it.
pub const INTERNAL_DIRECTORY: &str = "INTERNAL";

/// Writes `directory\id`, the form that administrators know.
impl std::fmt::Display for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\\{}", self.directory, self.id)
    }
}

/// What a token says of its user beyond the name, under the names that the mapping gives.
/// In the order of the mapping; a name repeats when the claim was an array.
pub type Attributes = Vec<(Box<str>, Box<str>)>;

/// A user with the attributes that came along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Who.
    pub user: User,
    /// With which attributes.
    pub attributes: Attributes,
}
