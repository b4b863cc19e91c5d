//! The one error type of the request path.

use std::borrow::Cow;
use std::fmt;

use crate::Reason;

/// A request is refused: the reason, and what was found.
///
/// Small on purpose: it travels as the `Err` of every phase. The status, the sentences and the side
/// at fault follow from the reason; only what is peculiar to this request is kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    detail: Option<Box<str>>,
}

impl Refusal {
    /// Refused for `reason`, with nothing more to say.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
        }
    }

    /// Refused for `reason`; `detail` is half a sentence for the administrator that says what was
    /// found and what was expected. It never holds a token, a cookie, a key or a password.
    #[must_use]
    pub fn with(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            detail: Some(detail.into().into_owned().into_boxed_str()),
        }
    }

    /// What was found, for the administrator.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What the administrator reads: what was found, then what to do.
    #[must_use]
    pub fn administrator_sentence(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}. {}", detail.trim_end_matches('.'), self.reason.remedy()),
            None => self.reason.remedy().to_owned(),
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.administrator_sentence())
    }
}

impl std::error::Error for Refusal {}
