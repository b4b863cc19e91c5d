//! Sends raw requests of HTTP/1 through the built gateway and looks at what a backend sees of them.
//!
//! `cargo run -p jotgate-scenarios --example framing -- FILE`: a JSON object with `cases`, an array of
//! records with `name` and `raw_b64`. Each is sent as it is and once more with a Host header, to a
//! virtual proxy that lets everybody in. Every request at the backend must be one that the gateway has
//! written: with its headers, and with one length at most. Exit code 1 when one is not.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::process::ExitCode;
use std::time::Duration;

use jotgate_scenarios::{Backend, Gateway, Received};
use serde_json::{Value, json};

/// How long the gateway may take to answer all of a case and to close.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cases = std::env::args().nth(1).and_then(|file| read(&file));
    let Some(cases) = cases.filter(|cases| !cases.is_empty()) else {
        eprintln!("usage: framing FILE, with cases that have name and raw_b64");
        return ExitCode::from(2);
    };
    let (backend, gateway) = (Backend::named("hello").await, Gateway::serve().await);
    let node = gateway.qrs().node(&backend).await;
    let default = gateway.qrs().find("").await;
    default
        .update(|vp| {
            vp["anonymousAccessMode"] = 2.into();
            vp["loadBalancingServerNodes"] = json!([{ "id": node }]);
        })
        .await;
    let (mut reached, mut found, mut seen) = (0, 0, 0);
    for (name, raw) in &cases {
        for bytes in [raw.clone(), with_host(raw)] {
            send(&gateway, &bytes).await;
            let received = backend.received();
            for request in &received[seen..] {
                reached += 1;
                if let Some(wrong) = wrong(request) {
                    found += 1;
                    println!("{name}: {wrong}: {request:?}");
                }
            }
            seen = received.len();
        }
    }
    println!(
        "{} raw requests sent in two forms, {reached} requests reached the backend, {found} of them wrong",
        cases.len()
    );
    match found {
        0 if reached > 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
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

/// The same request with a Host behind its first line.
fn with_host(raw: &[u8]) -> Vec<u8> {
    let end = raw.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
    [&raw[..end], b"Host: gateway.example\r\n", &raw[end..]].concat()
}

async fn send(gateway: &Gateway, bytes: &[u8]) {
    let mut raw = gateway.plain_client().raw().await;
    // It may be refused before all of it is sent.
    if raw.try_send(bytes).await.is_ok() {
        raw.finish().await;
    }
    drop(tokio::time::timeout(LIMIT, raw.read_to_end()).await);
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
