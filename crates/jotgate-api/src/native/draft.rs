//! What somebody wants to change: the whole configuration, or single documents.

use jotgate_manage::{Draft, DraftContent, Edit, Kind};
use jotgate_model::Uuid;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::trouble::Trouble;

/// A draft: `configuration` or `changes`. `base` is the revision that it was made from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftRequest {
    base: Option<u64>,
    configuration: Option<Map<String, Value>>,
    changes: Option<Vec<ChangeRequest>>,
}

/// One change of one document.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(super) enum ChangeRequest {
    /// Gives a document these properties; others stay. One that is not there is created.
    Put(PutRequest),
    /// Removes a document.
    Delete(DeleteRequest),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutRequest {
    kind: KindName,
    #[schemars(with = "Option<String>")]
    id: Option<Uuid>,
    properties: Map<String, Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteRequest {
    kind: KindName,
    #[schemars(with = "String")]
    id: Uuid,
}

/// What a document describes, with the names of QRS.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub(super) enum KindName {
    CustomPropertyDefinition,
    ServerNodeConfiguration,
    ProxyService,
    Tag,
    VirtualProxyConfig,
}

impl DraftRequest {
    pub(super) fn draft(self) -> Result<Draft, Trouble> {
        draft(self.base, self.configuration, self.changes)
    }
}

/// The draft that a request asks for.
///
/// # Errors
/// Neither or both of the configuration and changes are there.
pub(super) fn draft(
    base: Option<u64>,
    configuration: Option<Map<String, Value>>,
    changes: Option<Vec<ChangeRequest>>,
) -> Result<Draft, Trouble> {
    let content = match (configuration, changes) {
        (Some(configuration), None) => DraftContent::Configuration(configuration),
        (None, Some(changes)) => DraftContent::Edits(changes.into_iter().map(edit).collect()),
        _ => {
            let detail = "Send either configuration or changes.";
            return Err(Trouble::bad_request(detail));
        }
    };
    Ok(Draft { base, content })
}

fn edit(change: ChangeRequest) -> Edit {
    match change {
        ChangeRequest::Put(put) => Edit::Put {
            kind: put.kind.into(),
            id: put.id,
            properties: put.properties,
        },
        ChangeRequest::Delete(delete) => Edit::Delete {
            kind: delete.kind.into(),
            id: delete.id,
        },
    }
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::CustomPropertyDefinition => Self::CustomProperty,
            KindName::ServerNodeConfiguration => Self::Node,
            KindName::ProxyService => Self::ProxyService,
            KindName::Tag => Self::Tag,
            KindName::VirtualProxyConfig => Self::VirtualProxy,
        }
    }
}
