//! From documents to what QRS shows, and back.
//!
//! Documents name their enumerations and refer to each other by id; QRS numbers the first and shows
//! condensed objects for the second. The conversion works on JSON values and follows the tables of
//! [`shape`]: whatever a table does not name is neither shown nor accepted, and a secret is accepted
//! but never shown.

mod certificates;
mod label;
mod members;
mod node;
mod proxy_service;
mod read;
mod shape;
mod status;
mod text;
mod user;
mod virtual_proxy;
mod write;

pub(super) use certificates::CERTIFICATE_EXPORT_PARAMETERS;
pub(super) use label::{CUSTOM_PROPERTY_DEFINITION, TAG};
pub(super) use node::SERVER_NODE_CONFIGURATION;
pub(super) use proxy_service::PROXY_SERVICE;
pub(super) use read::Reader;
pub(super) use shape::{Enumeration, Kind, Property, READ_ONLY, Shape};
pub(super) use status::{SERVICE_CLUSTER, SERVICE_STATUS};
pub(super) use text::TextWriter;
pub(super) use user::USER;
pub(super) use virtual_proxy::VIRTUAL_PROXY_CONFIG;
pub(super) use write::{Form, Writer, privileges};
