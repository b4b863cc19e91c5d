//! Prints how long a save takes with 10,000 virtual proxies:
//! `cargo run --release -p jotgate-manage --example save_timing`.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]
#![expect(clippy::unwrap_used, reason = "an example stops at the first problem")]

use std::sync::Arc;
use std::time::Instant;

use jotgate_manage::{
    Actor, ActorKind, Change, Document, Management, NewSite, Privilege, Repository,
};
use jotgate_model::Timestamp;
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_session::Sessions;
use uuid::Uuid;

const VIRTUAL_PROXIES: u128 = 10_000;
const SAVES: i64 = 50;

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let path = directory.path().join("jotgate.db");
    let site = NewSite {
        host_name: "localhost".to_owned(),
        node_services: Vec::new(),
        now: at(0),
    };
    let actor = Actor {
        name: r"INTERNAL\example".to_owned(),
        kind: ActorKind::System,
        source: "console".to_owned(),
        privilege: Privilege::RootAdmin,
    };
    let start = async |site| {
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let started = Management::start(repository, Sessions::in_memory(), |_| {}, site);
        started.await.unwrap()
    };
    let management = start(site.clone()).await;

    let begun = Instant::now();
    let changes = (1..=VIRTUAL_PROXIES).map(|i| {
        let document = Arc::new(virtual_proxy(i));
        Change::Put(Document::VirtualProxy(document))
    });
    let all = management.apply(&actor, changes.collect(), "all at once", at(1));
    let all = all.await.unwrap();
    println!(
        "{VIRTUAL_PROXIES} virtual proxies in one save: {:?}",
        begun.elapsed()
    );

    let mut times = Vec::new();
    for i in 1..=SAVES {
        let id = Uuid::from_u128(i.unsigned_abs().into());
        let mut draft = VirtualProxyConfig::clone(&all.documents.virtual_proxies[&id]);
        draft.description.push_str(", changed");
        let begun = Instant::now();
        let saved = management.update_virtual_proxy(&actor, id, draft, at(1 + i));
        saved.await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("one save, live when it returns: median {median:?}, worst of {SAVES} {worst:?}");

    let begun = Instant::now();
    start(site).await;
    println!("start with all of them: {:?}", begun.elapsed());
}

fn virtual_proxy(i: u128) -> VirtualProxyConfig {
    let mut document = VirtualProxyConfig {
        prefix: format!("p{i}"),
        description: format!("Virtual proxy {i}"),
        session_cookie_header_name: format!("X-Qlik-Session-{i}"),
        ..Default::default()
    };
    document.metadata.id = Uuid::from_u128(i);
    document
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}
