//! Running the binary to its end.

use jotgate_scenarios::{Ended, PATIENCE, Process};

/// Runs `jotgate` with these arguments and waits until it ends by itself.
pub(crate) async fn ended(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<(String, String)> = environment.iter().map(owned).collect();
    Process::start(arguments, &environment).wait(PATIENCE).await
}
