//! Under load: every request gets its answer, and every session goes on.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jotgate_scenarios::{
    Backend, Client, Cookie, Gateway, GatewayBuilder, Keys, Opcode, Request, within,
};
use jotgate_test_redis::RedisServer;
use tokio::task::JoinSet;

/// What goes on until it is told to end. A failure ends it with a panic.
struct Load {
    ended: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Load {
    fn new() -> Self {
        Self {
            ended: Arc::default(),
            answers: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    fn run<F: Future<Output = ()> + Send>(&mut self, mut once: impl FnMut() -> F + Send + 'static) {
        let (ended, answers) = (self.ended.clone(), self.answers.clone());
        self.tasks.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                once().await;
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    async fn end(mut self) -> usize {
        self.ended.store(true, Ordering::Relaxed);
        while let Some(done) = self.tasks.join_next().await {
            done.expect("no request fails");
        }
        self.answers.load(Ordering::Relaxed)
    }
}

/// Requests one after the other on a connection, until an answer says that it ends.
async fn on_one_connection(client: Client, cookie: Cookie, limit: usize) {
    let mut connection = client.connection().await;
    for _ in 0..limit {
        let request = client.get("/jwt/kept").cookie(&cookie);
        let answer = connection.send(request).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        if answer.header("connection") == "close" {
            return;
        }
    }
}

/// The same over HTTP/2, until GOAWAY. A request that was not sent any more is sent again.
async fn on_one_http2_connection(client: Client, cookie: Cookie, limit: usize) {
    let connection = client.http2().await;
    for _ in 0..limit {
        let request = client.get("/jwt/h2").cookie(&cookie);
        match connection.send(request, None).await {
            Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
            Err(error) => {
                assert!(was_never_sent(&*error), "{error:?}");
                return;
            }
        }
    }
}

/// Whether the connection was closing, so that nothing of the request went over it: a stream that comes after
/// GOAWAY is not begun (RFC 9113, section 6.8).
fn was_never_sent(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let error = error.downcast_ref::<hyper::Error>();
    error.is_some_and(|error| {
        let debug = format!("{error:?}");
        error.is_canceled()
            || error.is_closed()
            || debug.contains("GoAway(b\"\", NO_ERROR, Remote)")
    })
}

/// Signs in, uses the session, signs out; the session is over.
async fn sign_in_and_out(client: Client, number: usize) {
    let token = Keys::first()
        .token()
        .user("example", &format!("user{number}"))
        .sign();
    let opened = client.get("/jwt/in").bearer(&token).send().await;
    assert_eq!(opened.status, 200, "{}", opened.text());
    let cookie = opened.cookie();
    let of_the_user = format!("the session of user{number}");
    let using = || client.get("/jwt/use").cookie(&cookie);
    answered(200, using, &of_the_user).await;
    let leaving = || client.request("DELETE", "/jwt/qps/user").cookie(&cookie);
    answered(204, leaving, &of_the_user).await;
    answered(401, using, &format!("{of_the_user} has ended")).await;
}

/// Asks until the answer has that status: each time it may be the turn of the other process, which has
/// to know what this one knows within a second.
async fn answered(status: u16, request: impl Fn() -> Request, what: &str) {
    let mut others = Vec::new();
    for _ in 0..20 {
        let answer = request().send().await;
        if answer.status == status {
            return;
        }
        others.push(format!("{} {}", answer.status, answer.text()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: {status} was expected, not {others:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_upgrades_under_load_fail_no_request_and_drop_no_websocket() {
    two_upgrades_under_load(Gateway::serve()).await;
}

/// Both processes are then nodes at one store, and hand nothing to each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_upgrades_of_a_node_with_a_session_store_do_no_less() {
    let (redis, folder) = (RedisServer::start(), tempfile::tempdir().expect("a folder"));
    let key = folder.path().join("cluster.key");
    std::fs::write(&key, [7; 32]).expect("a cluster key");
    let node = Gateway::serve()
        .setting("--session-store-url", redis.url())
        .setting("--cluster-key-file", key.to_str().expect("a path"));
    two_upgrades_under_load(node).await;
}

#[expect(clippy::print_stdout, reason = "it explains a failed test")]
async fn two_upgrades_under_load(node: GatewayBuilder) {
    let backend = Backend::echo().await;
    let mut gateway = node.setting("--drain-timeout", "4s").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let client = gateway.client();
    let token = Keys::first().token().user("example", "steady").sign();
    let opened = client.get("/jwt/app/x").bearer(&token).open_socket().await;
    let mut socket = opened.expect("a WebSocket");
    let cookie = socket.answer().cookie();

    let mut load = Load::new();
    let plain = gateway.plain_client();
    let over_plain = plain.get("/jwt/in").bearer(&token).send().await.cookie();
    for (client, cookie) in [(client.clone(), cookie.clone()), (plain, over_plain)] {
        load.run(move || on_one_connection(client.clone(), cookie.clone(), 100));
    }
    let (one, again) = (client.clone(), cookie.clone());
    load.run(move || on_one_connection(one.clone(), again.clone(), 1));
    let (multiplexed, again) = (client.clone(), cookie.clone());
    load.run(move || on_one_http2_connection(multiplexed.clone(), again.clone(), 100));
    let (signing, number) = (client.clone(), AtomicUsize::new(0));
    load.run(move || sign_in_and_out(signing.clone(), number.fetch_add(1, Ordering::Relaxed)));
    tokio::time::sleep(Duration::from_millis(500)).await;

    for round in ["first", "second"] {
        let next = gateway.again().taking_over().await;
        assert_eq!(next.listeners().gateway, gateway.listeners().gateway);
        if round == "first" {
            socket.assert_echo("after the hand-over").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            socket.assert_echo("while the old process waits").await;
            let close = within(Duration::from_secs(10), "the close frame", socket.receive());
            let close = close.await;
            assert_eq!((close.opcode, close.close_code()), (Opcode::Close, 1001));
        }
        let ended = gateway.wait().await;
        println!("--- the {round} process ---\n{}", ended.stderr);
        assert_eq!(ended.code, Some(0));
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway = next;
        let again = gateway.client().get("/jwt/app/x").cookie(&cookie);
        socket = again.open_socket().await.expect("a WebSocket");
    }
    let answers = load.end().await;
    assert!(answers > 20, "{answers} rounds");
    assert!(gateway.folder().data().join("run/listeners.json").exists());
    assert_eq!(gateway.observer().get("/readyz").send().await.status, 200);
    let ended = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
