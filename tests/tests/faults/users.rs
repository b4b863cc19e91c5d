//! Many users at once, behind a gateway whose backends do everything wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use jotgate_scenarios::{Backend, Client, Cookie, Gateway, Keys, Received, Reply};
use tokio::time::timeout;

const USERS: usize = 12;
const REQUESTS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn no_user_gets_an_answer_for_another_one() {
    let gateway = Gateway::serve().await;
    let (first, second) = (unreliable().await, unreliable().await);
    let vp = gateway.qrs().virtual_proxy("jwt");
    let vp = vp.backend(&first).await.backend(&second).await;
    vp.create().await;
    let good = AtomicUsize::new(0);
    let users = (0..USERS).map(|number| use_it(&gateway, number, &good));
    join_all(users).await;
    // Otherwise it was no test of what happens between users.
    let good = good.into_inner();
    assert!(good > USERS * REQUESTS / 4, "only {good} good answers");
    assert!(
        first.connections() + second.connections() < USERS * REQUESTS,
        "no connection was used again"
    );
}

/// Names the user in every answer that is one.
async fn unreliable() -> Backend {
    let turn = AtomicUsize::new(0);
    Backend::answering(move |received| {
        let named = named(received);
        let length = named.len();
        match turn.fetch_add(1, Ordering::Relaxed) % 16 {
            1 => Reply::close(),
            3 => Reply::raw("HTTP/1.1 200 OK\r\nContent-Le").then_close(),
            5 => Reply::raw(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{named}",
                length + 9
            ))
            .then_close(),
            6 => Reply::text(&named).then(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{named}"
            )),
            8 => Reply::chunked(&[named.as_bytes()]).after(Duration::from_millis(30)),
            9 => Reply::text(&named).then_close(),
            11 => Reply::raw("HTTP/1.1 100 Continue\r\n\r\n").then(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{named}"
            )),
            13 => Reply::raw("nonsense\r\n\r\n").then_close(),
            _ => Reply::text(&named),
        }
    })
    .await
}

/// The user whom the gateway names, and what the client says about itself: they must be the same.
fn named(received: &Received) -> String {
    let user = received.header("X-Qlik-User").unwrap_or_default();
    let body = String::from_utf8_lossy(&received.body).into_owned();
    format!("{user} sends {body}.")
}

async fn use_it(gateway: &Gateway, number: usize, good: &AtomicUsize) {
    let client = gateway.client();
    let user = format!("user{number}");
    let cookie = sign_in(&client, &user).await;
    let connection = client.http2().await;
    for turn in 0..REQUESTS {
        let body = format!("{user}, {turn}");
        let expected = format!("UserDirectory=example; UserId={user} sends {body}.");
        let request = client.post("/jwt/hub/").cookie(&cookie).body(body);
        let answer = match turn % 5 {
            // Whoever goes away leaves a connection to the backend in the middle of something.
            0 => {
                let going_away = request.try_send();
                drop(timeout(Duration::from_millis(3), going_away).await);
                continue;
            }
            1 | 2 => connection.send(request, None).await,
            _ => request.try_send().await,
        };
        // An answer that broke off is an answer to nobody.
        let Ok(answer) = answer else { continue };
        if answer.status == 200 {
            assert_eq!(answer.text(), expected);
            good.fetch_add(1, Ordering::Relaxed);
        } else {
            assert!((502..=504).contains(&answer.status), "{answer:?}");
        }
    }
}

/// The gateway's own answer, for which no backend is needed.
async fn sign_in(client: &Client, user: &str) -> Cookie {
    let token = Keys::first().token().user("example", user).sign();
    let request = client.get("/jwt/qps/csrftoken").bearer(&token);
    request.send().await.cookie()
}
