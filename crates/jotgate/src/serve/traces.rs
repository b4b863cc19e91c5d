//! The task that sends traces, when somebody wants them.

use jotgate_observe::{Metrics, Traces};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;

/// The running task.
pub(super) struct TraceExport {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl TraceExport {
    /// Starts it on the current runtime; nothing when no collector is named.
    pub(super) fn start(settings: &Settings, metrics: &Metrics) -> (Traces, Option<Self>) {
        let Some(collector) = settings.otlp_endpoint.clone() else {
            return (Traces::off(), None);
        };
        let traces = Traces::on(settings.traced_per_million, metrics.clone());
        let stop = CancellationToken::new();
        let export = traces
            .clone()
            .export(collector, stop.clone().cancelled_owned());
        let task = tokio::spawn(export);
        (traces, Some(Self { stop, task }))
    }

    /// Sends what is left. Takes no longer than a few seconds.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        if self.task.await.is_err() {
            tracing::error!("the task that sends traces panicked; this is a defect of Jotgate");
        }
    }
}
