//! The stand-in backend through its public interface: the router in memory, and real sockets.

mod echo;
mod engine;
mod hub;
mod hub_api;
mod serve;
// Marked, because clippy.toml allows `unwrap` in code for tests only.
#[cfg(test)]
mod support;
