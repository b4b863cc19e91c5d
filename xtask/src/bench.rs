//! `cargo xtask bench`: measurements of the built binary.

mod backend;
mod cluster;
mod console;
mod manage;
mod proxy;
mod sockets;
mod start;

pub(crate) use backend::serve as backend;
pub(crate) use cluster::run as cluster;
pub(crate) use console::console;
pub(crate) use manage::manage;
pub(crate) use proxy::{Options as ProxyOptions, run as proxy};
pub(crate) use sockets::exchange as sockets;
pub(crate) use start::start;
