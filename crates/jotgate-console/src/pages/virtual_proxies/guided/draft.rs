//! What was typed, as changes of one save.

use jotgate_manage::{Draft, DraftContent, Edit, Key, KeySet, Kind};
use jotgate_model::entity::{ServerNodeConfiguration, ServiceConfig};
use jotgate_model::{Algorithm, FieldErrors, Snapshot, Uuid};
use serde_json::{Map, Value, json};

use super::super::mashup::Way;
use super::super::typed::pem;
use super::{NODE, PORTAL, URI};
use crate::form::Fields;

/// What keys of RSA sign with.
const USUAL: &str = "RS256";

/// The changes, and what the form itself asks for beyond the rules of a save.
pub(super) struct Wish {
    pub(super) draft: Draft,
    pub(super) errors: FieldErrors,
}

impl Wish {
    /// `id` is the one that the virtual proxy gets. It is linked to this gateway's proxy service.
    pub(super) fn read(snapshot: &Snapshot, typed: &Fields, id: Uuid) -> Self {
        let mut errors = FieldErrors::default();
        let mut edits = Vec::new();
        let node = node(snapshot, typed, &mut edits, &mut errors);
        let mut properties = virtual_proxy(typed, &mut errors);
        properties.insert("loadBalancingServerNodes".to_owned(), json!([node]));
        edits.push(put(Kind::VirtualProxy, id, properties));
        if let Some(proxy) = snapshot.documents.proxy_services.get(&snapshot.proxy_id) {
            let mut settings = proxy.settings.clone();
            settings.virtual_proxies.push(id);
            let properties = object(json!({ "settings": settings }));
            edits.push(put(Kind::ProxyService, snapshot.proxy_id, properties));
        }
        let draft = Draft {
            base: Some(snapshot.revision),
            content: DraftContent::Edits(edits),
        };
        Self { draft, errors }
    }
}

/// The node that is chosen, or a new one.
fn node(
    snapshot: &Snapshot,
    typed: &Fields,
    edits: &mut Vec<Edit>,
    errors: &mut FieldErrors,
) -> Uuid {
    let (chosen, uri) = (typed.text(NODE), typed.text(URI).trim());
    if !chosen.is_empty() {
        if !uri.is_empty() {
            errors.push(
                URI,
                "is for a new node, and one that exists is chosen; empty it, or choose a new node",
            );
        }
        let chosen = chosen.parse::<Uuid>().ok();
        let chosen = chosen.filter(|id| snapshot.documents.nodes.contains_key(id));
        return chosen.unwrap_or_else(|| {
            errors.push(NODE, "does not exist any more; choose another one");
            central(snapshot)
        });
    }
    if uri.is_empty() {
        errors.push(
            URI,
            "is empty; write where requests are forwarded to, or choose a node",
        );
        return central(snapshot);
    }
    let id = Uuid::new_v4();
    let node = new_node(uri);
    let properties = json!({
        "name": node.name,
        "hostName": node.host_name,
        "engineEnabled": false,
        "proxyEnabled": false,
        "services": [{ "path": "/", "uri": uri }],
    });
    edits.push(put(Kind::Node, id, object(properties)));
    id
}

/// The node of a backend's address.
pub(super) fn new_node(uri: &str) -> ServerNodeConfiguration {
    let address = uri.parse::<http::Uri>().unwrap_or_default();
    let authority = address.authority().map_or(uri, |a| a.as_str());
    ServerNodeConfiguration {
        name: authority.to_owned(),
        host_name: address.host().unwrap_or(uri).to_owned(),
        services: vec![ServiceConfig {
            path: "/".to_owned(),
            uri: uri.to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn central(snapshot: &Snapshot) -> Uuid {
    let mut nodes = snapshot.documents.nodes.values();
    let central = nodes.find(|node| node.is_central);
    central.map_or_else(Uuid::nil, |node| node.metadata.id)
}

fn virtual_proxy(typed: &Fields, errors: &mut FieldErrors) -> Map<String, Value> {
    let text = |name: &str| typed.text(name).trim();
    let key = "jwtPublicKeyCertificate";
    let before = errors.0.len();
    let certificate = pem(key, typed.text(key), errors);
    let (issuer, jwks) = (text("jwtIssuer"), text("jwtJwksUri"));
    if certificate.is_empty() && errors.0.len() == before {
        if issuer.is_empty() && jwks.is_empty() {
            errors.push(key, "is empty; paste it, or name an issuer");
        } else if text("jwtAudience").is_empty() {
            errors.push(
                "jwtAudience",
                "is empty; without it every token of the issuer would be accepted, whomever it is for",
            );
        }
    }
    for claim in ["jwtAttributeUserId", "jwtAttributeUserDirectory"] {
        if text(claim).is_empty() {
            errors.push(claim, "is empty; name the claim");
        }
    }
    let mut properties = object(json!({
        "description": text("description"),
        "prefix": text("prefix"),
        "sessionCookieHeaderName": format!("X-Qlik-Session-{}", text("prefix")),
        "authenticationMethod": "JWT",
        "jwtIssuer": issuer,
        "jwtJwksUri": jwks,
        "jwtDiscovery": certificate.is_empty() && jwks.is_empty() && !issuer.is_empty(),
        "jwtAudience": text("jwtAudience"),
        "jwtAttributeUserId": text("jwtAttributeUserId"),
        "jwtAttributeUserDirectory": text("jwtAttributeUserDirectory"),
        "jwtRequireExpiration": true,
    }));
    if let Some(algorithms) = algorithms(&certificate) {
        properties.insert("jwtAlgorithms".to_owned(), algorithms.into());
    }
    properties.insert(key.to_owned(), certificate.into());
    if !text(PORTAL).is_empty() {
        let set = Way::OtherSite.allow(text(PORTAL), &mut properties);
        errors.take(PORTAL, set);
    }
    properties
}

/// What the keys can sign with, when one of them is not of RSA; the usual algorithms will do otherwise.
fn algorithms(pem: &str) -> Option<Vec<&'static str>> {
    let set = KeySet::from_pem(pem).ok()?;
    let names: Vec<_> = set.keys().iter().filter_map(algorithm_of).collect();
    names.iter().any(|name| *name != USUAL).then_some(names)
}

/// The first algorithm that a key is for.
pub(super) fn algorithm_of(key: &Key) -> Option<&'static str> {
    let mut all = Algorithm::ALL.into_iter();
    all.find(|algorithm| key.fits(*algorithm))
        .map(Algorithm::name)
}

fn put(kind: Kind, id: Uuid, properties: Map<String, Value>) -> Edit {
    Edit::Put {
        kind,
        id: Some(id),
        properties,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Adds what a save has found to what the form has: under the form's names, and each thing once.
pub(super) fn merge(errors: &mut FieldErrors, found: FieldErrors) {
    for mut error in found.0 {
        // A draft's errors name the document in front of the field.
        let path = error.field.rsplit_once(": ").map_or(&*error.field, |p| p.1);
        let name = path.split(['[', '.']).next().unwrap_or_default();
        let name = match name {
            "services" | "hostName" | "name" => URI,
            "sessionCookieHeaderName" => "prefix",
            // Says once more what is missing.
            "settings" if !errors.is_empty() => continue,
            other => other,
        };
        if errors.0.iter().all(|known| known.field != name) {
            error.field = name.to_owned();
            errors.0.push(error);
        }
    }
}
