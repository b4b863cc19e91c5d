//! The vocabulary of Jotgate: what is configured, what is known of a user, and why a request is refused.
//!
//! Two forms of the configuration live here. *Documents* ([`entity`]) are what is stored, exported
//! and edited: plain fields with the names and defaults of Qlik's QRS entities. The *snapshot*
//! ([`Snapshot`]) is what requests are judged by: documents parsed once into types without invalid
//! states, linked to each other and immutable. [`Snapshot::build`] is the only way from one to the
//! other, so whatever it accepts can be served and whatever it refuses names the field at fault.
//!
//! Nothing in this crate does I/O or reads a clock.

mod access_rule;
mod actor_kind;
mod backend_check;
pub mod entity;
mod field;
mod headers;
mod identity;
mod names;
mod network;
mod node;
mod people;
mod presented;
mod reason;
mod refusal;
mod reserved;
mod snapshot;
mod time;
mod virtual_proxy;

pub use access_rule::{AccessRule, AccessRuleError, Condition, Subject};
pub use actor_kind::ActorKind;
pub use backend_check::{BackendCheck, BackendOutcome};
pub use field::{FieldError, FieldErrors};
pub use headers::{
    fold_header_name, is_disguised_framing_header, is_framing_header, is_injected_header,
    is_removed_from_requests,
};
pub use identity::{ANONYMOUS_DIRECTORY, Attributes, INTERNAL_DIRECTORY, Identity, User};
pub use names::{CookieName, HostPattern, NameError, Origin, Prefix};
pub use network::Network;
pub use node::{Node, Scheme, Service, TlsMaterial};
pub use people::{People, Role, Roles, UserKey};
pub use presented::PresentedToken;
pub use reason::{Reason, Side};
pub use refusal::Refusal;
pub use reserved::{RESERVED_WORDS, is_reserved_word};
pub use snapshot::{Documents, Snapshot, sign_in_cookie_name};
pub use time::{Timestamp, UnixTime};
pub use uuid::Uuid;
pub use virtual_proxy::{
    Algorithm, AttributeMapping, Authentication, BackendHeader, BackendHeaderPart, Balancing,
    ClaimSource, CookieForm, CookieRules, CsrfProtection, HeaderForm, HeaderSettings, JwtSettings,
    KeySourceSettings, RateLimits, SessionRules, VirtualProxy,
};
