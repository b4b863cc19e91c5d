//! The use cases of administration, without HTTP: what the console and the interfaces share.
//!
//! [`Management`] holds the current snapshot and is the only one to change it. A save is checked as
//! a whole (who may do it, every field, keys and certificates, the links between documents), stored
//! in one transaction, and published to the request path before it is acknowledged. A save that
//! fails anywhere changes nothing. Saves come one after the other, and one that has begun is carried
//! through even when nobody waits for its answer any more.

mod actor;
mod api_keys;
mod asker;
mod audit;
mod authority;
mod backend_trials;
mod background;
mod backup;
mod certificates;
mod documents;
mod drafts;
mod error;
pub mod file;
mod gateways;
mod key_changes;
mod key_sessions;
mod key_trials;
mod labels;
mod live;
mod local;
mod management;
mod material;
mod nodes;
mod own_key;
mod preview;
mod probe;
mod process;
mod proxy_services;
mod revisions;
mod revocations;
mod rules;
mod scoped;
mod sessions;
mod sign_in_notes;
mod site;
mod stamp;
#[cfg(test)]
mod testing;
mod tickets;
mod token_trial;
mod users;
mod virtual_proxies;

pub use actor::{Actor, Privilege};
pub use api_keys::{ApiKeyText, KeyAction, KeyCaller, KeyRefused, NewApiKey};
pub use asker::Asker;
pub use backend_trials::{BackendTrial, BackendTrials, MAX_TRIED_BACKENDS};
pub use backup::{move_database, note_restore};
pub use certificates::CertificateExport;
pub use drafts::{
    Application, Applied, Comparison, Conflict, ConflictField, DocumentChange, DocumentDifference,
    Draft, DraftContent, Edit, MAX_EDITS, MAX_NOTE,
};
pub use error::ManageError;
pub use gateways::{GatewayState, GatewayStatus};
pub use jotgate_keys::{KeyOrigin, KeyRing, KeyState, SourceFailure, SourceState};
pub use jotgate_model::{ActorKind, BackendCheck, BackendOutcome};
pub use jotgate_observe::{
    Counts, FeedFilter, FeedOutcome, Latencies, Minute, OpenNow, Phase, RecentRequest,
};
pub use jotgate_repository::{
    AuditFilter, AuditHead, AuditRow, AuditVerdict, Change, Copied, Difference, Document, Kind,
    MAX_AUDIT_ROWS, Repository, Revision, Revocation, Revoked, StoredApiKey, StoredUser,
    UserNarrowing, UserOrder,
};
pub use jotgate_session::{Session, SessionSecret, Sessions};
pub use jotgate_token::{
    Key, KeySet, Outcome as StepOutcome, Pasted, PemError, Step, StepName, pasted, presented,
};
pub use key_changes::{ChangedKeys, KeyChange};
pub use key_trials::{
    DraftKey, KeyTrials, MAX_LISTED_KEYS, MAX_TRIED_SOURCES, MissingKey, SourceKeys, SourceTrial,
    TokensSeen, Validity,
};
pub use live::{Answering, BackendStatus, LiveSide, MAX_RECENT, Trying};
pub use local::{LocalError, SignedIn, make_set_up_secret};
pub use management::Management;
pub use own_key::{MAX_MINTED_LIFETIME, OwnKey, TokenWish};
pub use preview::{
    AffectedSession, MAX_NAMED, Outcome, Preview, RequestEffects, RequestGroup, SessionEffect,
    SessionEffects, SessionGroup,
};
pub use probe::{MAX_PROBE_TIME, Probe, ProbeAnswer, ProbeFailure, USUAL_PROBE_TIME};
pub use process::{ProcessSetting, ProcessSide, SettingOrigin, TlsCertificate};
pub use revisions::{Differing, MAX_REVISIONS};
pub use revocations::MAX_REVOCATIONS;
pub use scoped::SessionChoice;
pub use sessions::{SessionChange, SessionForUser};
pub use sign_in_notes::SignInNotes;
pub use site::NewSite;
pub use token_trial::{TokenJudge, TokenTimes, TokenTrial};
pub use users::{UserBasis, UserChange};
