//! One request, found by the reference that its client was shown: what was decided, why, and what to do.

use std::time::Duration;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jotgate_manage::{FeedFilter, Phase, RecentRequest};
use jotgate_model::{Reason, Side, Uuid};

use super::remedies::{NODES, Way, way};
use super::{HERE, millis, prefix_of, user_of};
use crate::frame::{Frame, Stop, page};
use crate::pages;
use crate::pages::virtual_proxies::label_of;
use crate::paging::with_query;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit, Path(reference): Path<String>) -> Result<Response, Stop> {
    let filter = FeedFilter {
        reference: Some(reference),
        ..FeedFilter::default()
    };
    let found = visit.management().recent_requests(&filter, 1);
    let found = found.map_err(|error| visit.problem(&error))?.requests;
    let Some(request) = found.first() else {
        let sentence = "No request that is still kept has this reference. Those of before the last start and \
                        the oldest ones are in the access log only.";
        let title = "There is no such request";
        return Err(pages::trouble(&visit, StatusCode::NOT_FOUND, title, sentence).into());
    };
    let frame = visit.frame(&format!("{} {}", request.method, request.path), HERE);
    let place = request.virtual_proxy.as_ref().map(|(id, _)| *id);
    let snapshot = visit.snapshot();
    let place = place.filter(|id| snapshot.virtual_proxy(*id).is_some());
    let helping = request
        .reason
        .and_then(|reason| helping(&visit, way(reason), place, request));
    Ok(page(
        StatusCode::OK,
        &One::of(frame, place, helping, request),
    ))
}

/// The place in the console where the cause is changed, and the words that lead there.
fn helping(
    visit: &Visit,
    way: Way,
    place: Option<Uuid>,
    request: &RecentRequest,
) -> Option<(String, String)> {
    match way {
        Way::Field(name) => field(visit, name, place),
        Way::Node => node(visit, request).or_else(|| field(visit, NODES, place)),
        Way::Page(path, words) => Some((visit.address(path), words.to_owned())),
        Way::User => {
            let user = user_of(request);
            let list = with_query(visit.address("/users"), &[("filter", &user)]);
            (!user.is_empty()).then(|| (list, "To the user".to_owned()))
        }
        Way::Nowhere => None,
    }
}

fn field(visit: &Visit, name: &str, place: Option<Uuid>) -> Option<(String, String)> {
    let label = label_of(name).unwrap_or(name);
    let path = format!("/virtual-proxies/{}#f-{name}", place?);
    let words = format!("Change \u{201c}{label}\u{201d}");
    Some((visit.address(&path), words))
}

/// To the node that was asked, which the request knows by its name.
fn node(visit: &Visit, request: &RecentRequest) -> Option<(String, String)> {
    let asked = request.node.as_deref()?;
    let snapshot = visit.snapshot();
    let mut nodes = snapshot.documents.nodes.values();
    let id = nodes.find(|node| node.name == asked)?.metadata.id;
    let words = format!("To the node \u{201c}{asked}\u{201d}");
    Some((visit.address(&format!("/nodes/{id}")), words))
}

#[derive(Template)]
#[template(path = "requests/one.html")]
struct One {
    frame: Frame,
    /// The virtual proxy, when it is there still.
    place: Option<Uuid>,
    /// Where the cause is changed: address and words.
    helping: Option<(String, String)>,
    reference: String,
    time: String,
    status: u16,
    client: String,
    user_agent: String,
    prefix: String,
    user: String,
    session: Option<String>,
    node: Option<String>,
    total: String,
    waiting: Option<String>,
    refusal: Option<Refusal>,
    phases: Vec<Step>,
    token: Option<Token>,
}

/// Why it was refused, and what helps.
struct Refusal {
    id: &'static str,
    client_sentence: &'static str,
    detail: Option<String>,
    remedy: &'static str,
    side: &'static str,
    retry: bool,
}

/// A phase that was reached.
struct Step {
    name: &'static str,
    began: String,
    took: String,
    /// Its place in a bar of the whole time, in thousandths.
    from: u64,
    width: u64,
    is_last: bool,
}

/// What its token says.
struct Token {
    header: Option<String>,
    claims: Option<String>,
    is_cut: bool,
    fingerprint: Option<String>,
}

impl One {
    fn of(
        frame: Frame,
        place: Option<Uuid>,
        helping: Option<(String, String)>,
        request: &RecentRequest,
    ) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            frame,
            place,
            helping,
            reference: request.reference.to_string(),
            time: request
                .time
                .to_string()
                .replace('T', " ")
                .replace('Z', " UTC"),
            status: request.status,
            client: request.client.to_string(),
            user_agent: request.user_agent.to_string(),
            prefix: prefix_of(request),
            user: user_of(request),
            session: text(&request.session),
            node: text(&request.node),
            total: millis(request.total),
            waiting: request.waiting.map(millis),
            refusal: request.reason.map(|reason| Refusal::of(reason, request)),
            phases: steps(request),
            token: request.token.as_ref().map(|token| Token {
                header: text(&token.header),
                claims: text(&token.claims),
                is_cut: token.is_cut,
                fingerprint: token.key_fingerprint.as_deref().map(str::to_owned),
            }),
        }
    }
}

impl Refusal {
    fn of(reason: Reason, request: &RecentRequest) -> Self {
        Self {
            id: reason.id(),
            client_sentence: reason.client_sentence(),
            detail: request.detail.as_deref().map(str::to_owned),
            remedy: reason.remedy(),
            side: match reason.side() {
                Side::Backend => "The node that should have answered",
                Side::Client => "What the client sent",
                Side::Gateway => "Jotgate, or a store that it needs",
            },
            retry: reason.retry(),
        }
    }
}

/// Each phase that was reached, with the time until the next one began.
fn steps(request: &RecentRequest) -> Vec<Step> {
    let mut reached: Vec<_> = request.phases.reached().collect();
    reached.sort_by_key(|(_, began)| *began);
    let total = u32::try_from(request.total.as_micros()).unwrap_or(u32::MAX);
    let ends = reached.iter().skip(1).map(|(_, began)| *began);
    let ends: Vec<u32> = ends.chain([total]).collect();
    let micros = |micros: u32| millis(Duration::from_micros(micros.into()));
    let share = |micros: u32| u64::from(micros).saturating_mul(1000) / u64::from(total.max(1));
    let step = |((phase, began), end): ((Phase, u32), u32)| Step {
        name: phase.name(),
        began: micros(began),
        took: micros(end.saturating_sub(began)),
        from: share(began).min(996),
        width: share(end.saturating_sub(began)).max(4),
        is_last: phase == request.phase,
    };
    reached.into_iter().zip(ends).map(step).collect()
}
