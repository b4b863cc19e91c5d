//! One published key set: fetched in the background, again and again.
//!
//! Each source has one task, so there is never more than one fetch under way. It fetches when the
//! key set is no longer fresh, after a pause that doubles when that fails, and when a token asks for
//! it ([`Source::next_fetch`]): a token with a key id that the key set lacks may be the first one
//! after a rotation.
//!
//! Anybody can make up key ids. So that a flood of them neither moves the issuer's load nor keeps the
//! one honest token waiting that is among them:
//! - A fetch that was asked for begins no sooner than a *spacing* after the one before it began. The
//!   spacing is a second; it doubles up to four while such fetches are in vain. Nobody who asks can
//!   make it shorter or longer than that, and at most 15 fetches a minute come of it.
//! - A request with an unknown key id waits for a fetch that *began after the request came*, so it
//!   sees what the issuer published before it signed. The longest spacing is shorter than the
//!   patience of a request: an honest token is accepted, flood or not.
//! - A key id that such a fetch did not find is refused at once for ten seconds, without a wait or a
//!   fetch, so that a client with an outdated token cannot keep the issuer busy.

mod obtain;
mod schedule;
mod vain;

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;
use jotgate_token::KeySet;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock;
use crate::fetch::{FetchError, Fetched, Fetcher, Location, MAX_KEY_SET, WrittenHosts};
use crate::state::{KeyOrigin, KeyState, SourceEvent, SourceState};
use obtain::Obtained;
use schedule::Schedule;
pub(crate) use vain::KidHash;
use vain::VainKids;

/// What tells a source from another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A key set at this address.
    Jwks(Arc<str>),
    /// The key set that the discovery document of this issuer names.
    Discovery(Arc<str>),
}

/// A published key set.
pub(crate) struct Source {
    target: Target,
    fetcher: Arc<Fetcher>,
    keys: Mutex<KeySet>,
    told: Mutex<Told>,
    vain: Mutex<VainKids>,
    progress: watch::Sender<Progress>,
    /// When the latest request came that asks for a fetch.
    demand: watch::Sender<Option<Instant>>,
}

/// What happened last, for those who wait.
#[derive(Clone, Copy, Default)]
struct Progress {
    running: bool,
    finished: u64,
    /// When the last fetch that finished had begun.
    last_began: Option<Instant>,
    last_succeeded: bool,
    ever_succeeded: bool,
}

/// What happened last, for people.
#[derive(Clone, Default)]
struct Told {
    last_fetch: Option<UnixTime>,
    last_success: Option<UnixTime>,
    last_error: Option<Box<str>>,
    next_fetch: Option<UnixTime>,
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A fetch finished; there may be other keys.
    Finished,
    /// It took too long.
    TooLong,
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Jwks(name) | Self::Discovery(name) => name,
        }
    }
}

