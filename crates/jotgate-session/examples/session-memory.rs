//! What a million sessions cost: memory for each, and time for a lookup.
//!
//!     cargo run --release -p jotgate-session --example session-memory [-- SESSIONS [JOURNAL]]
//!
//! Prints figures and judges nothing. With the path of a new journal it also shows how fast
//! sessions are written to disk and read back. Linux only: it asks /proc for its memory.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use futures_util::future::join_all;
use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{NewSession, SessionKey, SessionSecret, Sessions};
use uuid::Uuid;

/// The allocator of the jotgate binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: UnixTime = UnixTime(1_800_000_000);
const LOOKUPS: usize = 4_000_000;

/// How many sign in at the same time.
const AT_ONCE: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let journal = arguments.next();
    let store = match &journal {
        Some(path) => Sessions::open(Path::new(path), NOW).await?,
        None => Sessions::in_memory(),
    };
    let mut keys = vec![SessionKey::from_bytes([1; 32]); count];

    let before = resident_bytes()?;
    let begin = Instant::now();
    for (chunk, keys) in keys.chunks_mut(AT_ONCE).enumerate() {
        let first = chunk * AT_ONCE;
        let create = |i| store.create(new_session(first + i));
        let created = join_all((0..keys.len()).map(create)).await;
        for (key, created) in keys.iter_mut().zip(created) {
            *key = created?.1.key();
        }
    }
    let creation = begin.elapsed().as_nanos() / count as u128;
    let bytes = (resident_bytes()? - before) / count;
    println!(
        "{count} sessions with four attributes: {bytes} bytes each, created in {creation} ns each"
    );

    time_lookups(&store, &keys)?;
    if let Some(path) = journal {
        store.close().await?;
        drop(store);
        let begin = Instant::now();
        let store = Sessions::open(Path::new(&path), NOW).await?;
        println!(
            "read back {} sessions in {:?}",
            store.len(),
            begin.elapsed()
        );
    }
    Ok(())
}

fn time_lookups(store: &Sessions, keys: &[SessionKey]) -> Result<(), Box<dyn std::error::Error>> {
    // Steps by a large prime: no two lookups in a row are near each other.
    let order = (0..LOOKUPS).map(|i| (i * 7_368_787) % keys.len());
    let order: Vec<_> = order.filter_map(|i| keys.get(i)).collect();
    let begin = Instant::now();
    for key in &order {
        black_box(store.find(key).ok_or("a session is missing")?);
    }
    let per_lookup = begin.elapsed().as_nanos() / order.len() as u128;
    println!("lookup by key, random order: {per_lookup} ns");

    let begin = Instant::now();
    for key in &order {
        let session = store.find(key).ok_or("a session is missing")?;
        session.touch(NOW.plus(1));
        black_box((session.ended(), session.user_id().len()));
    }
    let per_use = begin.elapsed().as_nanos() / order.len() as u128;
    println!("lookup, touch, read the user: {per_use} ns");

    let secret = SessionSecret::generate();
    let begin = Instant::now();
    for _ in 0..LOOKUPS {
        black_box(SessionKey::from_cookie(black_box(
            secret.expose().as_bytes(),
        )));
    }
    let per_key = begin.elapsed().as_nanos() / LOOKUPS as u128;
    println!("key of a cookie (SHA-256): {per_key} ns");
    Ok(())
}

/// Sign-ins as a portal sees them: everybody is somebody else, from elsewhere, with one of a few
/// hundred browsers.
fn new_session(i: usize) -> NewSession {
    let (a, b, c) = (i / 65_536 % 256, i / 256 % 256, i % 256);
    NewSession {
        virtual_proxy: Uuid::from_u128(0x11),
        identity: Identity {
            user: User::new("example", format!("user{i:07}")),
            attributes: vec![
                ("name".into(), format!("Given Family {i}").into()),
                ("email".into(), format!("user{i:07}@example.com").into()),
                ("Group".into(), "sales".into()),
                ("Group".into(), "finance".into()),
            ],
        },
        now: NOW,
        expires: Some(NOW.plus(36_000)),
        key_fingerprint: Some([7; 32]),
        token_issued: Some(NOW.plus(-1)),
        client_address: format!("10.{a}.{b}.{c}").into(),
        user_agent: format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/{}.0.0.0 Safari/537.36",
            i % 300
        )
        .into(),
        secret: None,
        max_per_user: Some(5),
        rules: SessionRules {
            inactivity: 1800,
            max_lifetime: None,
            ends_with_token: false,
            max_per_user: Some(5),
        },
    }
}

fn resident_bytes() -> Result<usize, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes
        .ok_or("no VmRSS in /proc/self/status")?
        .parse::<usize>()?
        * 1024)
}
