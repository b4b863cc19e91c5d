//! Accept: one connection of a client, from its first byte to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jotgate_policy::proxy_protocol;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::body::{BodyError, ResponseBody};
use crate::exchange::next_number;
use crate::listen::Place;
use crate::occupancy::Occupied;
use crate::request::{self, ConnectionInfo};
use crate::stalled::{StreamExecutor, Turn};
use crate::timed_io::{Activity, ClientStream, InFlight, TimedStream, Timeouts};
use crate::tls::Offer;
use crate::{Shared, cut, drain};

/// Concurrent requests of an HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// The largest piece of an answer that an HTTP/2 client gets at a time: how fast it takes the pieces tells
/// whether it takes anything.
const PIECE: usize = 16 * 1024;
/// How often a silent HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Serves a connection. `places` are among those that may be open, and among those that a drain waits
/// for. A panic in it is counted, and ends this connection alone.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<Arc<Offer>>,
    places: (Place, TaskTrackerToken),
) {
    let served = AssertUnwindSafe(serve_streams(&shared, stream, peer, tls, places))
        .catch_unwind()
        .await;
    if served.is_err() {
        shared.metrics.panics.inc();
        tracing::error!("a connection's task panicked; this is a defect of Jotgate");
    }
}

async fn serve_streams(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<Arc<Offer>>,
    (place, open): (Place, TaskTrackerToken),
) {
    let announced = announced_peer(shared, stream, peer);
    let Ok(Ok((stream, peer))) = timeout(shared.settings().header_timeout, announced).await else {
        tracing::info!(%peer, "a trusted proxy's connection has no PROXY header and is closed");
        return;
    };
    let Some(place) = place.of(peer) else {
        return cut::note_too_many(shared, peer);
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let over_tls = tls.is_some();
    let mut shown = None;
    let stream = match tls {
        None => ClientStream::Plain(stream),
        Some(offer) => match timeout(
            shared.settings().header_timeout,
            TlsAcceptor::from(offer.config.clone()).accept(stream),
        )
        .await
        {
            Ok(Ok(stream)) => {
                shown = offer.shown(&stream);
                ClientStream::Tls(Box::new(stream))
            }
            failed => {
                shared.metrics.handshakes_failed.inc();
                tracing::debug!(%peer, timed_out = failed.is_err(), "a TLS handshake failed");
                return;
            }
        },
    };
    let multiplexed =
        matches!(&stream, ClientStream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2"));
    let timeouts = Timeouts {
        header: shared.settings().header_timeout,
        idle: shared.settings().idle_timeout,
        multiplexed,
    };
    let activity = Activity::new();
    let io = TokioIo::new(TimedStream::new(stream, activity.clone(), timeouts));
    let id = connection_id();
    let info = ConnectionInfo::new(peer, over_tls, shown, &id, activity.clone(), place);
    let info = Arc::new(info);
    let may_close = shared.drain.may_close(&activity, multiplexed);
    let service = {
        let (shared, info) = (shared.clone(), info.clone());
        service_fn(move |request: Request<Incoming>| {
            let in_flight = InFlight::begin(&info.activity);
            let served = request::serve(shared.clone(), info.clone(), request);
            async move {
                let mut response = served.await;
                let occupied = response.extensions_mut().remove();
                Ok::<_, Infallible>(response.map(|body| Guarded {
                    body,
                    turn: Turn::here().inspect(|turn| turn.is_the_clients()),
                    rest: Bytes::new(),
                    _in_flight: in_flight,
                    _occupied: occupied,
                }))
            }
        })
    };
    let ended = if multiplexed {
        let only_sockets = drain::only_sockets(&activity);
        serve_http2(shared, io, service, may_close, (only_sockets, open)).await
    } else {
        let ended = serve_http1(shared, io, service, may_close).await;
        drop(open);
        ended
    };
    cut::note(shared, &info, &activity, &ended);
}

/// The client that a trusted proxy announces, where that is agreed; else the peer itself.
async fn announced_peer(
    shared: &Shared,
    mut stream: TcpStream,
    peer: IpAddr,
) -> std::io::Result<(TcpStream, IpAddr)> {
    let settings = shared.settings().clone();
    let trusted = settings
        .trusted_proxies
        .iter()
        .any(|network| network.contains(peer));
    if !settings.proxy_protocol || !trusted {
        return Ok((stream, peer));
    }
    let invalid = |_| std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut fixed = [0; proxy_protocol::FIXED_SIZE];
    // The shortest line of version 1 has 15 bytes; what is read first must not reach beyond it.
    stream.read_exact(&mut fixed[..12]).await?;
    let client = if fixed[..12] == proxy_protocol::SIGNATURE {
        stream.read_exact(&mut fixed[12..]).await?;
        let mut rest = vec![0; proxy_protocol::length_after(&fixed).map_err(invalid)?];
        stream.read_exact(&mut rest).await?;
        proxy_protocol::read_binary(&fixed, &rest).map_err(invalid)?
    } else {
        let mut line = fixed[..12].to_vec();
        while line.last() != Some(&b'\n') && line.len() < proxy_protocol::MAX_LINE {
            line.push(stream.read_u8().await?);
        }
        proxy_protocol::read_line(&line).map_err(invalid)?
    };
    Ok((stream, client.unwrap_or(peer)))
}

async fn serve_http1<S>(
    shared: &Shared,
    io: TokioIo<TimedStream>,
    service: S,
    may_close: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: Service<Request<Incoming>, Response = Response<Guarded>, Error = Infallible>,
{
    let mut builder = http1::Builder::new();
    builder
        .max_header_size(shared.settings().max_header_bytes)
        .max_buf_size(shared.settings().max_header_bytes.max(64 * 1024))
        .header_read_timeout(None);
    let connection = builder.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // First what has come, then the end.
        biased;
        result = connection.as_mut() => return result,
        () = may_close => connection.as_mut().graceful_shutdown(),
        () = shared.drain.cut() => return Ok(()),
    }
    tokio::select! {
        result = connection => result,
        () = shared.drain.cut() => Ok(()),
    }
}

async fn serve_http2<S, F>(
    shared: &Shared,
    io: TokioIo<TimedStream>,
    service: S,
    may_close: impl Future<Output = ()>,
    (only_sockets, open): (impl Future<Output = ()>, TaskTrackerToken),
) -> Result<(), hyper::Error>
where
    S: Service<Request<Incoming>, Response = Response<Guarded>, Error = Infallible, Future = F>,
    F: Future<Output = Result<Response<Guarded>, Infallible>> + Send + 'static,
{
    let header_bytes = u32::try_from(shared.settings().max_header_bytes).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(StreamExecutor {
        limit: shared.settings().idle_timeout,
    });
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(header_bytes)
        .max_pending_accept_reset_streams(20)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        // First what has come, then the end.
        biased;
        result = connection.as_mut() => return result,
        () = may_close => connection.as_mut().graceful_shutdown(),
        () = shared.drain.cut() => return Ok(()),
    }
    tokio::select! {
        result = connection.as_mut() => return result,
        () = only_sockets => {}
        () = shared.drain.cut() => return Ok(()),
    }
    // From now on a drain waits for it as for a WebSocket.
    let _open = shared.drain.tunnels.token();
    drop(open);
    tokio::select! {
        result = connection => result,
        () = shared.drain.cut() => Ok(()),
    }
}

/// The id that backends see in `X-Qlik-Trace`: in the form of a UUID, as the real system's.
fn connection_id() -> String {
    uuid::Builder::from_random_bytes(
        (u128::from(next_number()) << 64 | u128::from(next_number())).to_be_bytes(),
    )
    .into_uuid()
    .to_string()
}

/// An answer's body that tells when it is over.
pub(crate) struct Guarded {
    body: ResponseBody,
    /// Of a stream of HTTP/2.
    turn: Option<Arc<Turn>>,
    /// What was too much for one piece of it.
    rest: Bytes,
    _in_flight: InFlight,
    _occupied: Option<Arc<Occupied>>,
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(turn) = &this.turn else {
            return Pin::new(&mut this.body).poll_frame(cx);
        };
        if this.rest.is_empty() {
            let polled = Pin::new(&mut this.body).poll_frame(cx);
            match polled.map_ok(Frame::into_data) {
                Poll::Ready(Some(Ok(Ok(data)))) => this.rest = data,
                Poll::Ready(Some(Ok(Err(other)))) => return Poll::Ready(Some(Ok(other))),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    turn.is_the_backends();
                    return Poll::Pending;
                }
            }
        }
        turn.is_the_clients();
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        let mut whole = SizeHint::new();
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole.set_lower(hint.lower() + rest);
        whole
    }
}
