//! The token workbench: what becomes of a token at a virtual proxy, and what to do about it.
//!
//! A token comes in a posted form, goes into the answer's own field, and nowhere else: no address, log,
//! audit row or store has it.

mod code;
mod decoded;
mod fill;
mod own;
mod shown;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use jotgate_manage::{ManageError, ProbeAnswer, TokenJudge, TokenTrial, pasted};
use jotgate_model::Uuid;
use jotgate_model::entity::VirtualProxyConfig;

use super::changes::Origin;
use super::places::{Place, places};
use super::virtual_proxies::draft_of;
use crate::Console;
use crate::assets::KEYS;
use crate::form::Posted;
use crate::frame::{Frame, Stop, page};
use crate::visit::Visit;
use decoded::Decoded;
use own::OwnForm;
use shown::Verdict;

/// The path of the page, which the navigation marks.
const HERE: &str = "/tokens";
/// Bytes of a pasted text: more than any token may have, so that the verdict says that it is too long.
const MAX_PASTED: usize = 64 * 1024;
/// Characters of a path.
const MAX_PATH: usize = 1024;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, get(ask).post(check))
        .route("/tokens/fill", post(fill::fill))
        .route("/tokens/mint", post(own::mint))
}

async fn ask(visit: Visit) -> Response {
    let place = visit.parameter("virtual-proxy");
    let bench = Workbench::new(&visit, Typed::at(place));
    page(StatusCode::OK, &bench)
}

/// The page for a virtual proxy that is being edited.
pub(super) fn with_draft(visit: &Visit, origin: Origin) -> Response {
    let mut typed = Typed::at(String::new());
    typed.origin = Some(origin);
    page(StatusCode::OK, &Workbench::new(visit, typed))
}

async fn check(Posted { visit, fields }: Posted) -> Result<Response, Stop> {
    let mut typed = Typed::at(fields.text("virtual-proxy").to_owned());
    typed.origin = Origin::read(&fields);
    typed.path = fields.text("path").trim().to_owned();
    typed.take_token(fields.text("token"));
    typed.problem = typed.problem_of_path().unwrap_or(typed.problem);
    if !typed.problem.is_empty() {
        let bench = Workbench::new(&visit, typed);
        return Ok(page(StatusCode::BAD_REQUEST, &bench));
    }
    let send = fields.text("do") == "send" && typed.origin.is_none();
    let (status, bench) = judged(&visit, typed, send).await?;
    Ok(page(status, &bench))
}

/// The page with the verdict on the token.
async fn judged(
    visit: &Visit,
    mut typed: Typed,
    is_sent: bool,
) -> Result<(StatusCode, Workbench), Stop> {
    let draft = match &typed.origin {
        Some(origin) => Some(draft_of(visit, origin)?),
        None => None,
    };
    let trial = match typed.judge(visit, draft) {
        Ok(trial) => trial,
        Err(error @ (ManageError::Invalid(_) | ManageError::NoVirtualProxy(_))) => {
            typed.problem = error.to_string();
            None
        }
        Err(error) => return Err(visit.problem(&error).into()),
    };
    let status = match typed.problem.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    let decoded = match trial.as_ref().and_then(|trial| trial.presented.as_ref()) {
        Some(kept) => Decoded::of(kept),
        None => Decoded::read(&typed.token, &typed.private_claims(visit)),
    };
    let Some(trial) = trial else {
        let mut bench = Workbench::new(visit, typed);
        bench.decoded = Some(decoded);
        return Ok((status, bench));
    };
    let answer = match is_sent {
        true => Some(send(visit, &typed).await?),
        false => None,
    };
    // The page of what is saved would not have what is typed.
    let (edit, code) = match &typed.origin {
        Some(_) => (None, Vec::new()),
        None => (
            Some(visit.address(&format!("/virtual-proxies/{}", typed.place))),
            code::lines(&visit.origin(), &typed.full_path(visit), &typed.token),
        ),
    };
    let mut bench = Workbench::new(visit, typed);
    bench.verdict = Some(Verdict::of(&trial, edit.as_deref(), visit.now()));
    bench.decoded = Some(decoded);
    bench.answer = answer;
    bench.code = code;
    Ok((status, bench))
}

/// Sends the token with a request through the request path.
async fn send(visit: &Visit, typed: &Typed) -> Result<Sent, Stop> {
    let path = typed.full_path(visit);
    let sent = visit
        .management()
        .send_token(visit.actor(), &path, &typed.token)
        .await;
    match sent {
        Ok(answer) => Ok(Sent {
            answer: Some(answer),
            problem: String::new(),
            path,
        }),
        Err(ManageError::Unavailable(why)) => Ok(Sent {
            answer: None,
            problem: format!("There is no answer: {why}."),
            path,
        }),
        Err(error @ ManageError::Invalid(_)) => Ok(Sent {
            answer: None,
            problem: error.to_string(),
            path,
        }),
        Err(error) => Err(visit.problem(&error).into()),
    }
}

/// What came back for a token that was sent.
struct Sent {
    path: String,
    answer: Option<ProbeAnswer>,
    /// Why nothing came; empty when something did.
    problem: String,
}

