//! What operators read: health, metrics, the access log.

use jotgate_scenarios::{Backend, Gateway, Keys, Reply, eventually};

#[tokio::test]
async fn health_and_metrics_are_served_beside_the_traffic() {
    let gateway = Gateway::serve().await;
    let observer = gateway.observer();
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/", 404),
        ("/qmc/", 404),
    ] {
        assert_eq!(observer.get(path).send().await.status, status, "{path}");
    }
    assert_eq!(observer.post("/metrics").send().await.status, 405);
    let metrics = observer.get("/metrics").send().await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text"),
        "{metrics:?}"
    );
    let text = metrics.text();
    for name in [
        "jotgate_sessions",
        "jotgate_websockets",
        "jotgate_connections",
        "jotgate_panics",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}: {text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn requests_are_counted_by_virtual_proxy_status_and_reason() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    for _ in 0..3 {
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
    }
    gateway.client().get("/jwt/hub/").send().await;
    let text = gateway.observer().get("/metrics").send().await.text();
    let count = |labels: [&str; 3]| {
        let line = text.lines().find(|line| {
            line.starts_with("jotgate_requests_total{")
                && labels.iter().all(|label| line.contains(label))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
    };
    assert_eq!(
        count(["virtual_proxy=\"jwt\"", "status=\"2xx\"", "reason=\"\""]),
        Some(3),
        "{text}"
    );
    assert_eq!(
        count([
            "virtual_proxy=\"jwt\"",
            "status=\"4xx\"",
            "reason=\"credentials_missing\""
        ]),
        Some(1),
        "{text}"
    );
}

/// Labels that clients could choose would fill the memory of whoever collects them.
#[tokio::test]
async fn clients_choose_no_label_of_a_metric() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let series = async || {
        gateway
            .observer()
            .get("/metrics")
            .send()
            .await
            .text()
            .lines()
            .count()
    };
    let ask = async |number: u32| {
        let token = Keys::first()
            .token()
            .user("example", &format!("chosen{number}"))
            .sign();
        let client = gateway.client();
        client.get(&format!("/chosen{number}/hub/")).send().await;
        client
            .request(&format!("CHOSEN{number}"), &format!("/jwt/chosen{number}"))
            .bearer(&token)
            .send()
            .await;
        client
            .get("/jwt/")
            .header("Host", format!("chosen{number}"))
            .origin("https://chosen.example")
            .send()
            .await;
    };
    // What a request adds is counted some time after its answer.
    let all_counted = async |asked: f64| {
        eventually("all requests are counted", async || {
            let counted = gateway.metric("jotgate_requests_total").await;
            (counted >= 3.0 * asked).then_some(())
        })
        .await;
    };
    ask(0).await;
    all_counted(1.0).await;
    // The first check of the backend's node makes a series, whenever it is done.
    eventually("the check of the node", async || {
        let text = gateway.observer().get("/metrics").send().await.text();
        text.contains("\njotgate_node_up{node=\"node ")
            .then_some(())
    })
    .await;
    let before = series().await;
    for number in 1..20 {
        ask(number).await;
    }
    all_counted(20.0).await;
    assert_eq!(series().await, before);
    let text = gateway.observer().get("/metrics").send().await.text();
    assert!(!text.to_lowercase().contains("chosen"), "{text}");
}

/// Line X2 of the hostile inputs.
#[tokio::test]
async fn nothing_that_a_client_sends_makes_a_line_of_its_own_in_the_access_log() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let forged = "x\n{\"reference\":\"FORGED\",\"status\":200}\r\n\u{1b}[31m\u{202e}\"\\";
    for claim in ["userId", "userDirectory"] {
        let token = Keys::first().token().claim(claim, forged).sign();
        gateway
            .client()
            .get("/jwt/hub/")
            .bearer(&token)
            .send()
            .await;
    }
    let token = Keys::first()
        .token()
        .header("kid", forged)
        .claim("aud", forged)
        .expires_in(-3600)
        .sign();
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    for path in [
        "/jwt/\"x\":1}",
        "/jwt/%0a%0d%1b[31m",
        "/nobody%0a/hub/",
        "/jwt/{\"a\":\"b\"}",
    ] {
        let mut raw = gateway.client().raw().await;
        raw.send(format!("GET {path} HTTP/1.1\r\nHost: g\r\nOrigin: https://x\u{7f}y\r\nConnection: close\r\n\r\n")).await;
        raw.read_to_end().await;
    }
    let last = gateway.client().get("/jwt/last").send().await;
    gateway.access_line(&last.reference()).await;
    for line in gateway.access_log() {
        assert_ne!(line["reference"], "FORGED", "{line}");
    }
    let text = std::fs::read_to_string(gateway.folder().access_log()).expect("the access log");
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
}

