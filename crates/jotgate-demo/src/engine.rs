//! The engine's WebSocket: greeting, JSON-RPC requests, goodbye.
//!
//! One task per socket. A message may be 1 MiB; a larger one and a binary one close the socket with
//! a code that says so (RFC 6455 section 7.4.1). Pings are answered by the WebSocket library.

mod catalogue;
mod kept;
mod methods;
mod rpc;
mod session;
mod target;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::Uri;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::closing::Closing;
use crate::identity::{Caller, User};
use crate::not_found::missing;

use self::kept::{KeptSessions, Key};
use self::methods::Context;
use self::session::EngineSession;
use self::target::Target;

/// The largest message that is read as a request.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The largest message that is received at all, so that one a little too large gets a close code.
const MAX_RECEIVED: usize = 4 * MAX_MESSAGE;
/// How long a peer may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Engine {
    kept: KeptSessions,
    closing: Closing,
}

/// Routes for engine sockets. The path below `/app/` has a grammar of its own, see [`Target`].
pub(crate) fn routes(closing: Closing) -> Router {
    let engine = Engine {
        kept: KeptSessions::default(),
        closing,
    };
    Router::new()
        .route("/app/{*target}", any(connect))
        .with_state(engine)
}

async fn connect(
    State(engine): State<Engine>,
    caller: Caller,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Some(target) = Target::parse(uri.path()) else {
        return missing(uri.path());
    };
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(MAX_RECEIVED)
            .max_frame_size(MAX_RECEIVED)
            .on_upgrade(move |socket| talk(socket, engine, caller, target)),
        Err(rejection) => rejection.into_response(),
    }
}

/// A socket's whole life.
async fn talk(mut socket: WebSocket, engine: Engine, caller: Caller, target: Target) {
    let Some(user) = caller.user.clone() else {
        refuse_nobody(socket, &caller).await;
        return;
    };
    let key = Key::new(&user, &target);
    let (session, state) = match engine.kept.take(&key) {
        Some(session) => (session, "SESSION_ATTACHED"),
        None => (EngineSession::default(), "SESSION_CREATED"),
    };
    let authentication = json!({
        "userId": user.id,
        "userDirectory": user.directory,
        "logoutUri": caller.outside("/qps/user"),
        "mustAuthenticate": false,
    });
    let greeting = [
        rpc::notification("OnAuthenticationInformation", authentication),
        rpc::notification("OnConnected", json!({ "qSessionState": state })),
    ];
    let mut conversation = Conversation {
        socket: &mut socket,
        session,
        user,
    };
    let mut closing = engine.closing.clone();
    let goodbye = tokio::select! {
        goodbye = conversation.run(&greeting) => goodbye,
        () = closing.wait() => Some((close_code::AWAY, "the engine is shutting down")),
    };
    engine.kept.keep(key, target.ttl, conversation.session);
    if let Some((code, reason)) = goodbye {
        close(socket, code, reason).await;
    }
}

/// The answer to a socket that came around the gateway (Qlik help: OnAuthenticationInformation).
async fn refuse_nobody(mut socket: WebSocket, caller: &Caller) {
    let params = json!({ "loginUri": caller.outside("/"), "mustAuthenticate": true });
    let message = rpc::notification("OnAuthenticationInformation", params);
    if send(&mut socket, &message).await.is_ok() {
        close(
            socket,
            close_code::POLICY,
            "the request came without a user",
        )
        .await;
    }
}

/// Why this side ends the conversation; `None` when the peer ended it.
type Goodbye = Option<(CloseCode, &'static str)>;

struct Conversation<'a> {
    socket: &'a mut WebSocket,
    session: EngineSession,
    user: User,
}

impl Conversation<'_> {
    async fn run(&mut self, greeting: &[Value]) -> Goodbye {
        for message in greeting {
            send(self.socket, message).await.ok()?;
        }
        loop {
            let text = match self.socket.recv().await? {
                Ok(Message::Text(text)) if text.len() > MAX_MESSAGE => return too_big(),
                Ok(Message::Text(text)) => text,
                Ok(Message::Binary(_)) => {
                    return Some((close_code::UNSUPPORTED, "the engine reads text only"));
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => continue,
                Err(error) => return unreadable(&error),
            };
            if let Some(answer) = self.answer(&text) {
                send(self.socket, &answer).await.ok()?;
            }
        }
    }

    fn answer(&mut self, text: &str) -> Option<Value> {
        let request = match rpc::parse(text) {
            Ok(request) => request,
            Err(unusable) => return Some(unusable.answer()),
        };
        let context = Context {
            user: &self.user,
            now: jiff::Timestamp::now(),
        };
        let outcome = methods::call(&mut self.session, &request, &context);
        request.answer(outcome)
    }
}

fn too_big() -> Goodbye {
    Some((close_code::SIZE, "a message may have 1 MiB"))
}

/// What to say after a message that the WebSocket library refused.
fn unreadable(error: &axum::Error) -> Goodbye {
    tracing::debug!(%error, "an engine socket failed");
    // The library's error type is not part of axum's interface; its text is all there is.
    if error.to_string().contains("too long") {
        too_big()
    } else {
        None
    }
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), axum::Error> {
    socket.send(Message::text(message.to_string())).await
}

/// Says goodbye and waits a little for the peer's answer, so that the code is not lost in a reset.
async fn close(mut socket: WebSocket, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    if timeout(CLOSE_TIMEOUT, farewell).await.is_err() {
        tracing::debug!("a peer did not answer the close frame");
    }
}
