//! A site to try the use cases on.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use jotgate_model::entity::{
    AuthenticationMethod, ProxyService, ServerNodeConfiguration, ServiceConfig, VirtualProxyConfig,
};
use jotgate_model::{
    ActorKind, FieldErrors, Identity, SessionRules, Snapshot, Timestamp, UnixTime, User,
};
use jotgate_observe::{Feed, FeedLimits, History, Metrics};
use jotgate_repository::{AuditHead, AuditKey, AuditTrail, Repository, Stored};
use jotgate_session::{NewSession, Sessions};
use uuid::Uuid;

use crate::{Actor, KeySet, LiveSide, ManageError, Management, NewSite, Privilege};

pub(crate) struct Site {
    directory: Arc<tempfile::TempDir>,
    pub(crate) path: PathBuf,
    pub(crate) management: Management,
    pub(crate) repository: Repository,
    pub(crate) sessions: Sessions,
    /// The revisions that were published, in order.
    pub(crate) published: Arc<Mutex<Vec<u64>>>,
}

pub(crate) async fn site() -> Site {
    site_in(Arc::new(tempfile::tempdir().unwrap())).await
}

async fn site_in(directory: Arc<tempfile::TempDir>) -> Site {
    let path = directory.path().join("jotgate.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    let trail = AuditTrail::begin(
        AuditKey::new(&[7; 32]),
        &directory.path().join("head"),
        &AuditHead::BEGINNING,
    );
    let repository = repository.with_audit(trail.unwrap());
    let sessions = Sessions::in_memory();
    let published = Arc::new(Mutex::new(Vec::new()));
    let list = published.clone();
    let publish = move |snapshot: Arc<Snapshot>| list.lock().unwrap().push(snapshot.revision);
    let started = Management::start(repository.clone(), sessions.clone(), publish, new_site());
    Site {
        management: started.await.unwrap(),
        directory,
        path,
        repository,
        sessions,
        published,
    }
}

impl Site {
    /// Another process at the same database, which has sessions of its own and saves nothing.
    pub(crate) async fn neighbour(&self) -> Self {
        site_in(self.directory.clone()).await
    }

    /// What is stored, read by somebody else.
    pub(crate) async fn stored(&self) -> Stored {
        let other = Repository::open_sqlite(&self.path).await.unwrap();
        other.load().await.unwrap()
    }

    /// Asserts that nothing was stored or published after `revision`.
    pub(crate) async fn assert_unchanged_since(&self, revision: u64) {
        assert_eq!(self.stored().await.revision, revision);
        assert_eq!(self.management.snapshot().revision, revision);
        assert_eq!(self.published.lock().unwrap().last(), Some(&revision));
    }

    pub(crate) async fn create(&self, prefix: &str) -> Arc<VirtualProxyConfig> {
        let created = self
            .management
            .create_virtual_proxy(root(), draft(prefix), at(1));
        created.await.unwrap()
    }

    pub(crate) fn default_virtual_proxy(&self) -> Arc<VirtualProxyConfig> {
        let snapshot = self.management.snapshot();
        let mut all = snapshot.documents.virtual_proxies.values();
        all.find(|vp| vp.default_virtual_proxy).unwrap().clone()
    }

    pub(crate) fn proxy(&self) -> ProxyService {
        let snapshot = self.management.snapshot();
        ProxyService::clone(&snapshot.documents.proxy_services[&snapshot.proxy_id])
    }

    pub(crate) fn central(&self) -> ServerNodeConfiguration {
        let snapshot = self.management.snapshot();
        let mut nodes = snapshot.documents.nodes.values();
        let node = nodes.find(|node| node.is_central).unwrap();
        ServerNodeConfiguration::clone(node)
    }
}

pub(crate) fn new_site() -> NewSite {
    NewSite {
        host_name: "gateway.example.com".to_owned(),
        node_services: vec![ServiceConfig {
            path: "/".to_owned(),
            uri: "http://127.0.0.1:9000".to_owned(),
            ..Default::default()
        }],
        now: at(0),
        proxy: None,
    }
}

/// A time in seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

pub(crate) fn root() -> &'static Actor {
    static ROOT: LazyLock<Actor> = LazyLock::new(|| actor("root", Privilege::RootAdmin));
    &ROOT
}

