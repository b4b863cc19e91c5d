//! Clocks that differ by five minutes.

use jotgate_scenarios::{Backend, Gateway};

use super::{Fleet, sign_in, with};

/// The other node's clock is five minutes ahead, and sessions end after three minutes without use: by its own
/// clock alone each would have run out before it began.
#[tokio::test]
async fn a_session_does_not_run_out_at_a_node_whose_clock_is_ahead() {
    for offset in ["+300s", "-300s"] {
        let ahead = ["faketime", "-f", offset];
        let fleet = Fleet::with(Backend::echo().await, |number, node| match number {
            0 => node,
            // Waiting is measured by another clock, which nobody sets.
            _ => node
                .under(&ahead)
                .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        })
        .await;
        three_minutes(&fleet.one).await;
        three_minutes(&fleet.other).await;
        let cookie = sign_in(&fleet.one, "boz").await;
        for node in [&fleet.other, &fleet.one, &fleet.other] {
            let answer = with(node, &cookie).await;
            assert_eq!(answer.status, 200, "{offset}: {}", answer.text());
        }
    }
}

async fn three_minutes(node: &Gateway) {
    let vp = node.qrs().find("jwt").await;
    vp.set("sessionInactivityTimeout", 3).await;
}
