//! Prints how long administration takes in a large site, as a table. `cargo xtask bench manage` runs it
//! in release. Each figure is the median and the worst of several requests over QRS, from the request to
//! the last byte of the answer, without TLS and sockets.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]
#![expect(clippy::unwrap_used, reason = "an example stops at the first problem")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use http::Request;
use http_body_util::BodyExt;
use jotgate_api::{Build, certificate_caller, qrs_router};
use jotgate_manage::{
    Actor, ActorKind, Change, Document, Management, NewSite, Privilege, Repository,
};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Identity, Snapshot, Timestamp, User};
use jotgate_policy::route::route;
use jotgate_session::Sessions;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

const VIRTUAL_PROXIES: u128 = 10_000;
const USERS: usize = 100_000;
const TIMES: usize = 20;

#[tokio::main]
async fn main() {
    // On the disk of the build, and not in the tree, should this be killed.
    let program = std::env::current_exe().unwrap();
    let directory = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
    let path = directory.path().join("jotgate.db");
    let management = start(&path).await;
    let of_one = routing(&management.snapshot());
    add_virtual_proxies(&management).await;
    add_users(&management).await;

    println!("{VIRTUAL_PROXIES} virtual proxies, {USERS} users; median and worst of {TIMES}");
    let qrs = Qrs::of(&management);
    for address in [
        "virtualproxyconfig",
        "virtualproxyconfig/full",
        "virtualproxyconfig?filter=prefix eq 'p5000'",
        "virtualproxyconfig/full?filter=description so '99'&orderby=description desc",
        "virtualproxyconfig/count",
        "proxyservice/local",
        "user/count",
        "user?filter=userId eq 'user-50000'",
        "user/full?filter=userDirectory eq 'DIR-7' and userId eq 'user-50007'",
        "user/count?filter=userDirectory eq 'DIR-7'",
        "user/full?filter=name eq 'user-99999'",
    ] {
        qrs.measure("GET", address, |_| Body::empty()).await;
    }
    let columns = r#"{"entity":"User","columns":[{"name":"userId","columnType":"Property","definition":"userId"}]}"#;
    for sort in [
        "",
        "&sortColumn=userId",
        "&sortColumn=name&orderAscending=false",
    ] {
        let address = format!("user/table?skip=0&take=50{sort}");
        qrs.measure("POST", &address, |_| Body::from(columns)).await;
    }
    let address = format!("virtualproxyconfig/{}", Uuid::from_u128(5000));
    let mut saved: Value =
        serde_json::from_slice(&qrs.send("GET", &address, Body::empty()).await).unwrap();
    saved["modifiedDate"] = "2100-01-01T00:00:00.000Z".into();
    let change = |time: usize| {
        saved["description"] = format!("changed {time}").into();
        Body::from(saved.to_string())
    };
    qrs.measure("PUT", &address, change).await;

    let begun = Instant::now();
    drop(start(&path).await);
    println!(
        "{:>10.1?}              start with all of them",
        begun.elapsed()
    );
    let of_many = routing(&management.snapshot());
    println!(
        "{of_one:>10.1?} {of_many:>10.1?}   the route of a request among 1 and {VIRTUAL_PROXIES}"
    );
}

async fn start(path: &std::path::Path) -> Management {
    let site = NewSite {
        host_name: "localhost".to_owned(),
        node_services: Vec::new(),
        now: clock(),
        proxy: None,
    };
    let repository = Repository::open_sqlite(path).await.unwrap();
    let started = Management::start(repository, Sessions::in_memory(), |_| {}, site);
    started.await.unwrap()
}

/// All of them linked, so that they are routed to, in one save.
async fn add_virtual_proxies(management: &Management) {
    let snapshot = management.snapshot();
    let nodes: Vec<Uuid> = snapshot.documents.nodes.keys().copied().collect();
    let mut proxy = snapshot.documents.proxy_services[&snapshot.proxy_id]
        .as_ref()
        .clone();
    let made = (1..=VIRTUAL_PROXIES).map(|i| {
        proxy.settings.virtual_proxies.push(Uuid::from_u128(i));
        let mut document = VirtualProxyConfig {
            prefix: format!("p{i}"),
            description: format!("Virtual proxy {i}"),
            session_cookie_header_name: format!("X-Qlik-Session-{i}"),
            load_balancing_server_nodes: nodes.clone(),
            ..Default::default()
        };
        document.metadata.id = Uuid::from_u128(i);
        Change::Put(Document::VirtualProxy(Arc::new(document)))
    });
    let mut changes: Vec<_> = made.collect();
    changes.push(Change::Put(Document::ProxyService(Arc::new(proxy))));
    let actor = Actor {
        name: r"INTERNAL\example".to_owned(),
        kind: ActorKind::System,
        source: "console".to_owned(),
        privilege: Privilege::RootAdmin,
    };
    let begun = Instant::now();
    management
        .apply(&actor, changes, "all at once", clock())
        .await
        .unwrap();
    println!(
        "{:>10.1?}              all of them in one save",
        begun.elapsed()
    );
}

async fn add_users(management: &Management) {
    let notes = management.note_sign_ins();
    for i in 0..USERS {
        let identity = Identity {
            user: User::new(format!("DIR-{}", i % 10), format!("user-{i}")),
            attributes: vec![("group".into(), "sales".into())],
        };
        while !notes.note(&identity, clock()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    while management.count_users().await.unwrap() < USERS as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Qrs(Router);

impl Qrs {
    fn of(management: &Management) -> Self {
        let build = Build {
            version: Build::INTERFACE_VERSION,
            date: clock(),
        };
        Self(certificate_caller(
            qrs_router(management.clone(), clock, build, None),
            None,
        ))
    }

    /// Prints how long a request takes whose body `body` makes.
    async fn measure(&self, method: &str, address: &str, mut body: impl FnMut(usize) -> Body) {
        let mut times = Vec::with_capacity(TIMES);
        let mut length = 0;
        for time in 0..TIMES {
            let begun = Instant::now();
            length = self.send(method, address, body(time)).await.len();
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let (median, worst) = (times[TIMES / 2], times[TIMES - 1]);
        println!("{median:>10.1?} {worst:>10.1?}   {method} {address}: {length} bytes");
    }

    async fn send(&self, method: &str, address: &str, body: Body) -> Bytes {
        let joint = if address.contains('?') { '&' } else { '?' };
        let address = address.replace(' ', "%20");
        let request = Request::builder()
            .method(method)
            .uri(format!("/qrs/{address}{joint}xrfkey=0123456789abcdef"))
            .header("X-Qlik-Xrfkey", "0123456789abcdef")
            .header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=example")
            .body(body)
            .unwrap();
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{address}: {status} {body:?}");
        body
    }
}

/// How long the route of one request takes, over all prefixes in turn.
fn routing(snapshot: &Snapshot) -> Duration {
    const ROUNDS: u32 = 100;
    let prefixes = snapshot.documents.virtual_proxies.values();
    let paths: Vec<String> = prefixes.map(|vp| format!("/{}/hub/", vp.prefix)).collect();
    let rounds =
        ROUNDS * u32::try_from(VIRTUAL_PROXIES).unwrap() / u32::try_from(paths.len()).unwrap();
    let begun = Instant::now();
    for _ in 0..rounds {
        for path in &paths {
            drop(black_box(route(snapshot, black_box(path))));
        }
    }
    begun.elapsed() / (rounds * u32::try_from(paths.len()).unwrap())
}

fn clock() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}
