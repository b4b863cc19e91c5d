//! The gateway: the built binary on ports of its own, with a data directory of its own.

mod folder;
pub(crate) mod process;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde::Deserialize;
use serde_json::Value;

pub use self::folder::Folder;
use self::process::{Ended, Process};
use crate::{Client, PATIENCE, Qrs, eventually};

/// A running gateway. It is killed when this is dropped.
pub struct Gateway {
    process: Process,
    folder: Arc<Folder>,
    listeners: Listeners,
    builder: GatewayBuilder,
}

/// The addresses in `run/listeners.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listeners {
    /// HTTPS.
    pub gateway: Vec<SocketAddr>,
    /// Plain HTTP.
    pub gateway_http: Vec<SocketAddr>,
    /// QRS.
    pub qrs: SocketAddr,
    /// QPS.
    pub qps: SocketAddr,
    /// Health and metrics.
    pub observe: SocketAddr,
}

impl Gateway {
    /// `jotgate serve` on the data directory of a new site: `Gateway::serve().await`.
    pub fn serve() -> GatewayBuilder {
        GatewayBuilder::new("serve")
    }

    /// `jotgate demo`.
    pub fn demo() -> GatewayBuilder {
        GatewayBuilder::new("demo")
    }

    /// A client of the gateway over TLS.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::tls(self.listeners.gateway[0], &self.certificates())
    }

    /// A client of the gateway over plain HTTP.
    #[must_use]
    pub fn plain_client(&self) -> Client {
        Client::plain(self.listeners.gateway_http[0])
    }

    /// The administrator's client.
    #[must_use]
    pub fn qrs(&self) -> Qrs {
        Qrs::new(self.listeners.qrs, &self.certificates())
    }

    /// A program with the administrator's certificate at the QPS port.
    #[must_use]
    pub fn qps(&self) -> Client {
        Client::tls_with_certificate(self.listeners.qps, &self.certificates(), "client")
    }

    /// A client of `/livez`, `/readyz` and `/metrics`.
    #[must_use]
    pub fn observer(&self) -> Client {
        Client::plain(self.listeners.observe)
    }

    /// The sum of all samples of a metric, such as `jotgate_sessions`.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.observer().get("/metrics").send().await.text();
        let samples = text
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name));
        samples
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// The addresses.
    #[must_use]
    pub const fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// The data directory, and what else belongs to this gateway.
    #[must_use]
    pub const fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// `DIR/certificates`.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.folder.data().join("certificates")
    }

    /// The process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// The process, to wait for its end.
    pub const fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Every line of the access log so far.
    ///
    /// # Panics
    /// When one is no JSON.
    #[must_use]
    pub fn access_log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.access_log()).unwrap_or_default();
        // The last line may not be complete yet.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The line of the access log for the request that got this reference.
    pub async fn access_line(&self, reference: &str) -> Value {
        let find = async || {
            self.access_log()
                .into_iter()
                .find(|line| line["reference"] == reference)
        };
        eventually(
            &format!("a line of the access log with the reference {reference}"),
            find,
        )
        .await
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// SIGTERM, and waits until it has drained.
    pub async fn stop(mut self) -> Ended {
        self.process.signal(Signal::TERM);
        self.process.wait(2 * PATIENCE).await
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> Ended {
        self.process.signal(Signal::KILL);
        self.process.wait(PATIENCE).await
    }

    /// Waits until it ends by itself.
    pub async fn wait(mut self) -> Ended {
        self.process.wait(2 * PATIENCE).await
    }

    /// SIGTERM, and starts it again with the same settings on the same data directory.
    ///
    /// # Panics
    /// When it does not end as it should.
    pub async fn restart(self) -> Self {
        let again = self.again();
        let ended = self.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        again.await
    }

    /// What starts it again, once it has ended.
    pub fn again(&self) -> GatewayBuilder {
        let mut builder = self.builder.clone();
        builder.folder = Some(self.folder.clone());
        builder
    }
}

/// A gateway that is about to be started; `.await` starts it.
#[derive(Clone)]
#[must_use]
pub struct GatewayBuilder {
    command: &'static str,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    folder: Option<Arc<Folder>>,
    program: Vec<String>,
    takes_over: bool,
}

impl GatewayBuilder {
    fn new(command: &'static str) -> Self {
        Self {
            command,
            settings: Vec::new(),
            environment: Vec::new(),
            folder: None,
            program: Vec::new(),
            takes_over: false,
        }
    }

    /// In the place of the gateway that runs in the same folder.
    pub fn taking_over(mut self) -> Self {
        self.takes_over = true;
        self
    }

    /// With that flag, such as `("--response-timeout", "1s")`, instead of what tests usually have.
    pub fn setting(mut self, flag: &str, value: impl Into<String>) -> Self {
        self.settings.push((flag.to_owned(), value.into()));
        self
    }

    /// With that variable.
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Not in anybody's place.
    pub fn alone(mut self) -> Self {
        self.takes_over = false;
        self
    }

    /// Starts it and does not wait.
    pub fn spawn(self) -> Process {
        let folder = self.folder_or_new();
        Process::start_under(&self.program, &self.arguments(&folder), &self.environment)
    }

    /// In that folder, whatever is in it.
    pub fn folder(mut self, folder: Arc<Folder>) -> Self {
        self.folder = Some(folder);
        self
    }

    /// In an empty folder: makes its own certificates and its own site.
    pub fn first_start(self) -> Self {
        self.folder(Arc::new(Folder::empty()))
    }

    /// Started by another program that becomes the gateway, such as `env`.
    pub fn under(mut self, program: &[&str]) -> Self {
        self.program = program.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts it and waits until it ends by itself: for settings that are refused.
    pub async fn ended(self) -> Ended {
        // Kept until the process has ended: it must find what the test has put there.
        let folder = self.folder_or_new();
        self.folder(folder.clone()).spawn().wait(PATIENCE).await
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// When it ends, or is not ready within [`PATIENCE`].
    pub async fn start(self) -> Gateway {
        let folder = self.folder_or_new();
        let mut process =
            Process::start_under(&self.program, &self.arguments(&folder), &self.environment);
        if self.takes_over {
            // The addresses, and `/readyz`, are those of the one before until then.
            greeted(&mut process).await;
        }
        let listeners = ready(&mut process, &folder.data()).await;
        Gateway {
            process,
            folder,
            listeners,
            builder: self,
        }
    }

    fn folder_or_new(&self) -> Arc<Folder> {
        match &self.folder {
            Some(folder) => folder.clone(),
            None => Arc::new(Folder::of_a_new_site(self.command)),
        }
    }

    /// The settings of the test, and the usual ones that it does not set.
    fn arguments(&self, folder: &Folder) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().expect("a path that is text").to_owned();
        let free = || "127.0.0.1:0".to_owned();
        let usual = [
            ("--data-dir", text(folder.data())),
            ("--access-log", text(folder.access_log())),
            ("--listen", free()),
            ("--listen-http", free()),
            ("--qrs-listen", free()),
            ("--qps-listen", free()),
            ("--observe-listen", free()),
        ];
        let mut arguments = vec![self.command.to_owned()];
        if self.takes_over {
            arguments.push("--take-over".to_owned());
        }
        for (flag, value) in usual {
            if self.settings.iter().all(|(given, _)| given != flag) {
                arguments.extend([flag.to_owned(), value]);
            }
        }
        for (flag, value) in &self.settings {
            arguments.extend([flag.clone(), value.clone()]);
        }
        arguments
    }
}

impl IntoFuture for GatewayBuilder {
    type Output = Gateway;
    type IntoFuture = Pin<Box<dyn Future<Output = Gateway>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

/// Waits until it has said that it serves.
async fn greeted(process: &mut Process) {
    let started = Instant::now();
    while !process.stdout().contains("Jotgate serves") {
        if let Some(ended) = process.ended() {
            panic!("the gateway ended at its start: {ended:?}");
        }
        assert!(started.elapsed() < PATIENCE, "the gateway does not serve");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the addresses are known and `/readyz` answers 200.
async fn ready(process: &mut Process, data: &Path) -> Listeners {
    let started = Instant::now();
    let file = data.join("run/listeners.json");
    loop {
        if let Some(ended) = process.ended() {
            panic!("the gateway ended at its start: {ended:?}");
        }
        assert!(started.elapsed() < PATIENCE, "the gateway is not ready");
        let listeners = std::fs::read(&file)
            .ok()
            .and_then(|json| serde_json::from_slice::<Listeners>(&json).ok());
        if let Some(listeners) = listeners {
            let answer = Client::plain(listeners.observe)
                .get("/readyz")
                .try_send()
                .await;
            if answer.is_ok_and(|answer| answer.status == 200) {
                return listeners;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
