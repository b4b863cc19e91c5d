//! QRS and QPS, the interfaces that Qlik's clients speak, and the endpoints of Jotgate itself.
//!
//! The oddities of these interfaces (numbers for enumerations, addresses in any case, the Xrfkey,
//! errors in plain text) stay in this crate. It asks the use cases of `jotgate-manage` and never
//! the repository.

mod answer;
mod body;
mod caller;
mod native;
mod openapi;
mod problem;
mod qps;
mod qrs;
mod query;
mod whole;
mod xrfkey;

pub use caller::{CallerSession, certificate_caller, local_actor, local_caller};
pub use native::{backup_router, native_router};
pub use qps::qps_router;
pub use qrs::{Build, CertificateExports, IMPORTED, ImportedSite, import, qrs_router};
pub use whole::whole_requests;
