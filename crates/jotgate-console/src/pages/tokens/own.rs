//! The form that makes a token with the gateway's own key.

use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{MAX_MINTED_LIFETIME, ManageError, Privilege, TokenWish};
use jotgate_model::{FieldErrors, Uuid};
use serde_json::{Map, Value};

use super::{Typed, Workbench, judged};
use crate::form::{Fields, Posted};
use crate::frame::{Stop, page};
use crate::pages::places::{Place, places};
use crate::visit::Visit;

const MADE: &str = "Made. The audit trail has who made it, for whom, and its jti.";

/// What the form shows, and why it was not accepted.
#[derive(Default)]
pub(super) struct OwnForm {
    /// The virtual proxies that trust the key.
    pub(super) places: Vec<Place>,
    place: String,
    pub(super) user: String,
    pub(super) directory: String,
    pub(super) lifetime: String,
    pub(super) claims: String,
    pub(super) problem: String,
}

impl OwnForm {
    /// Empty, for those who may sign, when some virtual proxy trusts the key.
    pub(super) fn offered(visit: &Visit, place: &str) -> Option<Self> {
        if visit.actor().privilege != Privilege::RootAdmin {
            return None;
        }
        let trusting = visit.management().places_of_own_key();
        let mut places = places(&visit.snapshot());
        places.retain(|place| trusting.contains(&place.id));
        (!places.is_empty()).then(|| Self {
            places,
            place: place.to_owned(),
            lifetime: "60".to_owned(),
            ..Self::default()
        })
    }

    fn read(self, fields: &Fields) -> Self {
        let text = |name| fields.text(name).trim().to_owned();
        Self {
            place: text("virtual-proxy"),
            user: text("user"),
            directory: text("directory"),
            lifetime: text("lifetime"),
            claims: text("claims"),
            ..self
        }
    }

    fn wish(&self) -> Result<TokenWish, ManageError> {
        let no_place = || ManageError::NoVirtualProxy(self.place.clone());
        let claims = match &*self.claims {
            "" => Ok(Value::Object(Map::new())),
            text => serde_json::from_str(text),
        };
        let Ok(Value::Object(claims)) = claims else {
            let problem = "must be a JSON object, such as {\"email\": \"boz@example.com\"}";
            let mut errors = FieldErrors::default();
            errors.push("claims", problem);
            return Err(errors.into());
        };
        Ok(TokenWish {
            virtual_proxy: self.place.parse::<Uuid>().map_err(|_| no_place())?,
            user_id: self.user.clone(),
            user_directory: self.directory.clone(),
            // What cannot be read is no lifetime, which the use case says.
            lifetime: self.lifetime.parse().unwrap_or_default(),
            claims,
        })
    }

    pub(super) fn is_here(&self, place: &Place) -> bool {
        place.id.to_string() == self.place
    }

    pub(super) const fn longest(&self) -> u32 {
        MAX_MINTED_LIFETIME
    }
}

pub(super) async fn mint(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let form = OwnForm::offered(&visit, "").unwrap_or_default();
    let mut form = form.read(&fields);
    let minted = match form.wish() {
        Ok(wish) => {
            let (management, actor) = (visit.management(), visit.actor());
            management.mint_token(actor, &wish, visit.now()).await
        }
        Err(error) => Err(error),
    };
    let mut typed = Typed::at(form.place.clone());
    let (status, mut bench) = match minted {
        Ok(token) => {
            typed.token = token;
            let (status, mut bench) = judged(&visit, typed, false).await?;
            bench.frame.done = Some(MADE);
            (status, bench)
        }
        Err(error @ (ManageError::Invalid(_) | ManageError::NoVirtualProxy(_))) => {
            form.problem = error.to_string();
            (StatusCode::BAD_REQUEST, Workbench::new(&visit, typed))
        }
        Err(error) => return Err(visit.problem(&error).into()),
    };
    bench.own = bench.own.is_some().then_some(form);
    Ok(page(status, &bench))
}
