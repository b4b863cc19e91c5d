//! A new process takes over from the one that runs: nothing is lost, and nobody is signed out.

mod failures;
mod load;
mod sessions;
mod systemd;
