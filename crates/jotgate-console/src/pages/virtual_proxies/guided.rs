//! The way from nothing to a portal: one short form makes a virtual proxy, its node and its link in one
//! save, and the page behind it shows what the portal's server needs.

mod draft;
mod embedding;
mod portal;
mod trial;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{Application, ManageError};
use jotgate_model::{FieldErrors, Uuid};

use super::typed::secret;
use crate::assets::KEYS;
use crate::form::{Fields, Posted};
use crate::frame::{Done, Frame, Stop, page};
use crate::visit::Visit;

use draft::Wish;
pub(super) use portal::show as portal;
use trial::{ShownTrial, TRY};

/// Below `/qmc`.
pub(super) const START: &str = "/start";

pub(super) async fn ask(visit: Visit) -> Response {
    let errors = FieldErrors::default();
    show(&visit, None, &errors, Vec::new(), StatusCode::OK)
}

pub(super) async fn create(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    if fields.text("do") == TRY {
        return trial::show(&visit, &fields).await;
    }
    let id = Uuid::new_v4();
    let wish = Wish::read(&visit.snapshot(), &fields, id);
    let mut errors = wish.errors;
    let management = visit.management();
    let done = if errors.is_empty() {
        let application = Application {
            note: "create a virtual proxy for a portal, and link it".to_owned(),
            ..Default::default()
        };
        let applied = management.apply_draft(visit.actor(), wish.draft, application, visit.now());
        applied.await.map(|_| ())
    } else {
        // Everything that is wrong, at once.
        let compared = management.compare_draft(visit.actor(), &wish.draft, visit.now());
        compared.await.map(|_| ())
    };
    let status = match done {
        Ok(()) if errors.is_empty() => {
            return Ok(visit.done(&format!("{START}/{id}"), Done::Linked));
        }
        Ok(()) => StatusCode::BAD_REQUEST,
        Err(ManageError::Invalid(found)) => {
            draft::merge(&mut errors, found);
            StatusCode::BAD_REQUEST
        }
        Err(ManageError::Outdated { .. }) => {
            let problem = "Somebody saved at the same moment. Nothing of yours was; do it again.";
            errors.push("", problem);
            StatusCode::CONFLICT
        }
        Err(other) => return Err(visit.problem(&other).into()),
    };
    Ok(show(&visit, Some(&fields), &errors, Vec::new(), status))
}

/// The form, with what was typed, or with what suits a portal.
fn show(
    visit: &Visit,
    typed: Option<&Fields>,
    errors: &FieldErrors,
    trials: Vec<ShownTrial>,
    status: StatusCode,
) -> Response {
    let text = |name: &str| typed.map_or("", |typed| typed.text(name));
    let snapshot = visit.snapshot();
    let fields = FIELDS.iter().map(|field| Shown {
        field,
        value: match typed {
            None => field.usual.to_owned(),
            // A private key goes no further.
            Some(_) if secret(text(field.name)).is_some() => String::new(),
            Some(typed) => typed.text(field.name).trim().to_owned(),
        },
        problems: problems(errors, field.name),
    });
    let fields = fields.collect();
    let known = |name: &str| name == NODE || FIELDS.iter().any(|field| field.name == name);
    let others = errors.0.iter().filter(|error| !known(&error.field));
    let others = others.map(|error| match &*error.field {
        "" => error.problem.clone(),
        _ => error.to_string(),
    });
    let nodes = snapshot.documents.nodes.values();
    let mut nodes: Vec<_> = nodes
        .map(|node| Node {
            name: node.name.clone(),
            chosen: text(NODE) == node.metadata.id.to_string(),
            id: node.metadata.id,
        })
        .collect();
    nodes.sort_by_cached_key(|node| node.name.to_lowercase());
    let guided = Guided {
        frame: visit.frame("A virtual proxy for your portal", START),
        fields,
        nodes,
        node_problems: problems(errors, NODE),
        others: others.collect(),
        is_wrong: !errors.is_empty(),
        is_changed: typed.is_some(),
        trials,
        keys_script: &KEYS.name,
    };
    page(status, &guided)
}

fn problems(errors: &FieldErrors, name: &str) -> Vec<String> {
    let own = errors.0.iter().filter(|error| error.field == name);
    own.map(|error| format!("It {}", error.problem)).collect()
}

/// The node that is chosen; nothing for a new one.
const NODE: &str = "node";
/// The origin of pages that embed the backend.
const PORTAL: &str = "portal";
/// The backend's address, for a new node.
const URI: &str = "uri";

/// A field of the form, under its name in the document.
struct Field {
    name: &'static str,
    label: &'static str,
    help: &'static str,
    usual: &'static str,
    is_long: bool,
}

#[rustfmt::skip] // a table
const FIELDS: &[Field] = &[
    text("description", "Description", "Portal", "What administrators call it."),
    text("prefix", "Prefix", "portal", "The path that leads here: portal for https://gateway/portal/. Lower-case letters, digits and - . _ ~"),
    Field { is_long: true, ..text("jwtPublicKeyCertificate", "Certificate or public key", "", "What tokens are checked with, in PEM form, with its BEGIN and END lines. Without a script here, jotgate keygen makes a pair. Never the private key. Empty when an issuer publishes its keys.") },
    text("jwtIssuer", "Issuer", "", "The iss that tokens must have. With neither key nor JWKS address its keys are found with its discovery document."),
    text("jwtJwksUri", "JWKS address", "", "Where the issuer publishes its keys, when it has no discovery document."),
    text("jwtAudience", "Audience", "", "The aud that tokens must have. Needed with an issuer's keys: it signs tokens for others, too."),
    text("jwtAttributeUserId", "Claim for the user ID", "userId", "Upper and lower case count. Often sub."),
    text("jwtAttributeUserDirectory", "Claim for the user directory", "userDirectory", "Or a fixed one in brackets: [example]."),
    text(PORTAL, "Address of the portal", "", "Only where its pages show the backend in a frame or ask it with a script: https://portal.example.com, as browsers send it in Origin. It gets on the allow list and may read answers, and the cookie comes along from its pages."),
    text(URI, "Backend address", "", "Where requests are forwarded to, such as http://10.0.0.5:8080. A node with this address is made."),
];

const fn text(
    name: &'static str,
    label: &'static str,
    usual: &'static str,
    help: &'static str,
) -> Field {
    Field {
        name,
        label,
        help,
        usual,
        is_long: false,
    }
}

struct Shown {
    field: &'static Field,
    value: String,
    problems: Vec<String>,
}

struct Node {
    id: Uuid,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "virtual_proxies/guided.html")]
struct Guided {
    frame: Frame,
    fields: Vec<Shown>,
    nodes: Vec<Node>,
    node_problems: Vec<String>,
    /// What is wrong and has no field here.
    others: Vec<String>,
    is_wrong: bool,
    /// Whether it holds what is not saved.
    is_changed: bool,
    /// How the backends answer that were tried.
    trials: Vec<ShownTrial>,
    keys_script: &'static str,
}

#[cfg(test)]
mod tests;