#[tokio::test]
async fn a_very_long_path_is_cut_in_the_access_log() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let answer = gateway
        .client()
        .get(&format!("/jwt/{}", "x".repeat(20_000)))
        .send()
        .await;
    let line = gateway.access_line(&answer.reference()).await;
    assert!(
        line.to_string().len() < 4096,
        "{} bytes",
        line.to_string().len()
    );
}

/// Log rotation moves the file; nobody has to tell the gateway.
#[tokio::test]
async fn a_moved_access_log_is_made_anew() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let ask = async || gateway.client().get("/jwt/hub/").send().await.reference();
    let before = ask().await;
    gateway.access_line(&before).await;
    let path = gateway.folder().access_log();
    let moved = path.with_extension("1");
    std::fs::rename(&path, &moved).expect("the log is moved");
    let after = ask().await;
    gateway.access_line(&after).await;
    std::fs::remove_file(&path).expect("the log is removed");
    let last = ask().await;
    gateway.access_line(&last).await;
    let old = std::fs::read_to_string(moved).expect("the old log");
    assert!(old.contains(&before) && !old.contains(&after), "{old}");
}

#[tokio::test]
async fn lines_that_a_full_disk_does_not_take_are_counted_and_requests_go_on() {
    let gateway = Gateway::serve().setting("--access-log", "/dev/full").await;
    for _ in 0..3 {
        let answer = gateway.client().get("/jwt/hub/").send().await;
        assert_eq!(answer.status, 400);
    }
    eventually("lines are lost", async || {
        let dropped = gateway.metric("jotgate_access_log_dropped_total").await;
        (dropped >= 3.0).then_some(())
    })
    .await;
}

/// A client that gives up is no hole in the log.
#[tokio::test]
async fn a_request_whose_client_has_gone_is_noted() {
    let backend = Backend::answering(|_| Reply::never()).await;
    let gateway = Gateway::serve().await;
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let mut raw = gateway.client().raw().await;
    raw.send(format!(
        "GET /jwt/given-up HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    backend.wait_for(1).await;
    assert_eq!(gateway.metric("jotgate_requests_in_flight").await, 1.0);
    drop(raw);
    let line = eventually("a line for it", async || {
        let mut lines = gateway.access_log().into_iter();
        lines.rfind(|line| line["path"] == "/jwt/given-up")
    })
    .await;
    assert_eq!(
        (&line["status"], &line["phase"]),
        (&499.into(), &"forward".into())
    );
    assert_eq!(gateway.metric("jotgate_requests_in_flight").await, 0.0);
}

/// What Prometheus would not read whole is of no use.
#[tokio::test]
async fn the_text_of_the_metrics_is_well_formed() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    let text = gateway.observer().get("/metrics").send().await.text();
    let mut family = (String::new(), String::new());
    let mut series = std::collections::HashSet::new();
    for line in text.strip_suffix("# EOF\n").expect("an end").lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("name and type");
            family = (name.to_owned(), kind.to_owned());
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(series.insert(name.to_owned()), "twice: {line}");
        let end = name.find('{').unwrap_or(name.len());
        let (name, labels) = name.split_at(end);
        let suffixes: &[&str] = match &*family.1 {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            "info" => &["_info"],
            other => panic!("{other}"),
        };
        let suffix = name.strip_prefix(&*family.0).expect("of its family");
        assert!(suffixes.contains(&suffix), "{line}");
        if !labels.is_empty() {
            let inner = labels.trim_start_matches('{').strip_suffix('}');
            for label in inner.expect("braces").split(',') {
                let (name, value) = label.split_once('=').expect("a label");
                assert!(
                    name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{line}"
                );
                assert!(
                    value.len() >= 2 && value.starts_with('"') && value.ends_with('"'),
                    "{line}"
                );
            }
        }
    }
    let started = gateway.metric("jotgate_process_start_time_seconds").await;
    let age = jotgate_scenarios::now() as f64 - started;
    assert!((0.0..3600.0).contains(&age), "{started}");
    assert!(
        text.contains(concat!(
            "jotgate_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        )),
        "{text}"
    );
}
