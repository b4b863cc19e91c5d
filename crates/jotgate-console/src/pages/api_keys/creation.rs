//! Making a key. The answer to the form is the one page that ever shows it.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{KeyAction, ManageError, NewApiKey};
use jotgate_model::{FieldErrors, Uuid};

use super::HERE;
use crate::dates::minute;
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Stop, page};
use crate::pages::places::{Place, places};
use crate::visit::Visit;

/// How many days a key works when nobody says.
const USUAL_DAYS: &str = "90";

pub(super) async fn ask(visit: Visit) -> Response {
    let typed = Typed {
        days: USUAL_DAYS.to_owned(),
        ..Typed::default()
    };
    show(
        &visit,
        StatusCode::OK,
        typed,
        FieldErrors::default(),
        String::new(),
    )
}

pub(super) async fn create(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let typed = Typed::of(&fields);
    let new = NewApiKey {
        name: typed.name.clone(),
        actions: typed
            .actions
            .iter()
            .filter_map(|name| KeyAction::from_name(name))
            .collect(),
        virtual_proxies: typed.places.clone(),
        // What is no number is none that is allowed.
        days: typed.days.parse().unwrap_or(0),
    };
    let management = visit.management();
    let made = management.create_api_key(visit.actor(), new, visit.now());
    Ok(match made.await {
        Ok((text, key)) => {
            let made = Made {
                frame: visit.frame(&format!("API key {}", key.name), HERE),
                key: text.expose().to_owned(),
                expires: minute(key.expires),
            };
            page(StatusCode::OK, &made)
        }
        Err(ManageError::Invalid(errors)) => show(
            &visit,
            StatusCode::BAD_REQUEST,
            typed,
            errors,
            String::new(),
        ),
        Err(ManageError::Forbidden(sentence)) => {
            let none = FieldErrors::default();
            show(&visit, StatusCode::FORBIDDEN, typed, none, sentence)
        }
        Err(error) => visit.problem(&error),
    })
}

/// What was typed.
#[derive(Default)]
struct Typed {
    name: String,
    days: String,
    actions: Vec<String>,
    places: Vec<Uuid>,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        Self {
            name: fields.text("name").trim().to_owned(),
            days: fields.text("days").trim().to_owned(),
            actions: fields.all("actions").map(str::to_owned).collect(),
            places: fields
                .all("virtualProxies")
                .filter_map(|id| id.parse().ok())
                .collect(),
        }
    }
}

fn show(
    visit: &Visit,
    status: StatusCode,
    typed: Typed,
    errors: FieldErrors,
    problem: String,
) -> Response {
    let creation = Creation {
        frame: visit.frame("New API key", HERE),
        places: places(&visit.snapshot()),
        typed,
        errors,
        problem,
    };
    page(status, &creation)
}

#[derive(Template)]
#[template(path = "api_keys/creation.html")]
struct Creation {
    frame: Frame,
    places: Vec<Place>,
    typed: Typed,
    errors: FieldErrors,
    problem: String,
}

impl Creation {
    /// What is wrong with a field; empty when nothing is.
    fn wrong_with(&self, field: &str) -> String {
        let all = self.errors.0.iter().filter(|error| error.field == field);
        let all: Vec<&str> = all.map(|error| error.problem.as_str()).collect();
        all.join("; ")
    }

    fn actions(&self) -> [(&'static str, &'static str, bool); 4] {
        KeyAction::ALL.map(|action| {
            let may = match action {
                KeyAction::ReadConfiguration => "read the virtual proxies",
                KeyAction::RotateKeys => "add and remove their certificates and public keys",
                KeyAction::ReadSessions => "see who has a session there",
                KeyAction::EndSessions => "end those sessions",
            };
            let name = action.name();
            (
                name,
                may,
                self.typed.actions.iter().any(|typed| typed == name),
            )
        })
    }

    fn is_chosen(&self, place: &Place) -> bool {
        self.typed.places.contains(&place.id)
    }
}

/// The key, once.
#[derive(Template)]
#[template(path = "api_keys/made.html")]
struct Made {
    frame: Frame,
    key: String,
    expires: String,
}
