//! The whole configuration in a form for files and versions: stable in its order, without ids,
//! dates, defaults and secrets.
//!
//! It is a tree of plain values; files have it as TOML. Each kind of document has a
//! section with one table for each document. Properties have the names of QRS. Documents refer to
//! each other, and are recognised, by natural keys: names, the prefix of a virtual proxy (`/` for
//! the empty one), the node of a proxy. An `id` stands only where these do not tell documents
//! apart. What is left out has its default. A secret is written as [`KEEP`]: the stored one stays.

mod deletions;
mod names;
mod read;
mod toml_form;
mod write;

pub use read::MAX_DOCUMENTS;
pub(crate) use read::{check_members, plan, shortened, with_stored_rows};
pub use toml_form::{from_toml, to_toml};
pub use write::{export, export_one};

use jotgate_repository::Kind;

/// The version of this form, in the member `format`.
pub const FORMAT: u64 = 1;
/// The member of a table that stands for a secret: `{ keep = true }`.
pub const KEEP: &str = "keep";

/// The kinds in the order of their sections: what others refer to comes first.
const KINDS: [Kind; 5] = [
    Kind::Tag,
    Kind::CustomProperty,
    Kind::Node,
    Kind::ProxyService,
    Kind::VirtualProxy,
];
/// What the server fills in, in documents and in the rows of their lists.
pub(crate) const METADATA: [&str; 4] = ["id", "createdDate", "modifiedDate", "modifiedByUserName"];
/// Lists that are kept as clients write them.
const OPAQUE: [&str; 3] = ["roles", "samlAttributeMap", "oidcAttributeMap"];
/// Of nodes: there is one cluster, and no document of it.
pub(crate) const SERVICE_CLUSTER: &str = "serviceCluster";

/// The section of a kind of documents.
const fn section(kind: Kind) -> &'static str {
    match kind {
        Kind::CustomProperty => "customProperty",
        Kind::Node => "node",
        Kind::ProxyService => "proxy",
        Kind::Tag => "tag",
        Kind::VirtualProxy => "virtualProxy",
    }
}

/// The kind of documents that a property refers to, by ids in documents and by names in files.
fn refers_to(property: &str) -> Option<Kind> {
    match property {
        "tags" => Some(Kind::Tag),
        "loadBalancingServerNodes" | "serverNodeConfiguration" => Some(Kind::Node),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
