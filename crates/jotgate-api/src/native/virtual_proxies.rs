//! Virtual proxies for programs with an API key, and the keys that their tokens are checked with.

use axum::extract::State;
use jotgate_manage::{Document, Key, KeyChange, KeySet, file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Anybody, Body, Path};
use super::output::{Answer, date};
use super::trouble::Trouble;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let keys = "/virtualproxies/{virtualProxy}/keys";
    vec![
        Endpoint::get("/virtualproxies", "The virtual proxies", list)
            .answer::<VirtualProxiesAnswer>()
            .for_keys(),
        Endpoint::get(
            "/virtualproxies/{virtualProxy}",
            "One, by id or prefix",
            show,
        )
        .answer::<VirtualProxyAnswer>()
        .for_keys(),
        Endpoint::get(keys, "The keys that its tokens are checked with", show_keys)
            .answer::<KeysAnswer>()
            .for_keys(),
        Endpoint::post(keys, "Adds and removes such keys", change_keys)
            .body::<KeysRequest>()
            .answer::<ChangedKeysAnswer>()
            .for_keys(),
    ]
}

/// By prefix.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct VirtualProxiesAnswer {
    virtual_proxies: Vec<ListedVirtualProxy>,
}

/// What a virtual proxy is found by.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListedVirtualProxy {
    id: String,
    prefix: String,
    description: String,
    modified: String,
}

async fn list(
    State(native): State<Native>,
    Anybody(asker): Anybody,
) -> Result<Answer<VirtualProxiesAnswer>, Trouble> {
    let found = native.management.readable_virtual_proxies(&asker)?;
    let listed = found.iter().map(|vp| ListedVirtualProxy {
        id: vp.metadata.id.to_string(),
        prefix: vp.prefix.clone(),
        description: vp.description.clone(),
        modified: vp.metadata.modified_date.to_string(),
    });
    Ok(Answer(VirtualProxiesAnswer {
        virtual_proxies: listed.collect(),
    }))
}

/// A virtual proxy as it stands in the file of the configuration.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct VirtualProxyAnswer {
    id: String,
    virtual_proxy: Map<String, Value>,
}

async fn show(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Path(name): Path<String>,
) -> Result<Answer<VirtualProxyAnswer>, Trouble> {
    let found = native.management.readable_virtual_proxy(&asker, &name)?;
    let id = found.metadata.id.to_string();
    let documents = &native.management.snapshot().documents;
    Ok(Answer(VirtualProxyAnswer {
        id,
        virtual_proxy: file::export_one(documents, &Document::VirtualProxy(found)),
    }))
}

/// In their order.
#[derive(Serialize, JsonSchema)]
struct KeysAnswer {
    keys: Vec<KeyAnswer>,
}

/// A key.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct KeyAnswer {
    /// SHA-256 of the public key in DER, in hexadecimal digits.
    fingerprint: String,
    /// Bits of the modulus or of the curve.
    bits: usize,
    /// Whom the certificate names, if the key came in one.
    subject: Option<String>,
    /// When the certificate ends. The key goes on after that.
    certificate_expires: Option<String>,
}

impl From<&Key> for KeyAnswer {
    fn from(key: &Key) -> Self {
        let certificate = key.certificate();
        Self {
            fingerprint: key.fingerprint().to_owned(),
            bits: key.bits(),
            subject: certificate.map(|certificate| certificate.subject.to_string()),
            certificate_expires: certificate.map(|certificate| date(certificate.not_after)),
        }
    }
}

fn answers(keys: &KeySet) -> Vec<KeyAnswer> {
    keys.keys().iter().map(KeyAnswer::from).collect()
}

async fn show_keys(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Path(name): Path<String>,
) -> Result<Answer<KeysAnswer>, Trouble> {
    let keys = native.management.keys_of(&asker, &name)?;
    Ok(Answer(KeysAnswer {
        keys: answers(&keys),
    }))
}

/// What changes about the keys, in one save.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeysRequest {
    /// Certificates and public keys to add, PEM.
    #[serde(default)]
    add: String,
    /// The fingerprints of those to remove.
    #[serde(default)]
    remove: Vec<String>,
    /// Whether the sessions end that were opened with the removed ones.
    #[serde(default)]
    end_sessions: bool,
}

/// The keys that count from now on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChangedKeysAnswer {
    keys: Vec<KeyAnswer>,
    ended_sessions: usize,
}

async fn change_keys(
    State(native): State<Native>,
    Anybody(asker): Anybody,
    Path(name): Path<String>,
    Body(request): Body<KeysRequest>,
) -> Result<Answer<ChangedKeysAnswer>, Trouble> {
    let change = KeyChange {
        add: request.add,
        remove: request.remove,
        end_sessions: request.end_sessions,
    };
    let now = (native.clock)();
    let changed = native.management.change_keys(&asker, &name, &change, now);
    let changed = changed.await?;
    Ok(Answer(ChangedKeysAnswer {
        keys: answers(&changed.keys),
        ended_sessions: changed.ended_sessions,
    }))
}
