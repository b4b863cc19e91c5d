//! Sockets that the service manager has opened (sd_listen_fds(3)), and what it is told (sd_notify(3)).

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};

use super::{Inherited, Role};
use crate::exit::{Exit, Failure};

/// The sockets that this process was started with; none when it was started without.
///
/// # Errors
/// One is no listening TCP socket, or has a name that Jotgate does not know.
pub(crate) fn sockets() -> Result<Vec<Inherited>, Failure> {
    let failed = |sentence: String| Failure::new(Exit::BadSetting, sentence);
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for number in 0..given.len() {
        let name = names.next().unwrap_or_default();
        let role = role(name).map_err(failed)?;
        let no_listener =
            |what: String| failed(format!("LISTEN_FDS: socket {number} ({name:?}) {what}"));
        let listener = given
            .take_tcp_listener(number)
            .map_err(|error| no_listener(format!("is no TCP socket ({error})")))?
            .ok_or_else(|| no_listener("is missing".to_owned()))?;
        let inherited = Inherited::new(role, listener)
            .map_err(|error| no_listener(format!("cannot be used ({error})")))?;
        if !is_listening(&inherited) {
            return Err(no_listener(
                "does not listen; write ListenStream= and Accept=no".to_owned(),
            ));
        }
        sockets.push(inherited);
    }
    Ok(sockets)
}

/// Nothing for the names that systemd gives by itself.
fn role(name: &str) -> Result<Option<Role>, String> {
    if name.is_empty() || name == "unknown" || name.ends_with(".socket") {
        return Ok(None);
    }
    Role::from_name(name).map(Some).ok_or_else(|| {
        format!(
            "LISTEN_FDNAMES: {name:?} is no name of a socket; write FileDescriptorName= with one of {}",
            Role::ALL.map(Role::name).join(", ")
        )
    })
}

fn is_listening(inherited: &Inherited) -> bool {
    rustix::net::sockopt::socket_acceptconn(&inherited.listener).unwrap_or(false)
}

/// Everything runs; for `Type=notify`. Says also which process is meant from now on.
pub(crate) fn ready() {
    tell(&format!("READY=1\nMAINPID={}\n", std::process::id()));
}

/// The settings are being read again; [`ready`] follows.
pub(crate) fn reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\n"));
}

/// It drains.
pub(crate) fn stopping() {
    tell("STOPPING=1\n");
}

fn tell(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let told = address(path.as_bytes())
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager cannot be told (NOTIFY_SOCKET)");
    }
}

#[cfg(target_os = "linux")]
fn address(path: &[u8]) -> std::io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    match path.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path)),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(path: &[u8]) -> std::io::Result<SocketAddr> {
    SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))
}