/// What somebody has put into the form.
struct Typed {
    /// The id of the virtual proxy.
    place: String,
    token: String,
    /// Below the prefix.
    path: String,
    /// What the token came with and was judged without.
    left_out: String,
    problem: String,
    /// The edit page with the settings that are tried, when they are not those of a saved virtual proxy.
    origin: Option<Origin>,
}

impl Typed {
    fn at(place: String) -> Self {
        Self {
            place,
            token: String::new(),
            path: String::new(),
            left_out: String::new(),
            problem: String::new(),
            origin: None,
        }
    }

    fn take_token(&mut self, text: &str) {
        if text.trim().is_empty() {
            self.problem = "Paste a token first.".to_owned();
        } else if text.len() > MAX_PASTED {
            let bytes = text.len();
            self.problem = format!("That is no token: it has {bytes} bytes.");
        } else {
            let pasted = pasted(text);
            self.left_out = pasted.left_out.join(", ");
            self.token = pasted.token;
        }
    }

    /// What requests and lines of code cannot have in their path.
    fn problem_of_path(&self) -> Option<String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%?&=:@!+,;()*".contains(&byte);
        let is_good = self.path.len() <= MAX_PATH && self.path.bytes().all(fits);
        (!is_good).then(|| {
            "The path has characters that a path cannot have, or is too long. Write them as % and two digits."
                .to_owned()
        })
    }

    /// The path at the gateway.
    fn full_path(&self, visit: &Visit) -> String {
        let id = self.place.parse::<Uuid>().ok();
        let snapshot = visit.snapshot();
        let vp = id.and_then(|id| snapshot.virtual_proxy(id));
        let prefix = vp.map_or("", |vp| vp.prefix.as_str());
        let slash = if prefix.is_empty() { "" } else { "/" };
        format!("{slash}{prefix}/{}", self.path.trim_start_matches('/'))
    }

    fn judge(
        &self,
        visit: &Visit,
        draft: Option<VirtualProxyConfig>,
    ) -> Result<Option<TokenTrial>, ManageError> {
        let judge = match draft {
            Some(draft) => TokenJudge::Draft(Box::new(draft)),
            None if self.place.is_empty() => return Ok(None),
            None => {
                let id = self.place.parse();
                TokenJudge::Saved(id.map_err(|_| ManageError::NoVirtualProxy(self.place.clone()))?)
            }
        };
        let path = format!("/{}", self.path.trim_start_matches('/'));
        visit
            .management()
            .try_token(visit.actor(), judge, &self.token, &path, visit.now())
            .map(Some)
    }

    /// The claims of the chosen virtual proxy whose values are not shown.
    fn private_claims(&self, visit: &Visit) -> Vec<String> {
        let chosen = self.chosen(visit);
        chosen.map_or_else(Vec::new, |vp| vp.private_claims.clone())
    }

    fn chosen(&self, visit: &Visit) -> Option<Arc<VirtualProxyConfig>> {
        let id = self.place.parse::<Uuid>().ok()?;
        let snapshot = visit.snapshot();
        snapshot.documents.virtual_proxies.get(&id).cloned()
    }
}

#[derive(Template)]
#[template(path = "tokens/workbench.html")]
struct Workbench {
    frame: Frame,
    places: Vec<Place>,
    typed: Typed,
    verdict: Option<Verdict>,
    decoded: Option<Decoded>,
    minting: Minting,
    /// Where some virtual proxy trusts the gateway's own key, and the role may sign with it.
    own: Option<OwnForm>,
    keys_script: &'static str,
    answer: Option<Sent>,
    /// Id, heading, text.
    code: Vec<(&'static str, &'static str, String)>,
}

impl Workbench {
    fn new(visit: &Visit, typed: Typed) -> Self {
        Self {
            frame: visit.frame("Token workbench", HERE),
            places: places(&visit.snapshot()),
            verdict: None,
            decoded: None,
            minting: Minting::at(typed.chosen(visit).as_deref()),
            own: OwnForm::offered(visit, &typed.place),
            keys_script: &KEYS.name,
            answer: None,
            code: Vec::new(),
            typed,
        }
    }

    fn is_here(&self, place: &Place) -> bool {
        place.id.to_string() == self.typed.place
    }
}

/// What the form that makes a token begins with.
struct Minting {
    claims: Vec<(String, &'static str)>,
}

impl Minting {
    /// The claims that a virtual proxy asks for.
    fn at(vp: Option<&VirtualProxyConfig>) -> Self {
        let own = |text: &str, usual: &str| match text {
            "" => usual.to_owned(),
            claim => claim.to_owned(),
        };
        let user = vp.map_or("", |vp| &vp.jwt_attribute_user_id);
        let directory = vp.map_or("", |vp| &vp.jwt_attribute_user_directory);
        let mut claims = vec![(own(user, "userId"), "boz")];
        if !directory.starts_with('[') {
            claims.push((own(directory, "userDirectory"), "example"));
        }
        claims.resize(6, (String::new(), ""));
        Self { claims }
    }
}

#[cfg(test)]
mod tests;
