//! Traces: what a collector gets, what backends are told, and that nobody waits for it.

use std::sync::Arc;

use jotgate_scenarios::{
    Backend, Gateway, GatewayBuilder, Keys, PATIENCE, Reply, eventually, within,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// A stand-in for a collector.
async fn collector() -> Backend {
    Backend::answering(|_| Reply::new(200, &[("Content-Type", "application/json")], "{}")).await
}

fn traced(collector: &Backend, ratio: &str) -> GatewayBuilder {
    Gateway::serve()
        .setting("--otlp-endpoint", collector.uri())
        .setting("--trace-sample-ratio", ratio)
}

/// All spans that the collector has.
fn spans(collector: &Backend) -> Vec<Value> {
    let messages = collector.received().into_iter().filter(|m| m.complete);
    let spans = messages.map(|message| {
        assert_eq!(message.line(), "POST /v1/traces HTTP/1.1");
        assert_eq!(
            message.header("content-type").as_deref(),
            Some("application/json")
        );
        let body: Value = serde_json::from_slice(&message.body).expect("OTLP in JSON");
        body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone()
    });
    spans
        .flat_map(|spans| spans.as_array().cloned().expect("spans"))
        .collect()
}

fn attribute(span: &Value, name: &str) -> Option<String> {
    let attributes = span["attributes"].as_array()?;
    let found = attributes.iter().find(|a| a["key"] == name)?;
    let value = &found["value"];
    let text = value.get("stringValue").or_else(|| value.get("intValue"));
    text?.as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_request_is_a_span_with_the_call_of_the_node_below_it() {
    let (backend, collector) = (Backend::echo().await, collector().await);
    let gateway = traced(&collector, "0").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/?secret=in-the-query")
        .bearer(&token)
        .header("traceparent", format!("{PARENT}-01"))
        .header("tracestate", "vendor=1")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    eventually("two spans", async || {
        (spans(&collector).len() == 2).then_some(())
    })
    .await;
    let spans = spans(&collector);
    let (server, client) = (&spans[0], &spans[1]);
    assert_eq!(server["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(server["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(client["parentSpanId"], server["spanId"]);
    assert_eq!(
        (&server["kind"], &client["kind"]),
        (&Value::from(2), &Value::from(3))
    );
    assert_eq!(server["name"], "GET /jwt/*");
    assert_eq!(attribute(server, "url.path").as_deref(), Some("/jwt/hub/"));
    assert_eq!(
        attribute(server, "http.response.status_code").as_deref(),
        Some("200")
    );
    let phases: Vec<_> = server["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| e["name"].as_str())
        .collect();
    assert!(
        phases.contains(&Some("identify")) && phases.contains(&Some("forward")),
        "{phases:?}"
    );
    let seen = backend.only();
    let told = seen.header("traceparent").expect("a traceparent");
    let span = client["spanId"].as_str().expect("an id");
    assert_eq!(
        told,
        format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01")
    );
    assert_eq!(seen.header("tracestate").as_deref(), Some("vendor=1"));
    let text = String::from_utf8(collector.only().body).expect("text");
    let signature = token.rsplit('.').next().expect("a signature");
    assert!(
        !text.contains(signature) && !text.contains("in-the-query"),
        "{text}"
    );
}

#[tokio::test]
async fn a_refusal_is_recorded_with_its_reason_and_reference() {
    let (backend, collector) = (Backend::echo().await, collector().await);
    let gateway = traced(&collector, "1").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let expired = Keys::first().token().expires_in(-3600).sign();
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&expired)
        .send()
        .await;
    eventually("a span", async || {
        (!spans(&collector).is_empty()).then_some(())
    })
    .await;
    let spans = spans(&collector);
    assert_eq!(spans.len(), 1, "no node was called");
    assert_eq!(
        attribute(&spans[0], "error.type").as_deref(),
        Some("token_expired")
    );
    assert_eq!(
        attribute(&spans[0], "jotgate.reference"),
        Some(answer.reference())
    );
    assert_eq!(
        attribute(&spans[0], "jotgate.phase").as_deref(),
        Some("identify")
    );
}

#[tokio::test]
async fn the_callers_decision_counts_and_else_the_ratio() {
    let (backend, collector) = (Backend::echo().await, collector().await);
    let gateway = traced(&collector, "0").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let client = gateway.client();
    let token = Keys::first().token().sign();
    for parent in [
        "",
        "forged",
        &format!("{PARENT}-00"),
        &format!("{PARENT}-01"),
    ] {
        let mut request = client.get("/jwt/hub/").bearer(&token);
        if !parent.is_empty() {
            request = request.header("traceparent", parent);
        }
        assert_eq!(request.send().await.status, 200);
    }
    eventually("the sampled one", async || {
        (spans(&collector).len() == 2).then_some(())
    })
    .await;
    assert!(
        spans(&collector)
            .iter()
            .all(|s| s["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    let told: Vec<_> = backend
        .received()
        .iter()
        .filter_map(|r| r.header("traceparent"))
        .collect();
    assert_eq!(told.len(), 4, "every backend call belongs to a trace");
    assert!(told.iter().all(|parent| parent.len() == 55), "{told:?}");
    let sampled = told.iter().filter(|parent| parent.ends_with("-01"));
    assert_eq!(sampled.count(), 1);
}

/// Neither when it is not there, nor when it takes the connection and never answers.
#[tokio::test]
async fn nobody_waits_for_a_collector_that_is_away() {
    let backend = Backend::echo().await;
    let silent = Backend::answering(|_| Reply::never()).await;
    let nowhere = format!("http://{}", Backend::nowhere().await);
    for endpoint in [silent.uri(), nowhere] {
        let gateway = Gateway::serve()
            .setting("--otlp-endpoint", endpoint)
            .setting("--trace-sample-ratio", "1")
            .await;
        gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let token = Keys::first().token().sign();
        let asked = async {
            for _ in 0..20 {
                let answer = gateway.client().get("/jwt/hub/").bearer(&token).send();
                assert_eq!(answer.await.status, 200);
            }
        };
        within(PATIENCE, "requests are served", asked).await;
        within(PATIENCE, "the gateway stops", gateway.stop()).await;
    }
    assert!(!silent.received().is_empty(), "the collector was asked");
}

#[tokio::test]
async fn what_is_left_is_sent_when_the_gateway_stops() {
    let (backend, collector) = (Backend::echo().await, collector().await);
    let gateway = traced(&collector, "1").await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    gateway.client().get("/jwt/hub/").send().await;
    gateway.stop().await;
    assert_eq!(spans(&collector).len(), 1);
}

#[tokio::test]
async fn without_a_collector_the_context_goes_through_as_it_came() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&Keys::first().token().sign())
        .header("traceparent", format!("{PARENT}-01"))
        .send()
        .await;
    assert_eq!(
        backend.only().header("traceparent"),
        Some(format!("{PARENT}-01"))
    );
}

/// A collector over TLS takes traces when this machine trusts it, and else gets none.
#[tokio::test]
async fn a_collector_over_tls_has_to_prove_its_name() {
    let (endpoint, root) = tls_collector().await;
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, root).expect("a file");
    let roots = roots.to_str().expect("a path of text");
    let start = || {
        Gateway::serve()
            .setting("--otlp-endpoint", endpoint.clone())
            .setting("--trace-sample-ratio", "1")
    };
    let trusting = start().environment("SSL_CERT_FILE", roots).await;
    let distrusting = start().await;
    for gateway in [&trusting, &distrusting] {
        assert_eq!(gateway.client().get("/").send().await.status, 401);
    }
    eventually("a trace is sent", async || {
        let sent = trusting.metric("jotgate_traces_sent_total").await;
        (sent == 1.0).then_some(())
    })
    .await;
    let ended = distrusting.stop().await;
    assert!(
        ended.stderr.contains("the collector does not take traces"),
        "{}",
        ended.stderr
    );
}

/// Its address, and the root that vouches for it, as PEM.
async fn tls_collector() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust us goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut received = Vec::new();
            while !received.ends_with(b"]}]}]}") {
                received.push(stream.read_u8().await.expect("a message"));
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(answer).await.expect("an answer");
            stream.flush().await.expect("an answer");
        }
    });
    (format!("https://localhost:{port}"), made.cert.pem())
}
