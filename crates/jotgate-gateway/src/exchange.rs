//! What is learned of a request on its way, for the log and the metrics.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use jotgate_model::{PresentedToken, Refusal, Timestamp, VirtualProxy};
use jotgate_observe::{AccessRecord, Outcome, Phase, PhaseTimes};
use jotgate_policy::forwarded::Client;
use jotgate_session::Session;

use crate::Shared;
use crate::occupancy::Occupied;
use crate::request::{ConnectionInfo, address_value};
use crate::trace::Trace;

/// One request and its answer.
pub(crate) struct Exchange {
    pub(crate) reference: String,
    pub(crate) client: Client,
    pub(crate) client_text: Arc<str>,
    pub(crate) client_value: HeaderValue,
    pub(crate) virtual_proxy: Option<Arc<VirtualProxy>>,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) node: Option<Box<str>>,
    pub(crate) waiting: Option<Duration>,
    /// Its place among the requests of its virtual proxy, where these are limited.
    pub(crate) occupied: Option<Occupied>,
    /// What the token says, when one was sent.
    pub(crate) token: Option<Arc<PresentedToken>>,
    /// Its place in a trace, when traces are on.
    pub(crate) trace: Option<Box<Trace>>,
    /// Whether the live feed is better off without it.
    pub(crate) is_unlisted: bool,
    user_agent: Option<HeaderValue>,
    phase: Phase,
    phases: PhaseTimes,
    /// The last reading of the clock, in microseconds since `started`.
    clock: u32,
    method: http::Method,
    path: Box<str>,
    time: Timestamp,
    started: Instant,
}

impl Exchange {
    pub(crate) fn begin(
        method: &http::Method,
        path: &str,
        headers: &HeaderMap,
        client: Client,
        connection: &ConnectionInfo,
    ) -> Self {
        let (client_text, client_value) = if client.address == connection.peer {
            (connection.peer_text.clone(), connection.peer_value.clone())
        } else {
            let text = client.address.to_string();
            let value = address_value(&text);
            (text.into(), value)
        };
        let mut phases = PhaseTimes::NONE;
        phases.begin(Phase::Sanitize, 0);
        Self {
            reference: reference(),
            client_text,
            client_value,
            client,
            virtual_proxy: None,
            session: None,
            node: None,
            waiting: None,
            occupied: None,
            token: None,
            trace: None,
            is_unlisted: false,
            user_agent: headers.get(USER_AGENT).cloned(),
            phase: Phase::Sanitize,
            phases,
            clock: 0,
            method: method.clone(),
            path: loggable(path).into(),
            time: crate::timestamp(),
            started: Instant::now(),
        }
    }

    /// Begins a phase. It takes over the last reading of the clock: the phases between two readings do
    /// no I/O, and a reading costs as much as most of them.
    pub(crate) const fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phases.begin(phase, self.clock);
    }

    /// Begins a phase behind which something may be awaited, or in front of which something was.
    pub(crate) fn enter_now(&mut self, phase: Phase) {
        self.read_clock();
        self.enter(phase);
    }

    /// The node has answered, or is waited for no longer.
    pub(crate) fn end_waiting(&mut self) {
        let began = self.clock;
        self.read_clock();
        self.waiting = Some(Duration::from_micros((self.clock - began).into()));
    }

    fn read_clock(&mut self) {
        self.clock = u32::try_from(self.started.elapsed().as_micros())
            .unwrap_or(u32::MAX - 1)
            .max(self.clock);
    }

    /// Writes the line, keeps the request for the live feed and the collector of traces, and counts.
    pub(crate) fn finish(&mut self, shared: &Shared, status: u16, refusal: Option<&Refusal>) {
        self.read_clock();
        let spans = self.trace.take().and_then(|trace| trace.recorded());
        let total = Duration::from_micros(self.clock.into());
        let virtual_proxy = self.virtual_proxy.as_ref().map(|vp| vp.prefix.as_str());
        let reason = refusal.map(|refusal| refusal.reason);
        shared.metrics.count(&Outcome {
            virtual_proxy: virtual_proxy.unwrap_or_default(),
            status,
            reason,
            total,
        });
        let session = self.session.as_deref();
        let record = AccessRecord {
            time: self.time,
            reference: &self.reference,
            client: &self.client_text,
            method: self.method.as_str(),
            path: &self.path,
            virtual_proxy,
            virtual_proxy_id: self.virtual_proxy.as_ref().map(|vp| vp.id),
            user: session.map(|session| (session.user_directory(), session.user_id())),
            session: session.map(Session::public_id),
            node: self.node.as_deref(),
            phase: self.phase,
            phases: self.phases,
            status,
            refusal: refusal.map(|refusal| (refusal.reason, refusal.detail())),
            total,
            waiting: self.waiting,
            user_agent: self.user_agent.as_ref().map_or("", text),
            token: self.token.as_ref(),
        };
        shared.access_log.write(&record);
        if !self.is_unlisted || refusal.is_some() {
            shared.feed.note(&record);
        }
        if let Some(spans) = spans {
            shared.traces.record(spans, &record);
        }
    }
}

/// A request that is being served. It is noted also when its client does not wait for the answer: then
/// the task that serves it is dropped wherever it stands.
pub(crate) struct Unfinished<'a> {
    shared: &'a Shared,
    pub(crate) exchange: Exchange,
    finished: bool,
}

/// What the access log tells of a request whose connection ended before its answer began. No answer
/// ever has this status.
const CLIENT_GONE: u16 = 499;

impl<'a> Unfinished<'a> {
    pub(crate) fn new(shared: &'a Shared, exchange: Exchange) -> Self {
        shared.metrics.in_flight.inc();
        Self {
            shared,
            exchange,
            finished: false,
        }
    }

    /// The answer begins.
    pub(crate) fn finish(mut self, status: u16, refusal: Option<&Refusal>) {
        self.finished = true;
        self.exchange.finish(self.shared, status, refusal);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.shared.metrics.in_flight.dec();
        if !self.finished {
            self.exchange.finish(self.shared, CLIENT_GONE, None);
        }
    }
}

/// A header's value, or nothing when it is not visible ASCII.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// A path without what may be a token: the real client puts `&qlik-csrf-token=` into it.
fn loggable(path: &str) -> &str {
    let path = path.split('&').next().unwrap_or_default();
    let end = path
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= 1024)
        .last()
        .unwrap_or(0);
    if path.len() <= 1024 {
        path
    } else {
        &path[..end]
    }
}

thread_local! {
    /// The state of a SplitMix64 generator. References only have to differ.
    static STATE: Cell<u64> = Cell::new(random_u64());
}

/// The next number of this thread's generator: unique enough for a name, no secret.
pub(crate) fn next_number() -> u64 {
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return u64::from(std::process::id());
    }
    u64::from_ne_bytes(bytes)
}

/// What an error page prints: 12 characters without the ones that are mistaken for others.
fn reference() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut number = next_number();
    let mut text = String::with_capacity(12);
    for _ in 0..12 {
        text.push(char::from(ALPHABET[(number & 31) as usize]));
        number >>= 5;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_logged_without_tokens_and_cut() {
        assert_eq!(
            loggable("/app/engineData&qlik-csrf-token=secret"),
            "/app/engineData"
        );
        assert!(loggable(&"é".repeat(2000)).len() <= 1024);
        assert_eq!(loggable("/hub/"), "/hub/");
    }

    #[test]
    fn references_differ() {
        let many: std::collections::HashSet<_> = (0..10_000).map(|_| reference()).collect();
        assert_eq!(many.len(), 10_000);
        assert!(many.iter().all(|text| text.len() == 12));
    }
}
