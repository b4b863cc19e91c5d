//! What ends by itself: sessions whose time is up.

use std::sync::Arc;
use std::time::Duration;

use crate::Shared;

/// How often sessions are looked at: the sockets of one that ran out hear of it within a second.
const INTERVAL: Duration = Duration::from_millis(250);

/// Ends sessions that have run out, for ever.
pub async fn sweep_sessions(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let snapshot = shared.snapshot.load_full();
        let rules = |id| snapshot.virtual_proxy(id).map(|vp| vp.session);
        let ended = shared.sessions.sweep(crate::now(), rules).await;
        if ended > 0 {
            tracing::debug!(ended, "sessions ran out");
        }
        shared.sign_ins.sweep();
        shared.rates.sweep();
        shared.occupancy.sweep();
    }
}
