//! API keys: listed, made, deleted.

use axum::extract::State;
use http::StatusCode;
use jotgate_manage::{KeyAction, ManageError, NewApiKey, StoredApiKey};
use jotgate_model::FieldErrors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Native;
use super::endpoint::Endpoint;
use super::input::{Body, Caller, Path};
use super::output::{Answer, Created, Deleted};
use super::trouble::Trouble;

/// How many days a key works when nobody says.
const USUAL_DAYS: u32 = 90;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api-keys", "Every API key, without its secret", list)
            .answer::<ApiKeysAnswer>(),
        Endpoint::post("/api-keys", "Makes an API key, which is shown once", create)
            .body::<NewKeyRequest>()
            .answer::<NewKeyAnswer>()
            .status(StatusCode::CREATED),
        Endpoint::delete("/api-keys/{id}", "Deletes an API key", delete)
            .status(StatusCode::NO_CONTENT),
    ]
}

/// In the order in which they were made.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApiKeysAnswer {
    api_keys: Vec<ApiKeyAnswer>,
}

/// A key without its secret.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApiKeyAnswer {
    id: String,
    name: String,
    /// What it may do.
    actions: Vec<String>,
    /// The ids of the virtual proxies at which it may.
    virtual_proxies: Vec<String>,
    created: String,
    created_by: String,
    expires: String,
    /// To the minute.
    last_used: Option<String>,
    last_used_from: Option<String>,
}

impl From<StoredApiKey> for ApiKeyAnswer {
    fn from(key: StoredApiKey) -> Self {
        let ids = key.virtual_proxies.iter();
        Self {
            id: key.id.to_string(),
            name: key.name,
            actions: key.actions,
            virtual_proxies: ids.map(ToString::to_string).collect(),
            created: key.created.to_string(),
            created_by: key.created_by,
            expires: key.expires.to_string(),
            last_used: key.last_used.map(|at| at.to_string()),
            last_used_from: key.last_used_from,
        }
    }
}

async fn list(
    State(native): State<Native>,
    Caller(_): Caller,
) -> Result<Answer<ApiKeysAnswer>, Trouble> {
    let keys = native.management.api_keys().await?;
    let api_keys = keys.into_iter().map(ApiKeyAnswer::from).collect();
    Ok(Answer(ApiKeysAnswer { api_keys }))
}

/// The key that is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKeyRequest {
    /// What people call it.
    name: String,
    /// What it may do: configuration.read, keys.rotate, sessions.read, sessions.end.
    actions: Vec<String>,
    /// The ids or prefixes of the virtual proxies at which it may.
    virtual_proxies: Vec<String>,
    /// How many days it works; 90 when nothing is said.
    days: Option<u32>,
}

/// The new key.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewKeyAnswer {
    /// What the program sends behind `Bearer`. It is shown this once and kept nowhere.
    key: String,
    #[serde(flatten)]
    about: ApiKeyAnswer,
}

async fn create(
    State(native): State<Native>,
    Caller(actor): Caller,
    Body(request): Body<NewKeyRequest>,
) -> Result<Created<NewKeyAnswer>, Trouble> {
    let new = native.wanted_key(request)?;
    let made = native
        .management
        .create_api_key(&actor, new, (native.clock)());
    let (text, key) = made.await?;
    Ok(Created(NewKeyAnswer {
        key: text.expose().to_owned(),
        about: key.into(),
    }))
}

impl Native {
    fn wanted_key(&self, request: NewKeyRequest) -> Result<NewApiKey, ManageError> {
        let mut errors = FieldErrors::default();
        let mut actions = Vec::new();
        for name in &request.actions {
            let names = || KeyAction::ALL.map(KeyAction::name).join(", ");
            match KeyAction::from_name(name) {
                Some(action) => actions.push(action),
                None => errors.push("actions", format!("{name:?} is none of {}", names())),
            }
        }
        let mut virtual_proxies = Vec::new();
        for name in &request.virtual_proxies {
            let id = Uuid::parse_str(name).ok();
            let of_prefix = || self.management.virtual_proxy_named(name);
            match id.or_else(|| of_prefix().map(|vp| vp.id)) {
                Some(id) => virtual_proxies.push(id),
                None => errors.push(
                    "virtualProxies",
                    format!("{name:?} is neither the id nor the prefix of a virtual proxy"),
                ),
            }
        }
        if !errors.is_empty() {
            return Err(errors.into());
        }
        Ok(NewApiKey {
            name: request.name,
            actions,
            virtual_proxies,
            days: request.days.unwrap_or(USUAL_DAYS),
        })
    }
}

async fn delete(
    State(native): State<Native>,
    Caller(actor): Caller,
    Path(id): Path<Uuid>,
) -> Result<Deleted, Trouble> {
    if native
        .management
        .delete_api_key(&actor, id, (native.clock)())
        .await?
    {
        Ok(Deleted)
    } else {
        Err(Trouble::missing("There is no API key with that id."))
    }
}
