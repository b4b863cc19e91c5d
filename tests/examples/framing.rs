//! Sends raw requests of HTTP/1 through the built gateway and looks at what a backend sees of them.
//!
//! `cargo run -p jotgate-scenarios --example framing -- FILE`: a JSON object with `cases`, an array of
//! records with `name` and `raw_b64`. Each is sent in three forms: as it is, with as little changed as
//! lets a request be routed ([`adapted`]), and with what is odd about its framing in a field that frames
//! nothing ([`renamed`]), so that it goes on to the backend. Everything goes to a virtual proxy that lets everybody in.
//! Every request at the backend must be one that the gateway has written and answered: with its headers,
//! with one length at most, and no more of them than the client got answers. Exit code 1 when one is not.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use jotgate_scenarios::{Backend, Gateway, Received};
use serde_json::{Value, json};

/// What makes the bytes to send from those of the file.
type Form = fn(&[u8]) -> Vec<u8>;

/// How long the gateway may take to answer all of a case and to close.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cases = std::env::args().nth(1).and_then(|file| read(&file));
    let Some(cases) = cases.filter(|cases| !cases.is_empty()) else {
        eprintln!("usage: framing FILE, with cases that have name and raw_b64");
        return ExitCode::from(2);
    };
    let site = Site::new().await;
    let mut good = true;
    let forms: [(&str, Form); 3] = [
        ("as they are", <[u8]>::to_vec),
        ("adapted", adapted),
        ("renamed", renamed),
    ];
    for (form, adapt) in forms {
        let mut count = Count::default();
        for (name, raw) in &cases {
            let bytes = adapt(raw);
            site.send(name, &bytes, &mut count).await;
        }
        let (reached, wrong) = (count.reached, count.wrong);
        println!(
            "{} raw requests {form}: {reached} requests reached the backend, {wrong} of them wrong",
            cases.len()
        );
        for ((status, reason), times) in &count.answers {
            println!("    {times} times {status} {reason}");
        }
        good &= wrong == 0 && reached > 0;
    }
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn read(file: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let value: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let case = |case: &Value| {
        let raw = case["raw_b64"].as_str()?;
        let raw = base64_simd::STANDARD.decode_to_vec(raw).ok()?;
        Some((case["name"].as_str()?.to_owned(), raw))
    };
    value["cases"].as_array()?.iter().map(case).collect()
}

/// The same request with a Host where it has none, and with the empty line that ends its head where the
/// file has only a part of one. What a case is about stays as it is.
fn adapted(raw: &[u8]) -> Vec<u8> {
    let lower = raw.to_ascii_lowercase();
    let has = |wanted: &[u8]| lower.windows(wanted.len()).any(|part| part == wanted);
    let mut bytes = raw.to_vec();
    if !has(b"\nhost:") {
        let end = raw.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
        bytes = [&raw[..end], b"Host: gateway.example\r\n", &raw[end..]].concat();
    }
    if !has(b"\r\n\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The adapted request, with another name in place of `Transfer-Encoding`: a body that has a length and
/// a field that may be odd, which the backend must read as the gateway read it.
fn renamed(raw: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"Transfer-Encoding";
    let mut bytes = adapted(raw);
    let mut at = 0;
    while let Some(part) = bytes.get(at..at + NAME.len()) {
        if part.eq_ignore_ascii_case(NAME) {
            bytes.splice(at..at + NAME.len(), *b"X-Own-Name");
        }
        at += 1;
    }
    bytes
}

/// What came of the cases of one form.
#[derive(Default)]
struct Count {
    reached: usize,
    wrong: usize,
    /// How often that was the first answer: its status and its reason, which is `-` when the head could
    /// not be read. Status 0 is no answer.
    answers: BTreeMap<(u16, String), usize>,
}

struct Site {
    gateway: Gateway,
    backend: Backend,
}

impl Site {
    /// With short limits, for they end what the cases leave open.
    async fn new() -> Self {
        let mut builder = Gateway::serve().setting("--log", "error");
        for limit in ["--idle-timeout", "--header-timeout", "--body-timeout"] {
            builder = builder.setting(limit, "150ms");
        }
        let (backend, gateway) = (Backend::named("hello\n").await, builder.await);
        let node = gateway.qrs().node(&backend).await;
        let default = gateway.qrs().find("").await;
        default
            .update(|vp| {
                vp["anonymousAccessMode"] = 2.into();
                vp["loadBalancingServerNodes"] = json!([{ "id": node }]);
            })
            .await;
        Self { gateway, backend }
    }

    async fn send(&self, name: &str, bytes: &[u8], count: &mut Count) {
        self.backend.forget();
        let mut raw = self.gateway.plain_client().raw().await;
        // It may be refused before all of it is sent.
        drop(raw.try_send(bytes).await);
        let came = tokio::time::timeout(LIMIT, raw.read_to_end()).await;
        let answers = came.map_or_else(|_| Vec::new(), |bytes| answers(&bytes));
        let first = answers.first().cloned().unwrap_or((0, "-".to_owned()));
        *count.answers.entry(first).or_default() += 1;
        let received = self.backend.received();
        count.reached += received.len();
        for request in &received {
            if let Some(wrong) = wrong(request) {
                count.wrong += 1;
                println!("{name}: {wrong}: {request:?}");
            }
        }
        let whole = received.iter().filter(|request| request.complete).count();
        let served = answers.iter().filter(|(status, _)| *status == 200).count();
        if whole > served {
            count.wrong += 1;
            println!("{name}: {whole} requests, but {served} answers: {received:?}");
        }
    }
}

/// The status and the reason of each answer.
fn answers(bytes: &[u8]) -> Vec<(u16, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut answers = Vec::new();
    for line in text.lines() {
        let status = line
            .strip_prefix("HTTP/1.1 ")
            .or(line.strip_prefix("HTTP/1.0 "));
        if let Some(status) = status.and_then(|rest| rest.get(..3)?.parse().ok()) {
            answers.push((status, "-".to_owned()));
        } else if let (Some(reason), Some(last)) =
            (line.strip_prefix("jotgate-reason: "), answers.last_mut())
        {
            last.1 = reason.to_owned();
        }
    }
    answers
}

/// What shows that the gateway did not write this request, or that its end can be read in two ways.
fn wrong(request: &Received) -> Option<&'static str> {
    let text = request.text();
    let bare = text.replace("\r\n", "");
    let line = request.line();
    let codings = request.headers("transfer-encoding");
    let lengths = request.headers("content-length");
    let of_the_gateway =
        |name: &str, value: &str| request.headers(name).as_slice() == [value.to_owned()];
    if !of_the_gateway("x-forwarded-for", "127.0.0.1") || request.headers("host").len() != 1 {
        Some("not written by the gateway")
    } else if line.split(' ').count() != 3 || !line.ends_with(" HTTP/1.1") {
        Some("no request line")
    } else if bare.contains(['\r', '\n', '\0']) {
        Some("a control character in the head")
    } else if codings.len() + lengths.len() > 1 || codings.iter().any(|coding| coding != "chunked")
    {
        Some("a length that can be read in two ways")
    } else {
        None
    }
}
