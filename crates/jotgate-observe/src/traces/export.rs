//! The task that empties the list.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::collector::Taken;
use super::{Collector, Inner, Traced, Traces, otlp};

/// How long a request waits for others to be sent with.
const TOGETHER: Duration = Duration::from_secs(1);
/// How often a message is tried, and how long it then waits: the double each time.
const ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long the last messages may take when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Traces {
    /// Sends what is recorded to `collector`, until `stop`; then what is left, for two seconds.
    pub async fn export(self, collector: Collector, stop: impl Future<Output = ()>) {
        let Some(inner) = self.0 else {
            return;
        };
        let mut export = Export {
            inner: &inner,
            collector,
            batch: Vec::new(),
            failing: false,
        };
        tokio::select! {
            () = export.run() => {}
            () = stop => {}
        }
        if timeout(LAST_WORDS, export.send_rest()).await.is_err() {
            tracing::warn!("the last traces were not taken in time");
        }
    }
}

struct Export<'a> {
    inner: &'a Inner,
    collector: Collector,
    /// What is being sent.
    batch: Vec<Traced>,
    /// Whether the last message failed: that is said once, not for each.
    failing: bool,
}

impl Export<'_> {
    async fn run(&mut self) {
        loop {
            tokio::select! {
                () = sleep(TOGETHER) => {}
                () = self.inner.full.notified() => {}
            }
            while self.next_batch() {
                self.send().await;
            }
        }
    }

    /// What was being sent, and what waits, once each.
    async fn send_rest(&mut self) {
        while !self.batch.is_empty() || self.next_batch() {
            if !self.is_done().await {
                self.drop_batch();
            }
        }
    }

    fn next_batch(&mut self) -> bool {
        self.batch = self.inner.next_batch();
        !self.batch.is_empty()
    }

    /// Sends the batch, again and again while the collector is away. The list goes on filling meanwhile.
    async fn send(&mut self) {
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            if self.is_done().await {
                return;
            }
            sleep(wait).await;
            wait *= 2;
        }
        if !self.is_done().await {
            self.drop_batch();
        }
    }

    /// Sends the batch; whether there is nothing more to be done about it.
    async fn is_done(&mut self) -> bool {
        match self.collector.send(otlp::message(&self.batch)).await {
            Taken::But(rejected) => {
                if self.failing {
                    tracing::info!("the collector takes traces again");
                }
                self.failing = false;
                let sent = size(&self.batch);
                self.inner.metrics.traces_sent.inc_by(sent);
                self.inner.metrics.traces_dropped.inc_by(rejected.min(sent));
                self.batch.clear();
                true
            }
            Taken::NotNow(error) => {
                self.fail(&error);
                false
            }
            Taken::Never(error) => {
                self.fail(&error);
                self.drop_batch();
                true
            }
        }
    }

    fn fail(&mut self, error: &str) {
        if !self.failing {
            tracing::warn!(
                error,
                "the collector does not take traces; no request waits for it, and what finds no place is dropped"
            );
        }
        self.failing = true;
    }

    fn drop_batch(&mut self) {
        let dropped = size(&self.batch);
        self.inner.metrics.traces_dropped.inc_by(dropped);
        self.batch.clear();
    }
}

fn size(batch: &[Traced]) -> u64 {
    u64::try_from(batch.len()).unwrap_or(u64::MAX)
}
