//! The live feed behind real sockets: what it keeps of requests, and what never.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jotgate_gateway::{
    GatewayListeners, GatewaySettings, Leaving, ManagementSide, ServerCertificates, Shared, Stores,
    Workers, bind, now,
};
use jotgate_keys::KeyRing;
use jotgate_model::entity::{
    AuthenticationMethod, Metadata, ProxyService, ServerNodeConfiguration, ServiceConfig,
    VirtualProxyConfig,
};
use jotgate_model::{Algorithm, Documents, Reason, Snapshot, Uuid};
use jotgate_observe::{
    AccessLog, AccessLogTarget, Feed, FeedFilter, FeedLimits, FeedOutcome, Metrics, Phase,
    RecentRequest, Traces,
};
use jotgate_policy::admit::OwnNames;
use jotgate_session::Sessions;
use jotgate_token::sign;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const VIRTUAL_PROXY: Uuid = Uuid::from_u128(1);
const PROXY: Uuid = Uuid::from_u128(2);
const NODE: Uuid = Uuid::from_u128(3);

/// A gateway in this process, with one virtual proxy `jwt` in front of a backend that says "ok".
struct Site {
    runtime: Runtime,
    shared: Arc<Shared>,
    workers: Workers,
    feed: Feed,
    address: SocketAddr,
    key: rcgen::KeyPair,
    _folder: TempDir,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let keys = Arc::new(KeyRing::new(runtime.handle().clone(), |_| {}));
        let documents = documents(backend(), &key.public_key_pem());
        let snapshot = Snapshot::build(1, documents, PROXY, None).unwrap();
        keys.prepare(&snapshot);
        let journal = folder.path().join("sessions.db");
        let sessions = Sessions::open(&journal, now());
        let limits = FeedLimits {
            entries: 100,
            bytes: 1 << 20,
        };
        let feed = Feed::new(limits, 1);
        let stores = Stores {
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            keys,
            sessions: runtime.block_on(sessions).unwrap(),
            management: ManagementSide::default(),
            cluster_key: [7; 32],
            access_log: AccessLog::open(&AccessLogTarget::Off).unwrap(),
            feed: feed.clone(),
            traces: Traces::off(),
            metrics: Metrics::default(),
        };
        let names = OwnNames::new(["localhost"]);
        let shared = Shared::new(settings(), stores, names, runtime.handle().clone());
        let listener = bind("plain", (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let listeners = GatewayListeners {
            tls: Vec::new(),
            plain: vec![listener],
        };
        let workers = Workers::start(&shared, &listeners, &certificate(folder.path())).unwrap();
        shared.set_ready();
        Self {
            runtime,
            shared,
            workers,
            feed,
            address,
            key,
            _folder: folder,
        }
    }

    fn token(&self, claims: &Value) -> String {
        let claims: &Map<String, Value> = claims.as_object().unwrap();
        sign(Algorithm::ES256, &self.key.serialize_pem(), None, claims).unwrap()
    }

    /// Sends a request and returns the head of the answer.
    fn ask(&self, path: &str, fields: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: g\r\nUser-Agent: agent/1\r\n{fields}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn recent(&self, filter: &FeedFilter) -> Vec<RecentRequest> {
        self.feed.recent(filter, 100).requests
    }

    fn stop(self) {
        self.runtime.block_on(self.shared.leave(Leaving::NOW));
        self.workers.join();
    }
}

fn settings() -> GatewaySettings {
    let long = Duration::from_secs(60);
    GatewaySettings {
        header_timeout: long,
        body_timeout: long,
        response_timeout: long,
        connect_timeout: long,
        idle_timeout: long,
        max_header_bytes: 32 * 1024,
        max_body_bytes: None,
        max_connections: 100,
        max_connections_per_address: None,
        trusted_proxies: Vec::new(),
        proxy_protocol: false,
        workers: 1,
        strict_transport: None,
        https_port: None,
    }
}

fn documents(backend: SocketAddr, public_key: &str) -> Documents {
    let metadata = |id| Metadata {
        id,
        ..Metadata::default()
    };
    let node = ServerNodeConfiguration {
        metadata: metadata(NODE),
        name: "Central".into(),
        host_name: "localhost".into(),
        services: vec![ServiceConfig {
            path: "/".into(),
            uri: format!("http://{backend}"),
            ..Default::default()
        }],
        ..ServerNodeConfiguration::default()
    };
    let virtual_proxy = VirtualProxyConfig {
        metadata: metadata(VIRTUAL_PROXY),
        prefix: "jwt".into(),
        description: "JWT".into(),
        session_cookie_header_name: "X-Qlik-Session-jwt".into(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_public_key_certificate: public_key.into(),
        jwt_attribute_user_id: "userId".into(),
        jwt_attribute_user_directory: "userDirectory".into(),
        jwt_algorithms: vec!["ES256".into()],
        private_claims: vec!["mail".into()],
        load_balancing_server_nodes: vec![NODE],
        ..VirtualProxyConfig::default()
    };
    let mut proxy = ProxyService {
        metadata: metadata(PROXY),
        server_node_configuration: NODE,
        ..ProxyService::default()
    };
    proxy.settings.virtual_proxies = vec![VIRTUAL_PROXY];
    Documents {
        virtual_proxies: BTreeMap::from([(VIRTUAL_PROXY, Arc::new(virtual_proxy))]),
        proxy_services: BTreeMap::from([(PROXY, Arc::new(proxy))]),
        nodes: BTreeMap::from([(NODE, Arc::new(node))]),
        ..Documents::default()
    }
}

fn backend() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {
        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if stream.write_all(ok).is_err() {
            return;
        }
    }
}

fn certificate(folder: &std::path::Path) -> Arc<ServerCertificates> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("c.pem"), folder.join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    ServerCertificates::load(vec![(certificate, key)]).unwrap()
}

fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let lines = answer.lines();
    let mut found = lines.filter_map(|line| line.split_once(": "));
    found
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}