pub(crate) fn security() -> &'static Actor {
    static SECURITY: LazyLock<Actor> =
        LazyLock::new(|| actor("security", Privilege::SecurityAdmin));
    &SECURITY
}

pub(crate) fn auditor() -> &'static Actor {
    static AUDITOR: LazyLock<Actor> = LazyLock::new(|| actor("auditor", Privilege::AuditAdmin));
    &AUDITOR
}

fn actor(name: &str, privilege: Privilege) -> Actor {
    Actor {
        name: format!("LAB\\{name}"),
        kind: ActorKind::User,
        source: "console".to_owned(),
        privilege,
    }
}

/// A JWT virtual proxy that could be linked.
pub(crate) fn draft(prefix: &str) -> VirtualProxyConfig {
    VirtualProxyConfig {
        prefix: prefix.to_owned(),
        description: format!("The {prefix}"),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        authentication_method: AuthenticationMethod::JWT,
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_public_key_certificate: PUBLIC_KEY_2048.to_owned(),
        ..Default::default()
    }
}

/// A session that a token of today opens: nothing ends it before its time.
pub(crate) fn new_session(virtual_proxy: Uuid, user: User) -> NewSession {
    NewSession {
        virtual_proxy,
        identity: Identity {
            user,
            attributes: Vec::new(),
        },
        now: UnixTime(at(0).as_millis() / 1000),
        expires: None,
        key_fingerprint: None,
        token_issued: None,
        client_address: "127.0.0.1".into(),
        user_agent: "test".into(),
        secret: None,
        max_per_user: None,
        rules: SessionRules {
            inactivity: 1800,
            max_lifetime: None,
            ends_with_token: false,
            max_per_user: None,
        },
    }
}

/// The fingerprint of the only key in a PEM text.
pub(crate) fn fingerprint(pem: &str) -> [u8; 32] {
    fingerprint_of(KeySet::from_pem(pem).unwrap().keys()[0].fingerprint())
}

/// A fingerprint from its 64 digits.
pub(crate) fn fingerprint_of(digits: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, ManageError>) -> FieldErrors {
    match result {
        Err(ManageError::Invalid(errors)) => errors,
        other => panic!("expected field errors, found {other:?}"),
    }
}

pub(crate) fn forbidden<T: std::fmt::Debug>(result: Result<T, ManageError>) -> String {
    match result {
        Err(ManageError::Forbidden(sentence)) => sentence,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

pub(crate) const PUBLIC_KEY_2048: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAseZq8+I1MR/Ibj6GQxj0
DZLDa85JOYaiRfT+uYlm2/TKOq/SYfZC33PymvWenjXhJ8IzWNC2Hl3aHLi+1xX4
bI9zVnbYQ5np8bUWzo84Pnxso2suF4dopiJW0b1j9J2lbQZEamezH+EbtGRulEzZ
9hQfDOw697LZdcJpuMSMc7xyFymlSG0W3og02f4l3+G/ufRbtllAPM3cYd4aKjSx
UapQpqw2JIMvXwQds1Z15mIk+JikRaxVMyB5gKz6nbILcEFTeq3bkHVddW1Zms6n
Hmk7oIcPqahoCtqxkO2F8JUR5fwulSgQ+gGdWmq/TIOWJFd0dFDBrr0mP5kwfR3b
GwIDAQAB
-----END PUBLIC KEY-----
";

pub(crate) const PUBLIC_KEY_1024: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDAU9Ux9+vAfb5CSbb4Y8zzFzVA
XaHpMpZ/ubcDy3p/V4o4QE/Suou9Notp5/NlLoKg42hJSJKj8Z9BiaI65wBbd195
htNDA/3QfY7OtJGQ9Xp5XPClNwxc4S7OkXQukluE1jn+2Jn6MiJ3ILduGyyAcaGz
fAQ4OTVL558LekGO3QIDAQAB
-----END PUBLIC KEY-----
";

/// A request path on which nothing happens.
pub(crate) fn quiet_side() -> LiveSide {
    let limits = FeedLimits {
        entries: 100,
        bytes: 1 << 20,
    };
    LiveSide {
        feed: Feed::new(limits, 1),
        history: History::new(Metrics::default()),
        backends: Box::new(Vec::new),
        probe: Box::new(|_| Box::pin(std::future::pending())),
        try_backend: Box::new(|_, _| Box::pin(std::future::pending())),
    }
}
