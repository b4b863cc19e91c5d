//! Prints what the preview of a swapped key takes with a million sessions, and what it does to requests,
//! which look their sessions up meanwhile.
//!
//! `cargo run --release -p jotgate-manage --example preview-cost [SESSIONS]`.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jotgate_manage::{
    Actor, ActorKind, Draft, DraftContent, Edit, KeySet, Kind, Management, NewSite, Privilege,
    Repository, Sessions,
};
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{Identity, SessionRules, Timestamp, UnixTime, User, Uuid};
use jotgate_session::{NewSession, SessionKey};
use serde_json::json;

const NOW: UnixTime = UnixTime(1_800_000_000);
/// How long look-ups are watched without a preview.
const QUIET: Duration = Duration::from_secs(1);
/// How many sessions the look-ups go round.
const LOOKED_UP: usize = 1000;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let count = std::env::args().nth(1).unwrap_or("1000000".to_owned());
    let count: usize = count.parse()?;
    let directory = tempfile::tempdir()?;
    let repository = Repository::open_sqlite(&directory.path().join("preview.db")).await?;
    let sessions = Sessions::in_memory();
    let site = NewSite {
        host_name: "gateway.example.com".to_owned(),
        node_services: Vec::new(),
        proxy: None,
        now: NOW.into(),
    };
    let management = Management::start(repository, sessions.clone(), |_| {}, site).await?;
    let [old, new] = [public_key()?, public_key()?];
    let vp = VirtualProxyConfig {
        prefix: "jwt".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_algorithms: vec!["ES256".to_owned()],
        jwt_public_key_certificate: old.clone() + &new,
        ..Default::default()
    };
    let root = root();
    let vp = management
        .create_virtual_proxy(&root, vp, NOW.into())
        .await?;
    let id = vp.metadata.id;
    let fingerprints = [fingerprint(&old)?, fingerprint(&new)?];
    let mut keys = Vec::new();
    for number in 0..count {
        let opened = sessions.create(session(id, number, fingerprints[number % 2]));
        let (secret, _) = opened.await?;
        if keys.len() < LOOKED_UP {
            keys.push(secret.key());
        }
    }
    let properties = json!({"jwtPublicKeyCertificate": new});
    let edit = Edit::Put {
        kind: Kind::VirtualProxy,
        id: Some(id),
        properties: properties.as_object().cloned().unwrap_or_default(),
    };
    let draft = Draft {
        base: None,
        content: DraftContent::Edits(vec![edit]),
    };
    let quiet = worst_look_up(&sessions, &keys, async { tokio::time::sleep(QUIET).await }).await;
    println!("a look-up takes at most {:?} without a preview", quiet.1);
    let now: Timestamp = NOW.plus(60).into();
    for _ in 0..3 {
        let began = Instant::now();
        let previewing = management.preview_draft(&root, &draft, true, usize::MAX, now);
        let (preview, worst) = worst_look_up(&sessions, &keys, previewing).await;
        let effects = preview?.sessions;
        println!(
            "{} sessions, of which {} would end: {:?}; a look-up meanwhile takes at most {worst:?}",
            effects.looked_at,
            effects.affected,
            began.elapsed()
        );
    }
    Ok(())
}

/// Looks sessions up, as requests do, while `work` is done; the longest that one took.
async fn worst_look_up<T>(
    sessions: &Sessions,
    keys: &[SessionKey],
    work: impl Future<Output = T>,
) -> (T, Duration) {
    let done = Arc::new(AtomicBool::new(false));
    let (ended, sessions, keys) = (done.clone(), sessions.clone(), keys.to_vec());
    let looking = thread::spawn(move || {
        let mut worst = Duration::ZERO;
        while !ended.load(Ordering::Relaxed) {
            for key in &keys {
                let began = Instant::now();
                drop(sessions.find(key));
                worst = worst.max(began.elapsed());
            }
        }
        worst
    });
    let found = work.await;
    done.store(true, Ordering::Relaxed);
    (found, looking.join().unwrap_or_default())
}

fn session(vp: Uuid, number: usize, key: [u8; 32]) -> NewSession {
    NewSession {
        virtual_proxy: vp,
        identity: Identity {
            user: User::new("LAB", format!("user{number}")),
            attributes: Vec::new(),
        },
        now: NOW,
        expires: None,
        key_fingerprint: Some(key),
        token_issued: None,
        client_address: "192.0.2.7".into(),
        user_agent: "example".into(),
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

fn public_key() -> Result<String, Failure> {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    Ok(pair.public_key_pem())
}

fn fingerprint(pem: &str) -> Result<[u8; 32], Failure> {
    let keys = KeySet::from_pem(pem)?;
    let digits = keys.keys().first().ok_or("no key")?.fingerprint();
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16)?;
    }
    Ok(bytes)
}

fn root() -> Actor {
    Actor {
        name: r"LAB\root".to_owned(),
        kind: ActorKind::User,
        source: "this machine".to_owned(),
        privilege: Privilege::RootAdmin,
    }
}
