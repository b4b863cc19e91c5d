//! What programs of administrators connect to: ports with TLS and client certificates, and the socket
//! of the command line. Any HTTP service stands behind them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::unread::{self, ReturningBody};

/// Connections that are served at the same time.
const MAX_CONNECTIONS: usize = 512;
/// How long a handshake or the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests may take that have begun when the end comes.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Is told who showed no certificate of an administrator, and what was wrong with it. Must not block.
pub type RefusedCertificate = dyn Fn(IpAddr, &str) + Send + Sync;

/// How long a connection may last.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Serves `service` on `listener` to clients that `tls` lets in, until `stop`; then requests that have
/// begun are finished, for at most [`FINISH_TIMEOUT`].
pub async fn serve_administration<S, B>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    service: S,
    refused: Arc<RefusedCertificate>,
    stop: CancellationToken,
) where
    S: Service<Request<ReturningBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection of an administrator cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections of administrators; this one is closed");
            continue;
        };
        let (tls, service, stop) = (tls.clone(), service.clone(), stop.clone());
        let refused = refused.clone();
        connections.spawn(async move {
            tokio::select! {
                () = serve_connection(stream, peer, tls, service, &*refused, &stop) => {}
                () = tokio::time::sleep(LIFETIME) => {}
                () = out_of_time(&stop) => {}
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve_connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Arc<ServerConfig>,
    service: S,
    refused: &RefusedCertificate,
    stop: &CancellationToken,
) where
    S: Service<Request<ReturningBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = match timeout(HEAD_TIMEOUT, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::info!(%error, "a client without an administrator's certificate was refused");
            if is_about_its_certificate(&error) {
                refused(peer.ip(), &error.to_string());
            }
            return;
        }
        Err(_) => return,
    };
    serve_http(stream, peer, service, stop).await;
}

/// Whoever speaks no TLS, or goes away, has not tried to be an administrator.
fn is_about_its_certificate(error: &std::io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// Serves `service` on the Unix socket `listener` until `stop`. Whoever may open the socket may ask;
/// the request's extensions say as whom (`UCred`).
pub async fn serve_control<S, B>(listener: UnixListener, service: S, stop: CancellationToken)
where
    S: Service<Request<ReturningBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let peer = accepted.and_then(|(stream, _)| Ok((stream.peer_cred()?, stream)));
        let (peer, stream) = match peer {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection of the command line cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let (service, stop) = (service.clone(), stop.clone());
        connections.spawn(async move {
            tokio::select! {
                () = serve_http(stream, peer, service, &stop) => {}
                () = tokio::time::sleep(LIFETIME) => {}
                () = out_of_time(&stop) => {}
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// What has begun when everything stops is given up then.
async fn out_of_time(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(FINISH_TIMEOUT).await;
}

async fn serve_http<I, P, S, B>(stream: I, peer: P, service: S, stop: &CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Clone + Send + Sync + 'static,
    S: Service<Request<ReturningBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Whoever answers may want to note where a change came from.
    let who_serves = Box::new((peer, service));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (peer, service) = &*who_serves;
        request.extensions_mut().insert(peer.clone());
        Box::pin(unread::answer(service.clone(), request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        // First what has come, then the end.
        biased;
        served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of an administrator ended");
    }
    unread::close(connection.into_parts().io.into_inner()).await;
}
