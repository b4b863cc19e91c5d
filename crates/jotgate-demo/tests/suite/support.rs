//! What all tests use: requests to the router, a running server, an engine client.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower::ServiceExt;

/// No step of a test takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The headers of a signed-in user, as the gateway sends them.
pub(crate) const SIGNED_IN: [(&str, &str); 6] = [
    ("x-qlik-user", "UserDirectory=QT; UserId=ann%40example.com"),
    (
        "x-qlik-security",
        "SecureRequest=true; Context=AppAccess; Group=sales; Group=finance; ",
    ),
    (
        "x-qlik-proxysession",
        "b29118dd-4539-4742-ad65-fe307eb10b54",
    ),
    ("x-qlik-virtual-proxy-prefix", "jwt"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "portal.example:8443"),
];

/// A `GET` with these headers.
pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::get(path), |r, (name, value)| {
        r.header(*name, *value)
    });
    request.body(Body::empty()).unwrap()
}

/// What the router answers.
pub(crate) async fn answer(request: Request<Body>) -> Response {
    jotgate_demo::router().oneshot(request).await.unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

pub(crate) async fn json_body(response: Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    serde_json::from_str(&text(response).await).unwrap()
}

/// A running server. It stops when [`Server::stop`] is called, or with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(jotgate_demo::serve(listener, shutdown));
        Self {
            address,
            stop,
            task,
        }
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task)
            .await
            .expect("the server stops")
            .unwrap()
            .unwrap();
    }

    /// Opens a WebSocket with these headers.
    pub(crate) async fn socket(&self, path: &str, headers: &[(&'static str, &str)]) -> Socket {
        let mut request = format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, response) = connect_async(request).await.unwrap();
        Socket {
            socket,
            response,
            next_id: 1,
        }
    }

    /// Opens an engine socket for the signed-in user and reads the greeting.
    pub(crate) async fn engine(&self, path: &str) -> Socket {
        let mut socket = self.socket(path, &SIGNED_IN).await;
        assert_eq!(
            socket.receive().await["method"],
            "OnAuthenticationInformation"
        );
        assert_eq!(socket.receive().await["method"], "OnConnected");
        socket
    }
}

pub(crate) struct Socket {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) response: http::Response<Option<Vec<u8>>>,
    next_id: u64,
}

impl Socket {
    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next message of any kind.
    pub(crate) async fn next(&mut self) -> Message {
        timeout(PATIENCE, self.socket.next())
            .await
            .expect("a message")
            .unwrap()
            .unwrap()
    }

    /// The next message, which is a text with JSON.
    pub(crate) async fn receive(&mut self) -> Value {
        serde_json::from_str(self.next().await.to_text().unwrap()).unwrap()
    }

    /// The next message, which is a close frame.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        match self.next().await {
            Message::Close(Some(frame)) => frame,
            other => panic!("expected a close frame, got {other:?}"),
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, handle: i64, method: &str, params: Value) -> Value {
        self.request(json!({ "handle": handle, "method": method, "params": params }))
            .await
    }

    /// The same with `"delta": true`.
    pub(crate) async fn ask_delta(&mut self, handle: i64, method: &str, params: Value) -> Value {
        let request =
            json!({ "handle": handle, "method": method, "params": params, "delta": true });
        self.request(request).await
    }

    async fn request(&mut self, mut request: Value) -> Value {
        request["jsonrpc"] = "2.0".into();
        request["id"] = self.next_id.into();
        self.send(Message::text(request.to_string())).await;
        let answer = self.receive().await;
        assert_eq!(answer["id"], self.next_id);
        assert_eq!(answer["jsonrpc"], "2.0");
        self.next_id += 1;
        answer
    }
}
