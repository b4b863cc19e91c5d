//! From a save or an end at one node to its effect at every node.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_scenarios::{Client, Cookie, PATIENCE, Request, Socket, eventually, within};
use serde_json::json;

use crate::site::{NODES, Site, sign_in, token};
use crate::table;

/// The product promises this for 99 of 100.
const TARGET: Duration = Duration::from_secs(1);
/// How often a node is asked whether it serves a save already.
const PAUSE: Duration = Duration::from_millis(10);

/// Prints the times, and says which are too long. Each is taken from before the administrator's request
/// is sent until the last of the three nodes follows.
pub(crate) async fn measure(site: &Site, rounds: usize) -> Vec<String> {
    let mut rows = vec![("save, until every node serves it", Vec::new())];
    for round in 0..rounds {
        rows[0].1.push(save(site, round).await);
    }
    for (name, end) in [
        ("log-out, until every WebSocket is closed", End::LogOut),
        ("blocked user, until every WebSocket is closed", End::Block),
        ("revoked user, until every WebSocket is closed", End::Revoke),
    ] {
        let mut times = Vec::new();
        for round in 0..rounds {
            times.push(end.measure(site, round).await);
        }
        rows.push((name, times));
    }
    println!();
    table::times(&rows);
    let late = rows.iter().filter_map(|(name, times)| {
        let p99 = table::percentile(times, 99);
        (p99 >= TARGET).then(|| format!("{name}: {p99:?}"))
    });
    late.collect()
}

/// The nodes take turns.
async fn save(site: &Site, round: usize) -> Duration {
    let cookie = sign_in(&site.client(round), &token("watcher")).await;
    let vp = site.virtual_proxy(round).await;
    let wanted = format!("number-{round}");
    let began = Instant::now();
    let watchers = (0..NODES).map(|node| {
        let (client, cookie, wanted) = (site.client(node), cookie.clone(), wanted.clone());
        tokio::spawn(async move { served(&client, &cookie, &wanted, began).await })
    });
    let watchers: Vec<_> = watchers.collect();
    vp.set("additionalResponseHeaders", format!("X-Change: {wanted}"))
        .await;
    let times = within(PATIENCE, "the save at every node", join_all(watchers)).await;
    let times = times.into_iter().map(|time| time.expect("a watcher"));
    times.max().unwrap_or_default()
}

async fn served(client: &Client, cookie: &Cookie, wanted: &str, began: Instant) -> Duration {
    let mut connection = client.connection().await;
    loop {
        let request = connection.get("/jwt/hub/").cookie(cookie);
        let answer = connection.send(request).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        if answer
            .headers
            .get("x-change")
            .is_some_and(|value| value == wanted)
        {
            return began.elapsed();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    LogOut,
    Block,
    Revoke,
}

impl End {
    async fn measure(self, site: &Site, round: usize) -> Duration {
        let user = format!("{self:?}{round}");
        let cookie = sign_in(&site.client(round + 1), &token(&user)).await;
        let sockets = join_all((0..NODES).map(|node| open(site.client(node), &cookie))).await;
        let request = self.request(site, round, &user, &cookie).await;
        let began = Instant::now();
        let ends = sockets.into_iter().map(|socket| {
            tokio::spawn(async move {
                socket.expect_end(PATIENCE).await;
                began.elapsed()
            })
        });
        let ends: Vec<_> = ends.collect();
        let answer = request.send().await;
        assert!(answer.status < 300, "{}", answer.text());
        let times = join_all(ends).await.into_iter();
        let times = times.map(|time| time.expect("the end of a WebSocket"));
        times.max().unwrap_or_default()
    }

    /// What ends it, at the node whose turn it is.
    async fn request(self, site: &Site, node: usize, user: &str, cookie: &Cookie) -> Request {
        match self {
            Self::LogOut => {
                let client = site.client(node);
                client.request("DELETE", "/jwt/qps/user").cookie(cookie)
            }
            Self::Block => {
                let path = format!("/users/{}", user_id(site, node, user).await);
                let body = json!({"blocked": true}).to_string();
                site.native(node, "PATCH", &path).body(body)
            }
            Self::Revoke => {
                let body = json!({"userDirectory": "example", "userId": user}).to_string();
                site.native(node, "POST", "/revocations").body(body)
            }
        }
    }
}

async fn open(client: Client, cookie: &Cookie) -> Socket {
    let request = client.get("/jwt/app/x").cookie(cookie);
    request.open_socket().await.expect("a WebSocket")
}

/// Whoever signs in is a user a moment later.
async fn user_id(site: &Site, node: usize, user: &str) -> String {
    let qrs = site.nodes[node % NODES].qrs();
    let path = format!("/user/full?filter=userId%20eq%20%27{user}%27");
    let look = async || qrs.get(&path).await[0]["id"].as_str().map(str::to_owned);
    eventually("a user at the other node", look).await
}
