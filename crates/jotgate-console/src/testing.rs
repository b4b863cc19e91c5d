//! A console to look at.

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jotgate_manage::{
    Actor, ActorKind, LiveSide, Management, NewSite, Privilege, Repository, Sessions,
};
use jotgate_model::Timestamp;
use jotgate_observe::{Feed, FeedLimits, History, Metrics};
use jotgate_policy::csrf::CsrfKey;
use jotgate_repository::{AuditHead, AuditKey, AuditTrail};
use tower::ServiceExt;

use crate::Visitor;

const KEY: &[u8] = b"a key of this test";
const SESSION: &str = "5a9a3f4e-1111-4222-8333-444455556666";

/// A site with its console.
pub(crate) struct Site {
    _directory: tempfile::TempDir,
    pub(crate) management: Management,
    pub(crate) repository: Repository,
    router: Router,
    pub(crate) visitor: Visitor,
}

/// A page, or whatever else was answered.
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) head: Response<()>,
    pub(crate) text: String,
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

pub(crate) async fn site() -> Site {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    let new_site = NewSite {
        host_name: "gateway.example.com".to_owned(),
        node_services: Vec::new(),
        now: Timestamp::from_millis(1_700_000_000_000),
        proxy: None,
    };
    let trail = AuditTrail::begin(
        AuditKey::new(&[7; 32]),
        &directory.path().join("head"),
        &AuditHead::BEGINNING,
    );
    let repository = repository.with_audit(trail.unwrap());
    let sessions = Sessions::in_memory();
    let management = Management::start(repository.clone(), sessions, |_| {}, new_site).await;
    let management = management.unwrap();
    Site {
        _directory: directory,
        router: crate::router(management.clone(), now, CsrfKey::of_console(KEY)),
        management,
        repository,
        visitor: Visitor {
            actor: Actor {
                name: "INTERNAL\\anna".to_owned(),
                kind: ActorKind::LocalAdministrator,
                source: "127.0.0.1".to_owned(),
                privilege: Privilege::RootAdmin,
            },
            session: SESSION.to_owned(),
            prefix: String::new(),
        },
    }
}

impl Site {
    pub(crate) fn token(&self) -> String {
        CsrfKey::of_console(KEY).token(SESSION)
    }

    pub(crate) async fn get(&self, path: &str) -> Shown {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Posts a form as the page would, with its token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.token();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &token).extend_pairs(fields);
        self.send(form_request(path, form.finish())).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Shown {
        request.extensions_mut().insert(self.visitor.clone());
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Shown {
            status: head.status,
            head: Response::from_parts(head, ()),
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl Shown {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.head.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn form_request(path: &str, form: String) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap()
}

/// A request path on which nothing happens.
pub(crate) fn quiet_side() -> LiveSide {
    let limits = FeedLimits {
        entries: 1000,
        bytes: 1 << 20,
    };
    LiveSide {
        feed: Feed::new(limits, 1),
        history: History::new(Metrics::default()),
        backends: Box::new(Vec::new),
        probe: Box::new(|_| Box::pin(async { Err("nobody is there".into()) })),
        try_backend: Box::new(|_, _| Box::pin(std::future::pending())),
    }
}
