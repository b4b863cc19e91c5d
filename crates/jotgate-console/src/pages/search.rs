//! Going somewhere by its name: pages, virtual proxies, users, a session, a request. The palette
//! (`assets/palette.js`) shows the same answers.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use jotgate_manage::{FeedFilter, ManageError};

use super::places::places;
use super::users::{named, page_of};
use crate::Console;
use crate::frame::{Frame, Stop, page};
use crate::navigation::GROUPS;
use crate::visit::Visit;

const HERE: &str = "/search";
/// The most answers of one kind.
const MAX: usize = 10;

/// What leads to something that is done, beside the pages of the navigation.
const ACTIONS: [(&str, &str); 2] = [
    ("Create a virtual proxy", "/virtual-proxies/new"),
    ("Create an API key", "/api-keys/new"),
];

pub(super) fn routes() -> Router<Console> {
    Router::new().route(HERE, get(show))
}

async fn show(visit: Visit) -> Result<Response, Stop> {
    let asked = visit.parameter("q").trim().to_owned();
    let answers = answers(&visit, &asked).await;
    let search = Search {
        frame: visit.frame("Search", HERE),
        answers: answers.map_err(|error| visit.problem(&error))?,
        asked,
    };
    Ok(page(StatusCode::OK, &search))
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    asked: String,
    answers: Vec<Answer>,
}

/// Somewhere to go.
struct Answer {
    kind: &'static str,
    text: String,
    address: String,
}

async fn answers(visit: &Visit, asked: &str) -> Result<Vec<Answer>, ManageError> {
    let wanted = asked.to_lowercase();
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    let answer = |kind, text: &str, path: &str| Answer {
        kind,
        text: text.to_owned(),
        address: visit.address(path),
    };
    let links = GROUPS.iter().flat_map(|group| group.links);
    let mut found: Vec<_> = links
        .filter(|link| fits(link.text))
        .map(|link| answer("Page", link.text, link.path))
        .collect();
    let actions = ACTIONS.iter().filter(|(text, _)| fits(text));
    found.extend(actions.map(|(text, path)| answer("Action", text, path)));
    let places = places(&visit.snapshot()).into_iter();
    let places = places.filter(|place| fits(&place.description) || fits(&place.prefix));
    found.extend(places.take(MAX).map(|place| {
        let text = format!("{} ({})", place.description, place.prefix);
        answer(
            "Virtual proxy",
            &text,
            &format!("/virtual-proxies/{}", place.id),
        )
    }));
    if asked.is_empty() {
        return Ok(found);
    }
    for user in named(visit.management(), asked, MAX).await? {
        found.push(answer("User", &user.user.to_string(), &page_of(&user)));
    }
    found.extend(by_whole_name(visit, asked));
    Ok(found)
}

/// What nobody finds by a part of its name: a session by its public id, a request by its reference.
fn by_whole_name(visit: &Visit, asked: &str) -> Vec<Answer> {
    let mut found = Vec::new();
    let (management, snapshot) = (visit.management(), visit.snapshot());
    let mut sessions = snapshot
        .virtual_proxies()
        .filter_map(|vp| management.session_at(vp, asked, visit.now()));
    if let Some(session) = sessions.next() {
        found.push(Answer {
            kind: "Session",
            text: session.user().to_string(),
            address: visit.address(&format!("/sessions/{}", session.public_id())),
        });
    }
    let filter = FeedFilter {
        reference: Some(asked.to_uppercase()),
        ..FeedFilter::default()
    };
    // Where no requests are served, none is found.
    let requests = management.recent_requests(&filter, 1);
    for request in requests.map_or_else(|_| Vec::new(), |found| found.requests) {
        found.push(Answer {
            kind: "Request",
            text: format!("{} {}", request.method, request.path),
            address: visit.address(&format!("/requests/{}", request.reference)),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::testing::site;

    #[tokio::test]
    async fn pages_actions_and_virtual_proxies_are_found_by_a_part_of_their_names() {
        let site = site().await;
        let all = site.get("/qmc/search").await.text;
        for link in [
            "/qmc/requests\"",
            "/qmc/virtual-proxies/new\"",
            "/qmc/sessions\"",
        ] {
            assert!(all.contains(link), "{link}: {all}");
        }
        let some = site.get("/qmc/search?q=live+REQ").await.text;
        assert_eq!(some.matches("data-kind").count(), 1, "{some}");
        let central = site.get("/qmc/search?q=central").await.text;
        assert!(central.contains("data-kind=\"Virtual proxy\""), "{central}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_and_stays_text() {
        let site = site().await;
        let none = site.get("/qmc/search?q=%3Cimg+src%3Dx%3E").await.text;
        assert!(none.contains("Nothing has this name") && !none.contains("<img"));
    }
}
