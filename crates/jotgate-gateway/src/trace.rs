//! The trace that a request belongs to, when traces are on. When they are off, what a client says about
//! its trace goes to the backend like any other header.

use http::header::HeaderMap;
use http::{Request, Version};
use jotgate_observe::{TraceSpans, Traces};
use jotgate_policy::trace_context::{self, TraceParent};

use crate::exchange::next_number;

/// A request's place in its trace.
pub(crate) struct Trace {
    spans: TraceSpans,
    sampled: bool,
}

impl Trace {
    /// The place of `request`: below the span that its client names, else at the root of a new trace.
    pub(crate) fn begin<B>(
        traces: &Traces,
        request: &Request<B>,
        over_tls: bool,
    ) -> Option<Box<Self>> {
        let per_million = traces.per_million()?;
        let parent = trace_context::parent(request.headers());
        let trace_id = parent.map_or_else(trace_id, |parent| parent.trace_id);
        let sampled = trace_context::is_sampled(parent.as_ref(), &trace_id, per_million);
        Some(Box::new(Self {
            spans: TraceSpans {
                trace_id,
                parent: parent.map(|parent| parent.span_id),
                server: span_id(),
                client: span_id(),
                started: if sampled {
                    crate::clock::nanoseconds()
                } else {
                    0
                },
                over_tls,
                version: version(request.version()),
            },
            sampled,
        }))
    }

    /// Tells the backend that it is called by this request.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let span = TraceParent {
            trace_id: self.spans.trace_id,
            span_id: self.spans.client,
            sampled: self.sampled,
        };
        trace_context::set(headers, &span, self.spans.parent.is_some());
    }

    /// The spans, when they are recorded.
    pub(crate) fn recorded(self) -> Option<TraceSpans> {
        self.sampled.then_some(self.spans)
    }
}

/// Ids have to differ and must not be zero; they are no secret.
fn trace_id() -> [u8; 16] {
    let number = u128::from(next_number()) << 64 | u128::from(next_number());
    number.max(1).to_be_bytes()
}

fn span_id() -> [u8; 8] {
    next_number().max(1).to_be_bytes()
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}
