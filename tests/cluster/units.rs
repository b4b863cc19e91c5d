//! What each thing costs each process, one kind at a time and nothing else beside it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_scenarios::{Client, Cookie, Keys};
use serde_json::Value;

use crate::meter;
use crate::site::{NODES, Site, has_sessions};

const SESSIONS: usize = 20_000;
const CONNECTIONS: usize = 16;
const SAVES: usize = 50;
/// How long nothing happens.
const REST: Duration = Duration::from_secs(20);
/// After this, what was seen of a session is old enough to be written again.
const UNSEEN: Duration = Duration::from_secs(25);
/// By then, what waits to be written is written, and every node has read it.
const SETTLED: Duration = Duration::from_secs(8);

/// Processor time of each process.
struct Reading {
    /// The node that does it, the mean of those that hear of it, Redis, PostgreSQL.
    seconds: [f64; 4],
    at: Instant,
}

impl Reading {
    fn of(site: &Site) -> Self {
        let nodes: Vec<f64> = site
            .nodes
            .iter()
            .map(|node| meter::seconds(node.process().id()))
            .collect();
        let others = nodes[1..].iter().sum::<f64>() / (NODES - 1) as f64;
        let (redis, postgres) = (
            meter::seconds(site.redis.id()),
            meter::seconds(site.postgres.id()),
        );
        Self {
            seconds: [nodes[0], others, redis, postgres],
            at: Instant::now(),
        }
    }

    /// Microseconds for each of `count`, beside what `idle` costs in the same time.
    fn since(&self, before: &Self, count: usize, idle: [f64; 4]) -> [f64; 4] {
        let time = (self.at - before.at).as_secs_f64();
        let mut each = [0.0; 4];
        for (at, each) in each.iter_mut().enumerate() {
            let taken = self.seconds[at] - before.seconds[at] - idle[at] * time;
            *each = taken * 1e6 / count as f64;
        }
        each
    }
}

/// Prints the table.
pub(crate) async fn measure(site: &Site) {
    println!(
        "\n{:<36} {:>10} {:>12} {:>10} {:>12}",
        "µs of processor time", "the node", "each other", "Redis", "PostgreSQL"
    );
    let idle = idle(site).await;
    row("nothing, for a second", idle.map(|share| share * 1e6));

    let (empty, _) = joining(site).await;
    let tokens = tokens_of("once");
    let memory = Memory::of(site);
    let (cookies, cost) = sign_ins(site, &tokens, idle).await;
    row("a sign-in of a new user", cost);
    let memory = Memory::of(site).since(&memory);

    tokio::time::sleep(UNSEEN).await;
    let before = Reading::of(site);
    requests(&site.client(0), &cookies).await;
    tokio::time::sleep(SETTLED).await;
    row(
        "a request after 20 s without one",
        Reading::of(site).since(&before, SESSIONS, idle),
    );
    let before = Reading::of(site);
    requests(&site.client(0), &cookies).await;
    tokio::time::sleep(SETTLED).await;
    row(
        "a request soon after another",
        Reading::of(site).since(&before, SESSIONS, idle),
    );

    // The same token would give the same session.
    let tokens = tokens_of("again");
    let (_, known) = sign_ins(site, &tokens, idle).await;
    row("a sign-in of a known user", known);

    row("a save, with one virtual proxy", saves(site, idle).await);
    more_virtual_proxies(site).await;
    row(
        "a save, with 1,001 virtual proxies",
        saves(site, idle).await,
    );
    further_nodes(site, known[2]).await;
    let (filled, redis) = joining(site).await;
    let each = |seconds: f64| seconds * 1e6 / (3 * SESSIONS) as f64;
    row(
        "a session, read by a node that starts",
        [each(filled - empty), 0.0, each(redis), 0.0],
    );
    println!(
        "\na session takes {:.0} bytes of the node that opened it, {:.0} of another, {:.0} of Redis; \
         and its sign-in {:.0} of Redis's stream",
        memory[0], memory[1], memory[2], memory[3]
    );
}

/// One of each user, told from that user's others by its `jti`.
fn tokens_of(round: &str) -> Vec<String> {
    let token = |user: usize| {
        let user = format!("unit{user}");
        let token = Keys::first().token().expires_in(3600);
        token
            .user("example", &user)
            .claim("jti", format!("{user}, {round}"))
            .sign()
    };
    (0..SESSIONS).map(token).collect()
}

/// The part of a second that each process takes while nothing happens.
async fn idle(site: &Site) -> [f64; 4] {
    let before = Reading::of(site);
    tokio::time::sleep(REST).await;
    let idle = Reading::of(site).since(&before, 1, [0.0; 4]);
    idle.map(|microseconds| microseconds / 1e6 / REST.as_secs_f64())
}

