//! Steps that are done again and again until the end, and how often they went well.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::site::Site;

/// How often one kind of step was done.
struct Tally {
    name: &'static str,
    done: AtomicU64,
    failed: AtomicU64,
}

/// All kinds of steps.
pub(crate) struct Tallies {
    stopping: Arc<AtomicBool>,
    kinds: Mutex<Vec<Arc<Tally>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Tallies {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            stopping: Arc::default(),
            kinds: Mutex::default(),
            workers: Mutex::default(),
        }
    }

    /// `workers` tasks that do `step` and then wait for `pause`. A step that panics has failed.
    pub(crate) fn repeat<F>(
        &self,
        name: &'static str,
        workers: usize,
        pause: Duration,
        site: &Arc<Site>,
        step: fn(Arc<Site>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let tally = Arc::new(Tally {
            name,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        self.kinds.lock().expect("the kinds").push(tally.clone());
        for _ in 0..workers {
            let (tally, site) = (tally.clone(), site.clone());
            let stopping = self.stopping.clone();
            let worker = tokio::spawn(async move {
                while !stopping.load(Ordering::Relaxed) {
                    let count = match tokio::spawn(step(site.clone())).await {
                        Ok(()) => &tally.done,
                        Err(_) => &tally.failed,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
            });
            self.workers.lock().expect("the workers").push(worker);
        }
    }

    /// Lets every step come to its end.
    pub(crate) async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let workers = std::mem::take(&mut *self.workers.lock().expect("the workers"));
        for worker in workers {
            worker.await.expect("a worker that does not panic");
        }
    }

    /// Prints the table, and gives a sentence for each kind that failed, or was never done.
    pub(crate) fn report(&self) -> Vec<String> {
        println!("\n{:<36} {:>10} {:>8}", "", "done", "failed");
        let mut problems = Vec::new();
        for tally in &*self.kinds.lock().expect("the kinds") {
            let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
            let (done, failed) = (count(&tally.done), count(&tally.failed));
            println!("{:<36} {done:>10} {failed:>8}", tally.name);
            if failed > 0 || done == 0 {
                problems.push(format!("{}: {done} went well, {failed} failed", tally.name));
            }
        }
        problems
    }
}
