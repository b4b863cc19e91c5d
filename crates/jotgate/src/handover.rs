//! Sockets that this process did not open itself, and the place of another one.
//!
//! The service manager may have opened the sockets (`systemd.rs`), or a gateway that runs: with
//! `--take-over` the new process gets the sockets and the lock of the data directory from the old
//! one through a Unix socket in the data directory (`take.rs`, `give.rs`), starts completely, and
//! only then says that it serves; the old one drains. While both live they keep sessions and
//! configuration the same (`overlap.rs`). See `docs/decisions/`, "Upgrade in place".

mod give;
mod overlap;
mod protocol;
pub(crate) mod systemd;
mod take;

use std::net::{SocketAddr, TcpListener};

pub(crate) use give::{Offer, listen, say_leaving};
pub(crate) use overlap::Overlap;
pub(crate) use take::Taken;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// HTTPS.
    Gateway,
    /// Plain HTTP.
    GatewayHttp,
    /// QRS.
    Qrs,
    /// QPS.
    Qps,
    /// Health and metrics.
    Observe,
}

impl Role {
    const ALL: [Self; 5] = [
        Self::Gateway,
        Self::GatewayHttp,
        Self::Qrs,
        Self::Qps,
        Self::Observe,
    ];

    /// Its name, also in systemd's `FileDescriptorName=`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::GatewayHttp => "gateway-http",
            Self::Qrs => "qrs",
            Self::Qps => "qps",
            Self::Observe => "observe",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A listening socket that somebody else opened.
#[derive(Debug)]
pub(crate) struct Inherited {
    /// What it is for; nothing when only its address tells.
    pub(crate) role: Option<Role>,
    /// The socket.
    pub(crate) listener: TcpListener,
    /// Its address.
    pub(crate) address: SocketAddr,
}

impl Inherited {
    fn new(role: Option<Role>, listener: TcpListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            role,
            address: listener.local_addr()?,
            listener,
        })
    }
}