async fn saves(site: &Site, idle: [f64; 4]) -> [f64; 4] {
    let (vp, before) = (site.virtual_proxy(0).await, Reading::of(site));
    for number in 0..SAVES {
        vp.set("description", format!("number {number}")).await;
    }
    tokio::time::sleep(SETTLED).await;
    Reading::of(site).since(&before, SAVES, idle)
}

/// Virtual proxies that nobody uses.
async fn more_virtual_proxies(site: &Site) {
    let one = site.virtual_proxy(0).await.entity().await;
    let more = (0..1000).map(|number| {
        let mut another = one.clone();
        another["prefix"] = format!("more{number}").into();
        another["sessionCookieHeaderName"] = format!("X-Qlik-Session-more{number}").into();
        another["description"] = format!("more {number}").into();
        another["id"] = Value::Null;
        another
    });
    let more: Value = more.collect();
    let qrs = site.nodes[0].qrs();
    let made = qrs.create("/virtualproxyconfig/many", &more).await;
    assert_eq!(made.as_array().map(Vec::len), Some(1000));
    tokio::time::sleep(SETTLED).await;
}

/// What Redis has more to do for each sign-in, for each node that reads of it.
async fn further_nodes(site: &Site, with_three: f64) {
    let further = join_all((0..NODES).map(|_| site.join())).await;
    let idle = idle(site).await;
    let (_, cost) = sign_ins(site, &tokens_of("further"), idle).await;
    let each = (cost[2] - with_three) / further.len() as f64;
    row("a sign-in, for each further node", [0.0, 0.0, each, 0.0]);
}

fn row(name: &str, values: [f64; 4]) {
    let [node, others, redis, postgres] = values;
    println!("{name:<36} {node:>10.1} {others:>12.1} {redis:>10.1} {postgres:>12.1}");
}

async fn sign_ins(site: &Site, tokens: &[String], idle: [f64; 4]) -> (Vec<Cookie>, [f64; 4]) {
    let known = site.nodes[NODES - 1].metric("jotgate_sessions").await;
    let (client, before) = (site.client(0), Reading::of(site));
    let parts = tokens
        .chunks(tokens.len().div_ceil(CONNECTIONS))
        .map(|tokens| {
            let (client, tokens) = (client.clone(), tokens.to_vec());
            tokio::spawn(async move {
                let mut connection = client.connection().await;
                let mut cookies = Vec::with_capacity(tokens.len());
                for token in tokens {
                    let request = connection.get("/jwt/hub/").bearer(&token);
                    let answer = connection.send(request).await.expect("an answer");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    cookies.push(answer.cookie());
                }
                cookies
            })
        });
    let parts: Vec<_> = parts.collect();
    let cookies = join_all(parts).await.into_iter();
    let cookies = cookies
        .flat_map(|part| part.expect("a connection"))
        .collect();
    let wanted = known as usize + tokens.len();
    has_sessions(&site.nodes[NODES - 1], wanted).await;
    tokio::time::sleep(SETTLED).await;
    site.backend.forget();
    let cost = Reading::of(site).since(&before, tokens.len(), idle);
    (cookies, cost)
}

/// What the start of one more node takes, of its own processor time and of Redis's.
async fn joining(site: &Site) -> (f64, f64) {
    let before = meter::seconds(site.redis.id());
    let node = site.join().await;
    let taken = meter::seconds(node.process().id());
    (taken, meter::seconds(site.redis.id()) - before)
}

/// One with each cookie.
async fn requests(client: &Client, cookies: &[Cookie]) {
    let parts = cookies
        .chunks(cookies.len().div_ceil(CONNECTIONS))
        .map(|cookies| {
            let (client, cookies) = (client.clone(), cookies.to_vec());
            tokio::spawn(async move {
                let mut connection = client.connection().await;
                for cookie in cookies {
                    let request = connection.get("/jwt/hub/").cookie(&cookie);
                    let answer = connection.send(request).await.expect("an answer");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            })
        });
    let parts: Vec<_> = parts.collect();
    for part in join_all(parts).await {
        part.expect("a connection");
    }
}

/// Bytes of the first node, of another, of Redis without its stream, and of the stream.
struct Memory([f64; 4]);

impl Memory {
    fn of(site: &Site) -> Self {
        let nodes = [0, 1].map(|node| meter::memory(site.nodes[node].process().id()));
        let [redis, stream] = meter::redis_memory(site.redis.port());
        Self([nodes[0], nodes[1], redis - stream, stream])
    }

    /// For each session.
    fn since(&self, before: &Self) -> [f64; 4] {
        let mut each = [0.0; 4];
        for (at, each) in each.iter_mut().enumerate() {
            *each = (self.0[at] - before.0[at]) / SESSIONS as f64;
        }
        each
    }
}
