//! Which session a token opened, so that the same token of the same client opens one only.
//!
//! A page sends several first requests at once, and a program that keeps no cookies sends its token
//! every time: all of them share one session. The secret is kept here, in memory, so that each of them
//! gets the cookie.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use jotgate_keys::TokenHash;
use jotgate_model::Uuid;
use jotgate_session::{Session, SessionSecret};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// How many sign-ins are remembered. Beyond that, tokens open sessions as if they came first.
const MAX_SIGN_INS: usize = 200_000;

/// One client's use of one token at one virtual proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SignInKey {
    pub(crate) virtual_proxy: Uuid,
    /// With other rules the same token may stand for another user, or for other attributes.
    pub(crate) revision: u64,
    pub(crate) token: TokenHash,
    pub(crate) client: IpAddr,
}

/// A session that a token opened, with what the cookie holds.
pub(crate) struct SignIn {
    pub(crate) secret: Arc<SessionSecret>,
    pub(crate) session: Arc<Session>,
}

/// A sign-in that is done, or under way: who comes second waits for the first.
pub(crate) type Slot = Arc<OnceCell<SignIn>>;

/// The sign-ins that are remembered.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<HashMap<SignInKey, Slot>>);

impl SignIns {
    /// The slot of `key`; a new one when there is none.
    pub(crate) fn slot(&self, key: SignInKey) -> Slot {
        let mut slots = self.0.lock();
        if let Some(slot) = slots.get(&key) {
            return slot.clone();
        }
        let slot = Slot::default();
        if slots.len() < MAX_SIGN_INS {
            slots.insert(key, slot.clone());
        }
        slot
    }

    /// Forgets `slot`, unless another one has taken its place.
    pub(crate) fn forget(&self, key: &SignInKey, slot: &Slot) {
        let mut slots = self.0.lock();
        if slots
            .get(key)
            .is_some_and(|current| Arc::ptr_eq(current, slot))
        {
            slots.remove(key);
        }
    }

    /// Forgets the sessions that have ended. A sign-in that is under way is held by its request too.
    pub(crate) fn sweep(&self) {
        self.0.lock().retain(|_, slot| match slot.get() {
            Some(sign_in) => sign_in.session.ended().is_none(),
            None => Arc::strong_count(slot) > 1,
        });
    }
}
