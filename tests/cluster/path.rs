//! What a request with a session costs a node of the fleet, and a node by itself.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_scenarios::{Client, Cookie, Gateway};

use crate::meter;
use crate::site::{Site, has_sessions, sign_in, token};

/// A second node gives 1.9 times the throughput when a request costs no more than this.
const TARGET: f64 = 1.1;
const ROUNDS: usize = 7;
const SLICE: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;

/// Prints both, and says when the fleet's is too much. They take turns on a core of their own; a
/// ratio is taken of two slices that follow each other.
pub(crate) async fn measure(site: &Site) -> Option<String> {
    let alone = site.by_itself().await;
    let cookies = [&site.nodes[0], &alone].map(sign_in_at);
    let [fleets, alones] = cookies;
    let (fleets, alones) = (fleets.await, alones.await);
    let id = std::process::id();
    meter::pin(id, "0");
    meter::pin(site.nodes[0].process().id(), "1");
    meter::pin(alone.process().id(), "1");
    let (mut ratios, mut costs) = (Vec::new(), [Vec::new(), Vec::new()]);
    let subjects = [(&site.nodes[0], &fleets), (&alone, &alones)];
    for round in 0..ROUNDS {
        let mut taken = [0.0; 2];
        // Whoever is first in one round is second in the next.
        for at in [round % 2, 1 - round % 2] {
            taken[at] = slice(subjects[at].0, subjects[at].1).await;
        }
        site.backend.forget();
        let [fleet, one] = taken;
        ratios.push(fleet / one);
        costs[0].push(fleet);
        costs[1].push(one);
    }
    meter::pin(id, "0-1");
    meter::pin(site.nodes[0].process().id(), "0-1");
    let [fleet, one] = costs.map(|mut costs| median(&mut costs));
    let ratio = median(&mut ratios);
    println!(
        "\na request with a session: {fleet:.1} µs at a node of the fleet, {one:.1} µs at a node"
    );
    println!(
        "by itself; ratio {ratio:.3} ({:.3} to {:.3})",
        ratios[0],
        ratios[ROUNDS - 1]
    );
    (ratio > TARGET).then(|| format!("a request costs {ratio:.3} times as much in a fleet"))
}

async fn sign_in_at(node: &Gateway) -> Cookie {
    let cookie = sign_in(&node.plain_client(), &token("path")).await;
    has_sessions(node, 1).await;
    cookie
}

/// Microseconds of processor time for each request.
async fn slice(node: &Gateway, cookie: &Cookie) -> f64 {
    let (id, client) = (node.process().id(), node.plain_client());
    let (until, before) = (Instant::now() + SLICE, meter::seconds(id));
    let connections = (0..CONNECTIONS).map(|_| {
        let (client, cookie) = (client.clone(), cookie.clone());
        tokio::spawn(async move { requests(&client, &cookie, until).await })
    });
    let counts = join_all(connections).await.into_iter();
    let count: u32 = counts.map(|count| count.expect("a connection")).sum();
    (meter::seconds(id) - before) * 1e6 / f64::from(count)
}

async fn requests(client: &Client, cookie: &Cookie, until: Instant) -> u32 {
    let mut connection = client.connection().await;
    let mut count = 0;
    while Instant::now() < until {
        let request = connection.get("/jwt/hub/").cookie(cookie);
        let answer = connection.send(request).await.expect("an answer");
        assert_eq!(answer.status, 200);
        count += 1;
    }
    count
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
