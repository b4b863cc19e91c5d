//! What requests ask of the management side, which this crate does not know.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Response, StatusCode};
use jotgate_model::{Identity, People, Reason, User};

use crate::api_key::ApiKeyHandler;
use crate::local_sign_in::{LocalSignIn, LocalUser, NotLetIn};
use crate::prefixed_administration::AdministrationHandler;

/// Is told of a user, where the request came from, and why it was refused.
pub type RefusedUser = dyn Fn(&User, IpAddr, &str) + Send + Sync;

/// The management side, as far as requests need it. By default there is none: no user is known, and
/// nobody administers.
pub struct ManagementSide {
    /// The few users of whom more must be known.
    pub people: Arc<ArcSwap<People>>,
    /// Is told of every sign-in, and answers whether it could note it. Must not block.
    pub signed_in: Box<dyn Fn(&Identity) -> bool + Send + Sync>,
    /// Judges passwords and set-up links.
    pub local: Box<dyn LocalSignIn>,
    /// Is told of every user who tried to administer and may not, and why. Must not block.
    pub refused: Box<RefusedUser>,
    /// Answers administrators.
    pub administration: Box<AdministrationHandler>,
    /// Judges API keys, and answers programs that have one.
    pub api_keys: Box<ApiKeyHandler>,
}

impl Default for ManagementSide {
    fn default() -> Self {
        Self {
            people: Arc::default(),
            signed_in: Box::new(|_| true),
            local: Box::new(Nobody),
            refused: Box::new(|_, _, _| {}),
            administration: Box::new(|_, _| {
                let mut nothing = Response::new(Bytes::new());
                *nothing.status_mut() = StatusCode::NOT_FOUND;
                Box::pin(std::future::ready(nothing))
            }),
            api_keys: Box::new(|_, _| {
                Box::pin(std::future::ready(Err(Reason::ApiKeyInvalid.into())))
            }),
        }
    }
}

/// Nothing of it is for a log.
impl fmt::Debug for ManagementSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagementSide").finish_non_exhaustive()
    }
}

/// No local users.
struct Nobody;

impl Nobody {
    fn answer() -> LocalUser {
        Box::pin(std::future::ready(Err(NotLetIn {
            status: StatusCode::UNAUTHORIZED,
            sentence: "There are no local users.".to_owned(),
        })))
    }
}

impl LocalSignIn for Nobody {
    fn sign_in(&self, _: String, _: String, _: IpAddr) -> LocalUser {
        Self::answer()
    }

    fn set_up(&self, _: String, _: String, _: String, _: IpAddr) -> LocalUser {
        Self::answer()
    }
}
