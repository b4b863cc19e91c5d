//! Tunnel: a WebSocket between a client and a backend.
//!
//! Bytes pass as they are, through one scratch buffer of the worker: a socket on which nothing moves
//! holds no buffer. The heads of the backend's frames are read along, so that the notice of an ended
//! session and a close frame can be put between two of them.

mod handshake;
mod relay;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use jotgate_model::{Reason, Refusal};
use jotgate_policy::websocket::{CloseCode, close_frame, text_frame};
use jotgate_session::{EndReason, Session, SessionWatch};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::handshake::{Handshake, refuse_success_without_tunnel};
use self::relay::{Relay, RelayEnd};
use crate::body::ResponseBody;
use crate::timed_io::TimedStream;
use crate::upstream::{BackendIo, Held, Outgoing};
use crate::{Shared, authorize};

/// How long the backend may take to finish the frame it is in before a notice is sent anyway.
const FRAME_GRACE: Duration = Duration::from_millis(300);
/// How long a client may take to accept the last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Watches the session for one more socket, if it may have one.
pub(crate) fn watch(sent: &Outgoing<'_>) -> Result<SessionWatch, Refusal> {
    let sessions = &sent.shared.sessions;
    let watch = sessions.watch(sent.session);
    match sent.virtual_proxy.max_sockets {
        Some(max) if sessions.open_sockets(sent.session) > max as usize => Err(Refusal::with(
            Reason::SocketsExhausted,
            format!("the session has {max} open WebSockets (maxSocketsPerSession)"),
        )),
        _ => Ok(watch),
    }
}

/// Connects both ends once the answer that opens the WebSocket has been passed on.
pub(crate) fn open(
    sent: &Outgoing<'_>,
    handshake: Handshake,
    watch: SessionWatch,
    mut response: Response<ResponseBody>,
) -> Result<Response<ResponseBody>, Refusal> {
    let backend = hyper::upgrade::on(&mut response);
    let held = response.extensions_mut().remove::<Held>();
    let (client, in_flight) = handshake.complete(&mut response)?;
    let shared = sent.shared.clone();
    let session = sent.session.clone();
    let token = sent.shared.drain.tunnels.token();
    let connection = sent.connection.clone();
    tokio::spawn(async move {
        let (Ok(client), Ok(backend)) = (client.await, backend.await) else {
            return;
        };
        shared.metrics.tunnels.inc();
        join(&shared, &session, watch, client, backend).await;
        shared.metrics.tunnels.dec();
        drop((token, connection, in_flight, held));
    });
    Ok(response)
}

/// Joins two upgraded connections until one of them, the session or the gateway ends.
async fn join(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    watch: SessionWatch,
    client: Upgraded,
    backend: Upgraded,
) {
    // The stream that this process handed to hyper.
    let Ok(backend) = backend.downcast::<BackendIo>() else {
        tracing::error!("an upgraded connection is of an unknown kind");
        return;
    };
    let (stream, early) = (backend.io.into_inner(), backend.read_buf);
    match client.downcast::<TokioIo<TimedStream>>() {
        Ok(client) => {
            let whole = client.io.into_inner().into_inner();
            let relay = Relay::new(whole, stream, client.read_buf, early, session.clone());
            run(shared, watch, relay).await;
        }
        // Not the whole connection, but a stream of HTTP/2.
        Err(client) => {
            let client = TokioIo::new(client);
            let relay = Relay::new(client, stream, Bytes::new(), early, session.clone());
            run(shared, watch, relay).await;
        }
    }
}

async fn run<C>(shared: &Arc<Shared>, mut watch: SessionWatch, mut relay: Relay<C>)
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    // What was blocked since the handshake was judged may not have reached this socket.
    let (snapshot, people) = (shared.snapshot.load(), shared.people.load());
    let too_late = authorize::must_close(&snapshot, &people, watch.session());
    drop((snapshot, people));
    let last_words = tokio::select! {
        biased;
        () = std::future::ready(()), if too_late => {
            LastWords::session_ended(EndReason::ClosedByServer)
        }
        reason = watch.ended() => LastWords::session_ended(reason),
        () = shared.drain.tunnels_ended() => LastWords::draining(),
        end = relay.run() => {
            tracing::trace!(?end, "a WebSocket ended");
            finish(&mut relay, &[]).await;
            return;
        }
    };
    let in_time = tokio::time::timeout(FRAME_GRACE, relay.run_to_boundary()).await;
    if matches!(in_time, Ok(RelayEnd::Closed | RelayEnd::Broken)) {
        return;
    }
    let frames = last_words.frames(&relay);
    finish(&mut relay, &frames).await;
}

/// Writes the last words and ends both connections in an orderly way, if they let us.
async fn finish<C>(relay: &mut Relay<C>, frames: &[u8])
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    match tokio::time::timeout(LAST_WORDS, relay.finish(frames)).await {
        Ok(Ok(())) => {}
        failed => tracing::trace!(?failed, "a WebSocket was cut off"),
    }
}

/// What a client is told before its socket is closed.
struct LastWords {
    notice: Option<String>,
    code: CloseCode,
    reason: &'static str,
}

impl LastWords {
    /// The notice of the real proxy (Qlik help, "Proxy service WebSocket messages").
    fn session_ended(reason: EndReason) -> Self {
        let notice = json!({
            "jsonrpc": "2.0",
            "method": reason.notice_method(),
            "params": {
                "severity": "fatal",
                "timestamp": crate::timestamp().to_string(),
                "message": reason.notice_message(),
            },
        });
        Self {
            notice: Some(notice.to_string()),
            code: CloseCode::PolicyViolation,
            reason: reason.notice_message(),
        }
    }

    const fn draining() -> Self {
        Self {
            notice: None,
            code: CloseCode::GoingAway,
            reason: "The gateway is restarting",
        }
    }

    /// Only what fits where the stream stands: a notice between messages, a close frame between frames.
    fn frames<C>(&self, relay: &Relay<C>) -> Vec<u8>
    where
        C: AsyncRead + AsyncWrite + Unpin,
    {
        use jotgate_policy::websocket::Boundary;
        let mut frames = Vec::new();
        let boundary = relay.boundary();
        if boundary == Boundary::BetweenMessages
            && let Some(notice) = &self.notice
        {
            frames.extend_from_slice(&text_frame(notice));
        }
        if boundary != Boundary::InsideFrame {
            frames.extend_from_slice(&close_frame(self.code, self.reason));
        }
        frames
    }
}
