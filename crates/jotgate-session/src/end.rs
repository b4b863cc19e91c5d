//! Why a session ended, and what its sockets are told.

/// Why a session ended.
///
/// Sockets that the session has open are told with the JSON-RPC notice that the real proxy sends
/// (Qlik help, "Proxy service WebSocket messages"), of severity `fatal`, and are then closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EndReason {
    /// An administrator or a program ended it.
    ClosedByServer = 2,
    /// The key that verified its token was removed, and the save asked for an end.
    KeyRemoved = 3,
    /// Its lifetime, or that of its token, is over.
    LifetimeOver = 4,
    /// The user logged out.
    LoggedOut = 5,
    /// Another session took its place.
    Replaced = 6,
    /// It was not used for too long.
    TimedOut = 7,
    /// The user was blocked.
    UserBlocked = 8,
    /// Its virtual proxy no longer exists.
    VirtualProxyDeleted = 9,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::ClosedByServer,
        Self::KeyRemoved,
        Self::LifetimeOver,
        Self::LoggedOut,
        Self::Replaced,
        Self::TimedOut,
        Self::UserBlocked,
        Self::VirtualProxyDeleted,
    ];

    /// The stable id, for logs, metrics and the audit trail.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ClosedByServer => "closed_by_server",
            Self::KeyRemoved => "key_removed",
            Self::LifetimeOver => "lifetime_over",
            Self::LoggedOut => "logged_out",
            Self::Replaced => "replaced",
            Self::TimedOut => "timed_out",
            Self::UserBlocked => "user_blocked",
            Self::VirtualProxyDeleted => "virtual_proxy_deleted",
        }
    }

    /// The method of the notice. The real proxy has three; clients know no others.
    #[must_use]
    pub const fn notice_method(self) -> &'static str {
        match self {
            Self::LifetimeOver | Self::TimedOut => "OnSessionTimedOut",
            Self::LoggedOut => "OnSessionLoggedOut",
            Self::ClosedByServer
            | Self::KeyRemoved
            | Self::Replaced
            | Self::UserBlocked
            | Self::VirtualProxyDeleted => "OnSessionClosed",
        }
    }

    /// The message of the notice. It does not tell a blocked user that there is a block.
    #[must_use]
    pub const fn notice_message(self) -> &'static str {
        match self {
            Self::LifetimeOver => "Session timed out because its lifetime is over",
            Self::TimedOut => "Session timed out due to inactivity",
            Self::LoggedOut => "User logged out manually",
            Self::ClosedByServer
            | Self::KeyRemoved
            | Self::Replaced
            | Self::UserBlocked
            | Self::VirtualProxyDeleted => "Session closed by server",
        }
    }

    /// The reason that `self as u8` stands for.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u8 == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_those_of_the_real_proxy() {
        let text: String = EndReason::ALL
            .iter()
            .map(|r| {
                format!(
                    "{}: {} {:?}\n",
                    r.id(),
                    r.notice_method(),
                    r.notice_message()
                )
            })
            .collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn codes_come_back() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::from_code(reason as u8), Some(reason));
        }
        assert_eq!(EndReason::from_code(0), None);
        assert_eq!(EndReason::from_code(1), None);
    }
}
