//! The sockets that are there before any is opened, and which of them is meant by which setting.

use std::net::{SocketAddr, TcpListener};

use jotgate_gateway::bind;

use crate::exit::{Exit, Failure};
use crate::handover::{Inherited, Role};

/// The sockets that this process did not open itself.
pub(super) struct Given {
    sockets: Vec<Inherited>,
    /// Whether the service manager gave them: then those with a name count instead of the setting,
    /// and all of them must be meant. A gateway that runs gives what its own settings named.
    by_manager: bool,
}

impl Given {
    pub(super) const fn by_manager(sockets: Vec<Inherited>) -> Self {
        Self {
            sockets,
            by_manager: true,
        }
    }

    pub(super) const fn by_gateway(sockets: Vec<Inherited>) -> Self {
        Self {
            sockets,
            by_manager: false,
        }
    }

    /// The sockets for a setting with any number of addresses.
    pub(super) fn all(
        &mut self,
        role: Role,
        setting: &'static str,
        wanted: &[SocketAddr],
    ) -> Result<Vec<TcpListener>, Failure> {
        if self.by_manager {
            let is_named = |socket: &mut Inherited| socket.role == Some(role);
            let named: Vec<_> = self.sockets.extract_if(.., is_named).collect();
            if !named.is_empty() {
                return Ok(named.into_iter().map(|socket| socket.listener).collect());
            }
        }
        wanted
            .iter()
            .map(|address| match self.take(role, *address) {
                Some(listener) => Ok(listener),
                None => open(setting, *address),
            })
            .collect()
    }

    /// The socket for a setting with one address.
    pub(super) fn one(
        &mut self,
        role: Role,
        setting: &'static str,
        wanted: SocketAddr,
    ) -> Result<TcpListener, Failure> {
        let mut sockets = self.all(role, setting, &[wanted])?;
        match (sockets.pop(), sockets.is_empty()) {
            (Some(socket), true) => Ok(socket),
            _ => Err(Failure::new(
                Exit::BadSetting,
                format!(
                    "LISTEN_FDS: there are several sockets with the name {}; there can be one",
                    role.name()
                ),
            )),
        }
    }

    /// Whether all of the service manager's sockets were meant by something.
    pub(super) fn end(self) -> Result<(), Failure> {
        match self.sockets.first() {
            Some(left) if self.by_manager => Err(Failure::new(
                Exit::BadSetting,
                format!(
                    "LISTEN_FDS: no setting names {}; name it with --listen or another setting, or give the socket a name (FileDescriptorName=)",
                    left.address
                ),
            )),
            _ => Ok(()),
        }
    }

    /// A socket of that role, or without one, at that address. Port 0 is any port.
    fn take(&mut self, role: Role, wanted: SocketAddr) -> Option<TcpListener> {
        let place = self.sockets.iter().position(|socket| {
            let same_port = match wanted.port() {
                0 => socket.role == Some(role),
                port => socket.address.port() == port,
            };
            socket.role.is_none_or(|own| own == role)
                && socket.address.ip() == wanted.ip()
                && same_port
        })?;
        Some(self.sockets.remove(place).listener)
    }
}

fn open(setting: &'static str, address: SocketAddr) -> Result<TcpListener, Failure> {
    bind(setting, address).map_err(|error| {
        let exit = if error.taken {
            Exit::PortTaken
        } else {
            Exit::BadSetting
        };
        Failure::new(exit, error.to_string())
    })
}
