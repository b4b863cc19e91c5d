//! Bodies that nobody has read when the answer to their request is ready.
//!
//! Whoever is refused may still be sending. A connection that is closed then is reset, and the client
//! loses the answer that it was about to read (RFC 9112 section 9.6). So the rest of a body is read and
//! thrown away before the answer is sent, and a connection that ends anyway says so (`close_notify`) and
//! goes on reading for a while. Both have limits: nobody is listened to for ever.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, sink};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::{Service, ServiceExt};

/// How much of what nobody wants is read, in bytes.
const MAX_REST: usize = 1024 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The body of a request, which comes back when it is dropped before its end.
#[derive(Debug)]
pub struct ReturningBody {
    body: Option<Incoming>,
    back: Option<oneshot::Sender<Incoming>>,
}

impl Body for ReturningBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ReturningBody {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take())
            && !body.is_end_stream()
        {
            // Nobody waits for it when the connection has ended.
            drop(back.send(body));
        }
    }
}

/// Lets `service` answer, and reads what it has left of the request's body. When there is too much of
/// that, the answer says that the connection is closed.
pub(crate) async fn answer<S, B>(
    service: S,
    request: Request<Incoming>,
) -> Result<Response<B>, S::Error>
where
    S: Service<Request<ReturningBody>, Response = Response<B>>,
{
    // Who waits to be asked for the body is not asked.
    let waits = request.headers().contains_key(EXPECT);
    let (back, mut returned) = oneshot::channel();
    let request = request.map(|body| ReturningBody {
        body: Some(body),
        back: Some(back),
    });
    let mut response = service.oneshot(request).await?;
    if let Ok(rest) = returned.try_recv()
        && (waits || !is_read_to_its_end(rest).await)
    {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    Ok(response)
}

async fn is_read_to_its_end(rest: Incoming) -> bool {
    let mut rest = Limited::new(rest, MAX_REST);
    let reading = async {
        while let Some(frame) = rest.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    timeout(PATIENCE, reading).await.unwrap_or(false)
}

/// Ends a connection so that its other end gets everything that was sent to it.
pub(crate) async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let closing = pin!(async {
        // Whether it works is the same: the connection is over.
        drop(stream.shutdown().await);
        let mut rest = stream.take(MAX_REST as u64);
        drop(tokio::io::copy(&mut rest, &mut sink()).await);
    });
    drop(timeout(PATIENCE, closing).await);
}