impl Source {
    pub(crate) fn new(target: Target, fetcher: Arc<Fetcher>) -> Self {
        Self {
            target,
            fetcher,
            keys: Mutex::new(KeySet::empty()),
            told: Mutex::default(),
            vain: Mutex::default(),
            progress: watch::Sender::default(),
            demand: watch::Sender::default(),
        }
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// The last good key set; empty before the first.
    pub(crate) fn keys(&self) -> KeySet {
        self.keys.lock().clone()
    }

    /// Whether there ever was a good key set.
    pub(crate) fn has_answered(&self) -> bool {
        self.progress.borrow().ever_succeeded
    }

    /// What went wrong the last time.
    pub(crate) fn last_error(&self) -> Option<Box<str>> {
        self.told.lock().last_error.clone()
    }

    /// Whether a fetch could tell more about a token that came at `came` with an unknown key id: no
    /// fetch that began after it has finished, and the key id was not looked up in vain.
    pub(crate) fn may_know_more(&self, kid: KidHash, came: Instant) -> bool {
        let seen = self
            .progress
            .borrow()
            .last_began
            .is_some_and(|began| began >= came);
        !seen && !self.vain.lock().contains(kid, Instant::now())
    }

    /// Notes that the last fetch did not find the key of a token that came before it began.
    pub(crate) fn note_vain(&self, kid: KidHash) {
        if self.progress.borrow().last_succeeded {
            let now = Instant::now();
            let until = now + self.fetcher.timings.vain;
            self.vain.lock().insert(kid, until, now);
        }
    }

    /// Waits until the fetch that is under way has finished, or else asks for one and waits for that.
    /// A fetch that began before `came` may finish first: then the caller looks, and comes again.
    pub(crate) async fn next_fetch(&self, came: Instant, deadline: Instant) -> Waited {
        let mut progress = self.progress.subscribe();
        let now = *progress.borrow_and_update();
        if now.last_began.is_some_and(|began| began >= came) {
            return Waited::Finished;
        }
        if !now.running {
            self.demand.send_if_modified(|demand| {
                let later = demand.is_none_or(|demand| demand < came);
                if later {
                    *demand = Some(came);
                }
                later
            });
        }
        let finished = progress.wait_for(|progress| progress.finished > now.finished);
        match timeout_at(deadline, finished).await {
            Ok(Ok(_)) => Waited::Finished,
            Ok(Err(_)) | Err(_) => Waited::TooLong,
        }
    }

    /// Fetches for ever. `changed` is called when the key set is another one than before, and has
    /// returned before those who wait look again; `observe` after every fetch.
    pub(crate) async fn run(
        self: Arc<Self>,
        changed: impl Fn(),
        observe: impl Fn(&SourceEvent<'_>),
    ) {
        let mut demand = self.demand.subscribe();
        let mut schedule = Schedule::new(self.fetcher.timings);
        let mut known = Discovered::default();
        loop {
            let began = Instant::now();
            let asked = demand
                .borrow_and_update()
                .is_some_and(|at| Some(at) > schedule.last_began());
            self.progress
                .send_modify(|progress| progress.running = true);
            let result = self.obtain(&mut known, asked).await;
            let age = result.as_ref().map_or(Duration::ZERO, |had| had.age);
            // As if it had been fetched here: a token that came since then may know of a newer key.
            let began = began.checked_sub(age).unwrap_or(began);
            let is_shared = result.as_ref().is_ok_and(|had| had.is_shared);
            if is_shared {
                // Whoever is not content with it asks again.
                self.demand.send_replace(None);
            }
            let (outcome, fresh_for) = self.take(result);
            let is_new = outcome == "changed";
            if is_new {
                changed();
            }
            let outcome = if is_shared { "shared" } else { outcome };
            let due = schedule.after(began, asked, is_new, fresh_for, random());
            self.finish(began, due, fresh_for.is_ok());
            self.report(outcome, &observe);
            // A token that came before this fetch began has its answer.
            let asked = tokio::select! {
                () = sleep_until(due) => false,
                wanted = demand.wait_for(|at| at.is_some_and(|at| at > began)) => wanted.is_ok(),
            };
            if asked {
                sleep_until(began + schedule.spacing()).await;
            }
        }
    }

    /// The state, for people. `virtual_proxies` are those that use it.
    pub(crate) fn state(&self) -> SourceState {
        let told = self.told.lock().clone();
        let keys = self.keys();
        SourceState {
            origin: match &self.target {
                Target::Jwks(address) => KeyOrigin::Jwks(address.clone()),
                Target::Discovery(issuer) => KeyOrigin::Discovery(issuer.clone()),
            },
            virtual_proxies: Vec::new(),
            last_fetch: told.last_fetch,
            last_success: told.last_success,
            last_error: told.last_error,
            next_fetch: told.next_fetch,
            keys: keys.keys().iter().map(KeyState::of).collect(),
            skipped: keys.skipped().iter().map(ToString::to_string).collect(),
        }
    }

    /// Fetches the key set, and keeps nothing of it.
    pub(crate) async fn fetch_once(&self) -> Result<KeySet, FetchError> {
        let fetched = self.fetch(&mut Discovered::default()).await?;
        Ok(KeySet::from_jwks(&fetched.body)?)
    }

    /// Fetches the key set once.
    async fn fetch(&self, known: &mut Discovered) -> Result<Fetched, FetchError> {
        let issuer = match &self.target {
            Target::Discovery(issuer) => issuer,
            Target::Jwks(address) => {
                let location = Location::parse(address)?;
                let written = WrittenHosts::of(&location);
                return self.fetch_from(&location, &written).await;
            }
        };
        let written = WrittenHosts::of(&Location::parse(issuer)?);
        if let Some(location) = known.fresh() {
            let fetched = self.fetch_from(&location, &written).await;
            if fetched.is_ok() {
                return fetched;
            }
            // The issuer may have moved its keys.
        }
        let location = known.discover(issuer, &written, &self.fetcher).await?;
        self.fetch_from(&location, &written).await
    }

    async fn fetch_from(
        &self,
        location: &Location,
        written: &WrittenHosts,
    ) -> Result<Fetched, FetchError> {
        let fetched = self.fetcher.get(location, written, MAX_KEY_SET).await?;
        KeySet::from_jwks(&fetched.body)?;
        Ok(fetched)
    }

    /// Takes a fetched key set over, or notes why there is none. Gives the outcome for metrics, and
    /// how long the key set is fresh.
    fn take(
        &self,
        result: Result<Obtained, FetchError>,
    ) -> (&'static str, Result<Option<Duration>, ()>) {
        let age = result.as_ref().map_or(0, |had| had.age.as_secs());
        let now = clock::now().plus(-i64::try_from(age).unwrap_or_default());
        let name = self.target.name();
        let mut told = self.told.lock();
        told.last_fetch = Some(now);
        match result {
            Ok(Obtained {
                keys, fresh_for, ..
            }) => {
                if told.last_error.take().is_some() {
                    tracing::info!(source = name, "the key set can be fetched again");
                }
                told.last_success = Some(now);
                let mut current = self.keys.lock();
                let changed = !same_keys(&current, &keys);
                if changed {
                    let kids: Vec<_> = keys.keys().iter().filter_map(|key| key.kid()).collect();
                    tracing::info!(source = name, count = keys.keys().len(), ?kids, "new keys");
                    for skipped in keys.skipped() {
                        tracing::warn!(source = name, "{skipped}; the key is not used");
                    }
                }
                *current = keys;
                (if changed { "changed" } else { "unchanged" }, Ok(fresh_for))
            }
            Err(error) => {
                let what = match self.target {
                    Target::Jwks(_) => "the key set at",
                    Target::Discovery(_) => "the key set of",
                };
                let sentence = format!("{what} {name} {error}");
                if told.last_error.as_deref() != Some(&*sentence) {
                    tracing::warn!(
                        source = name,
                        "{sentence}; the keys known so far stay in use"
                    );
                }
                told.last_error = Some(sentence.into());
                (error.outcome(), Err(()))
            }
        }
    }

    fn finish(&self, began: Instant, due: Instant, succeeded: bool) {
        let pause = due.saturating_duration_since(Instant::now()).as_secs();
        let next = clock::now().plus(i64::try_from(pause).unwrap_or(i64::MAX));
        self.told.lock().next_fetch = Some(next);
        self.progress.send_modify(|progress| {
            progress.running = false;
            progress.finished += 1;
            progress.last_began = Some(began);
            progress.last_succeeded = succeeded;
            progress.ever_succeeded |= succeeded;
        });
    }

    fn report(&self, outcome: &'static str, observe: &impl Fn(&SourceEvent<'_>)) {
        let last_success = self.told.lock().last_success;
        observe(&SourceEvent::Fetched {
            source: self.target.name(),
            outcome,
            last_success,
            keys: self.keys.lock().keys().len(),
        });
    }
}

/// Where the keys of an issuer are, as long as that is fresh.
#[derive(Default)]
struct Discovered(Option<(Location, Instant)>);

impl Discovered {
    fn fresh(&self) -> Option<Location> {
        let (location, until) = self.0.as_ref()?;
        (Instant::now() < *until).then(|| location.clone())
    }

    async fn discover(
        &mut self,
        issuer: &str,
        written: &WrittenHosts,
        fetcher: &Fetcher,
    ) -> Result<Location, FetchError> {
        self.0 = None;
        let (location, document) = fetcher.discover(issuer, written).await?;
        let fresh_for = fetcher.timings.fresh_for(document.fresh_for);
        self.0 = Some((location.clone(), Instant::now() + fresh_for));
        Ok(location)
    }
}

fn same_keys(a: &KeySet, b: &KeySet) -> bool {
    let names = |set: &KeySet| -> Vec<_> {
        let keys = set.keys().iter();
        keys.map(|key| {
            let kid = key.kid().map(str::to_owned);
            (kid, key.fingerprint().to_owned(), key.only_algorithm())
        })
        .collect()
    };
    names(a) == names(b)
}

/// A number from 0 to 1, so that gateways that started together do not fetch together.
fn random() -> f64 {
    let mut bytes = [0; 2];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX),
        Err(_) => 0.5,
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
