//! The gateway under test, its backend, and who talks to it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jotgate_scenarios::{
    Backend, Client, Cookie, Folder, Gateway, Keys, Reply, Signal, VirtualProxy,
};
use rcgen::{CertificateParams, KeyPair};

/// A gateway with one virtual proxy, and a certificate that changes.
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) backend: Backend,
    pub(crate) virtual_proxy: VirtualProxy,
    /// Whoever behaves.
    pub(crate) client: Client,
    /// Whoever does not: another address.
    pub(crate) abuser: Client,
    pairs: [Pair; 2],
    tokens: Vec<String>,
    number: AtomicU64,
}

/// How many users there are: far more than have a session at a time, and few enough for the gateway to
/// know all of their tokens soon, which is memory that it may keep.
const USERS: usize = 1000;

struct Pair {
    certificate: String,
    key: String,
}

impl Site {
    /// Starts it.
    pub(crate) async fn new() -> Self {
        let folder = Arc::new(Folder::of_a_new_site("serve"));
        let pairs = [pair(), pair()];
        let trusted = folder.path().join("trusted");
        fs::create_dir(&trusted).expect("a folder");
        let both = format!("{}{}", pairs[0].certificate, pairs[1].certificate);
        fs::write(trusted.join("root.pem"), both).expect("a file");
        install(&folder, &pairs[0]);
        let text = |name: &str| folder.path().join(name).display().to_string();
        let gateway = Gateway::serve()
            .folder(folder.clone())
            .setting("--tls-certificate", text("served.pem"))
            .setting("--tls-key", text("served_key.pem"))
            .setting("--header-timeout", "5s")
            .setting("--body-timeout", "5s")
            .setting("--idle-timeout", "10s")
            .await;
        let backend = Backend::answering(|received| match received.target().as_str() {
            "/slow" => Reply::text("slow").after(Duration::from_secs(1)),
            _ if received.is_upgrade() => Reply::web_socket_echo(),
            _ => Reply::text("hello"),
        })
        .await;
        let virtual_proxy = gateway
            .qrs()
            .jwt_virtual_proxy("jwt", Keys::first(), &backend)
            .await;
        let client = Client::tls(gateway.listeners().gateway[0], &trusted);
        Self {
            abuser: client.clone().from("127.0.0.2"),
            client,
            gateway,
            backend,
            virtual_proxy,
            pairs,
            tokens: (0..USERS).map(token).collect(),
            number: AtomicU64::new(0),
        }
    }

    /// A number that nobody else has.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// A session of a user who has none.
    pub(crate) async fn sign_in(&self) -> Cookie {
        let turn = usize::try_from(self.number()).expect("a number");
        let token = &self.tokens[turn % self.tokens.len()];
        let answer = self.client.get("/jwt/hub/").bearer(token).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.cookie()
    }

    /// Ends the session.
    pub(crate) async fn sign_out(&self, cookie: &Cookie) {
        let request = self.client.request("DELETE", "/jwt/qps/user");
        assert_eq!(request.cookie(cookie).send().await.status, 204);
    }

    /// Puts one of the two certificates in place, and tells the gateway.
    pub(crate) fn change_certificate(&self) {
        let which = usize::from(self.number().is_multiple_of(2));
        install(self.gateway.folder(), &self.pairs[which]);
        self.gateway.signal(Signal::HUP);
    }
}

fn token(number: usize) -> String {
    let token = Keys::first().token().without("exp");
    token.user("example", &format!("user{number}")).sign()
}

/// The key comes first, as a careful tool does it.
fn install(folder: &Folder, pair: &Pair) {
    for (name, text) in [
        ("served_key.pem", &pair.key),
        ("served.pem", &pair.certificate),
    ] {
        let unfinished = folder.path().join("unfinished");
        fs::write(&unfinished, text).expect("a file");
        fs::rename(&unfinished, folder.path().join(name)).expect("in its place");
    }
}

fn pair() -> Pair {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    Pair {
        certificate: params.self_signed(&key).expect("a certificate").pem(),
        key: key.serialize_pem(),
    }
}
