//! Tickets: a program says who somebody is, and whoever brings the ticket is that user, once.

use std::collections::HashMap;
use std::fmt;

use jotgate_model::{Attributes, Identity, UnixTime, User};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{SessionError, SessionKey, SessionSecret};

/// How long a ticket is good, in seconds (Qlik help, "Add ticket").
pub const TICKET_LIFETIME: i64 = 60;
/// How many tickets may be under way.
const MAX: usize = 100_000;

/// What a ticket stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Where it can be redeemed.
    pub virtual_proxy: Uuid,
    /// Who brings it.
    pub identity: Identity,
}

impl Ticket {
    /// The form in which it is sealed, with the time until which it is good: whoever can put it back where it was
    /// must not bring it to life again.
    pub(crate) fn to_text(&self, until: i64) -> Vec<u8> {
        let User { directory, id } = &self.identity.user;
        let attributes = &self.identity.attributes;
        let parts = (until, self.virtual_proxy, directory, id, attributes);
        // Fails for maps with keys that are no text; there are none.
        serde_json::to_vec(&parts).unwrap_or_default()
    }

    /// Reads that form; nothing when its time is over.
    pub(crate) fn from_text(text: &[u8], now: i64) -> Option<Self> {
        type Parts = (i64, Uuid, Box<str>, Box<str>, Attributes);
        let (until, virtual_proxy, directory, id, attributes): Parts =
            serde_json::from_slice(text).ok()?;
        let user = User::new(&*directory, &*id);
        (now < until).then_some(Self {
            virtual_proxy,
            identity: Identity { user, attributes },
        })
    }
}

/// Without the user: tickets are not for logs.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

/// The tickets that are under way, by the hash of their secret. In memory: they live for a minute.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<SessionKey, (Ticket, UnixTime)>>);

impl Tickets {
    /// Makes a ticket. The secret is kept nowhere.
    pub(crate) fn issue(
        &self,
        ticket: Ticket,
        now: UnixTime,
    ) -> Result<SessionSecret, SessionError> {
        let secret = SessionSecret::generate();
        let mut tickets = self.0.lock();
        if tickets.len() >= MAX {
            tickets.retain(|_, (_, until)| *until > now);
        }
        if tickets.len() >= MAX {
            return Err(SessionError::Unavailable);
        }
        tickets.insert(secret.key(), (ticket, now.plus(TICKET_LIFETIME)));
        Ok(secret)
    }

    /// What a ticket stands for. It is gone, also when it was brought too late or to the wrong place.
    pub(crate) fn redeem(&self, virtual_proxy: Uuid, text: &[u8], now: UnixTime) -> Option<Ticket> {
        let key = SessionKey::from_cookie(text)?;
        let (ticket, until) = self.0.lock().remove(&key)?;
        (ticket.virtual_proxy == virtual_proxy && now < until).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1000);

    fn ticket() -> Ticket {
        Ticket {
            virtual_proxy: Uuid::from_u128(1),
            identity: Identity {
                user: User::new("example", "boz"),
                attributes: Vec::new(),
            },
        }
    }

    #[test]
    fn a_ticket_counts_once_for_a_minute_in_one_place() {
        let tickets = Tickets::default();
        let (here, elsewhere) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let issue = || tickets.issue(ticket(), NOW).unwrap();
        let redeem = |place, secret: &SessionSecret, now| {
            tickets.redeem(place, secret.expose().as_bytes(), now)
        };
        let secret = issue();
        assert_eq!(redeem(here, &secret, NOW.plus(59)), Some(ticket()));
        assert_eq!(redeem(here, &secret, NOW), None);
        assert_eq!(redeem(here, &issue(), NOW.plus(60)), None);
        let secret = issue();
        assert_eq!(redeem(elsewhere, &secret, NOW), None);
        assert_eq!(
            redeem(here, &secret, NOW),
            None,
            "it was shown to somebody else"
        );
        for bad in [&b""[..], b"x", b"0123456789abcdef0123456789abcdef"] {
            assert_eq!(tickets.redeem(here, bad, NOW), None);
        }
    }

    #[test]
    fn tickets_that_nobody_redeems_make_room() {
        let tickets = Tickets::default();
        for _ in 0..MAX {
            tickets.issue(ticket(), NOW).unwrap();
        }
        assert!(tickets.issue(ticket(), NOW).is_err());
        assert!(tickets.issue(ticket(), NOW.plus(TICKET_LIFETIME)).is_ok());
    }
}
