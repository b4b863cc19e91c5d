//! The steady load: requests at fixed times, whether or not the one before has been answered in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jotgate_scenarios::{Client, Cookie};
use tokio::task::JoinHandle;

use crate::site::{NODES, Site, sign_in, token};
use crate::table;

/// Requests a second at all nodes together.
const RATE: usize = 200;
/// Connections to each node.
const CONNECTIONS: usize = 2;
/// Each is asked for in turn, at every node.
const USERS: usize = 300;
/// One request of so many signs somebody in.
const SIGN_IN: usize = 50;

pub(crate) struct Load {
    over: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Vec<Duration>>>,
    began: Instant,
}

impl Load {
    /// Signs the users in, and begins.
    pub(crate) async fn start(site: &Site) -> Self {
        let mut cookies = Vec::new();
        for user in 0..USERS {
            let token = token(&format!("user{user}"));
            cookies.push(sign_in(&site.client(user), &token).await);
        }
        let (cookies, over) = (Arc::new(cookies), Arc::new(AtomicBool::new(false)));
        let newcomers = Arc::new(AtomicUsize::new(0));
        let worker = |number: usize| {
            let client = site.client(number);
            tokio::spawn(work(
                client,
                cookies.clone(),
                newcomers.clone(),
                over.clone(),
            ))
        };
        Self {
            workers: (0..NODES * CONNECTIONS).map(worker).collect(),
            over,
            began: Instant::now(),
        }
    }

    /// Ends it and prints how long requests took, from the time at which they were due.
    pub(crate) async fn stop(self) -> Option<String> {
        self.over.store(true, Ordering::Relaxed);
        let (mut taken, mut failed) = (Vec::new(), 0);
        for worker in self.workers {
            match worker.await {
                Ok(times) => taken.extend(times),
                Err(_) => failed += 1,
            }
        }
        let rate = taken.len() as f64 / self.began.elapsed().as_secs_f64();
        println!("\nthe load: {} requests, {rate:.0} a second", taken.len());
        table::times(&[("a request of the load", taken)]);
        (failed > 0).then(|| format!("{failed} connections of the load broke or got a bad answer"))
    }
}

/// Panics at the first answer that is not as it should be: its worker has failed then.
async fn work(
    client: Client,
    cookies: Arc<Vec<Cookie>>,
    newcomers: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
) -> Vec<Duration> {
    let pause = Duration::from_secs(1) * (NODES * CONNECTIONS) as u32 / RATE as u32;
    let (mut connection, mut taken) = (client.connection().await, Vec::new());
    let mut due = Instant::now();
    for turn in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        due += pause;
        tokio::time::sleep_until(due.into()).await;
        if turn % SIGN_IN == 0 {
            let number = newcomers.fetch_add(1, Ordering::Relaxed);
            sign_in(&client, &token(&format!("newcomer{number}"))).await;
        } else {
            let cookie = &cookies[turn % cookies.len()];
            let request = connection.get("/jwt/hub/").cookie(cookie);
            let answer = connection.send(request).await.expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        taken.push(due.elapsed());
    }
    taken
}