#[test]
fn requests_are_kept_with_all_that_is_known_of_them() {
    let site = Site::start();
    let claims = json!({"userId": "boz", "userDirectory": "example", "mail": "b@example.com"});
    let token = site.token(&claims);
    let signed_in = site.ask(
        "/jwt/hub/?q=secret-query",
        &format!("Authorization: Bearer {token}\r\n"),
    );
    let cookie = field(&signed_in, "set-cookie").split(';').next().unwrap();
    assert!(cookie.contains('='), "{signed_in}");
    site.ask(
        "/jwt/app&qlik-csrf-token=secret-csrf",
        &format!("Cookie: {cookie}\r\n"),
    );
    let served = site.recent(&FeedFilter {
        user: Some(("example".into(), "boz".into())),
        outcome: Some(FeedOutcome::Served),
        ..FeedFilter::default()
    });
    let [by_token, by_cookie] = &*served else {
        panic!("{served:?}");
    };
    assert_eq!(&*by_token.path, "/jwt/hub/");
    assert_eq!(by_token.virtual_proxy, Some((VIRTUAL_PROXY, "jwt".into())));
    assert_eq!((by_token.status, &*by_token.user_agent), (200, "agent/1"));
    assert_eq!(by_token.node.as_deref(), Some("Central"));
    assert!(by_token.session.is_some() && by_token.session == by_cookie.session);
    assert!(
        by_token
            .waiting
            .is_some_and(|waiting| waiting <= by_token.total)
    );
    let phases: Vec<_> = by_token.phases.reached().collect();
    assert!(phases.is_sorted_by_key(|(_, began)| *began), "{phases:?}");
    assert_eq!(phases.first(), Some(&(Phase::Sanitize, 0)));
    assert_eq!(phases.last().map(|last| last.0), Some(Phase::Respond));
    let kept = by_token.token.as_ref().unwrap();
    assert!(
        kept.key_fingerprint
            .as_ref()
            .is_some_and(|key| key.len() == 64)
    );
    let shown: Value = serde_json::from_str(kept.claims.as_ref().unwrap()).unwrap();
    assert_eq!(
        (&shown["userId"], &shown["mail"]),
        (&json!("boz"), &json!("***"))
    );
    assert_eq!(by_cookie.token, None);
    assert_eq!(&*by_cookie.path, "/jwt/app");
    let everything = format!("{served:?}");
    let signature = token.rsplit('.').next().unwrap();
    let secret = cookie.split_once('=').unwrap().1;
    for never in [
        signature,
        secret,
        "secret-query",
        "secret-csrf",
        "b@example.com",
    ] {
        assert!(!everything.contains(never), "{never}: {everything}");
    }
    site.stop();
}

#[test]
fn a_refusal_is_found_by_its_reference_with_what_the_token_said() {
    let site = Site::start();
    let claims = json!({"userId": "boz", "userDirectory": "example", "mail": "x@y", "exp": 1000});
    let token = site.token(&claims);
    let answer = site.ask("/jwt/hub/", &format!("Authorization: Bearer {token}\r\n"));
    let reference = answer.split("reference: ").nth(1).unwrap().trim();
    site.ask("/jwt/hub/", "Authorization: Bearer a.b.c\r\n");
    site.ask("/nobody/hub/", "");
    let found = site.recent(&FeedFilter {
        reference: Some(reference.to_owned()),
        ..FeedFilter::default()
    });
    let [refused] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(refused.reason, Some(Reason::TokenExpired));
    assert_eq!((refused.status, refused.phase), (401, Phase::Identify));
    assert!(refused.detail.is_some() && refused.user.is_none());
    let kept = refused.token.as_ref().unwrap();
    assert!(
        kept.key_fingerprint.is_none(),
        "a refused token proves nothing"
    );
    let shown: Value = serde_json::from_str(kept.claims.as_ref().unwrap()).unwrap();
    assert_eq!(
        (&shown["exp"], &shown["mail"]),
        (&json!(1000), &json!("***"))
    );
    let all = site.recent(&FeedFilter::default());
    assert_eq!(all.len(), 3);
    assert!(all[1].token.is_none(), "nothing of it can be read");
    assert_eq!(all[2].reason, Some(Reason::PrefixUnknown));
    assert_eq!(all[2].virtual_proxy, None);
    let signature = token.rsplit('.').next().unwrap();
    assert!(!format!("{all:?}").contains(signature));
    site.stop();
}
