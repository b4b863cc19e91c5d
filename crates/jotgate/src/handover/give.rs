//! The running process: gives everything to a new one that asks.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jotgate_manage::Management;
use jotgate_session::Sessions;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::protocol::{self, Answer, Hello, LEAVING, LOCK, MAX_DESCRIPTORS, MAX_LINE, SERVING};
use super::{Overlap, Role};

/// How long the new process may take for its first word.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// What a new process may have.
pub(crate) struct Offer {
    /// The lock of the data directory; the right to it belongs to whoever has the open file.
    pub(crate) lock: File,
    /// The listening sockets.
    pub(crate) sockets: Vec<(Role, std::net::TcpListener)>,
    /// What both keep the same while both live.
    pub(crate) sessions: Sessions,
    /// As `sessions`.
    pub(crate) management: Management,
}

impl Offer {
    /// Gives everything to the first new process that asks and gets as far as serving, and gives the
    /// connection to it. Those that fail before that change nothing.
    pub(crate) async fn taken(self, listener: UnixListener) -> UnixStream {
        loop {
            let asked = match listener.accept().await {
                Ok((stream, _)) => self.give(stream).await,
                Err(error) => Err(error),
            };
            match asked {
                Ok(Some(stream)) => return stream,
                Ok(None) => {
                    tracing::warn!("a process that was to take over ended first; this one goes on");
                }
                Err(error) => {
                    tracing::warn!(%error, "a process could not take over; this one goes on");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Nothing when the new process ends before it serves.
    async fn give(&self, mut stream: UnixStream) -> io::Result<Option<UnixStream>> {
        // The permissions of folder and socket say the same; a descriptor may have been passed on.
        let own = rustix::process::geteuid().as_raw();
        let other = stream.peer_cred()?.uid();
        if other != own && other != 0 {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let hello = timeout(HELLO_TIMEOUT, read_line(&mut stream)).await??;
        let hello: Hello = serde_json::from_slice(&hello)?;
        if hello.version != protocol::VERSION {
            let reason = format!(
                "it is of a version that cannot serve beside this one ({} and {}); stop it, then start this one",
                protocol::VERSION,
                hello.version
            );
            answer(&stream, &Answer::Refused(reason), &[]).await?;
            return Err(io::Error::other("its version is another"));
        }
        if self.sockets.len() >= MAX_DESCRIPTORS {
            let reason = "it has too many sockets; stop it, then start this one".to_owned();
            answer(&stream, &Answer::Refused(reason), &[]).await?;
            return Err(io::Error::other("there are too many sockets to pass on"));
        }
        let overlap = Overlap::begin(&self.sessions, &self.management)
            .await
            .map_err(io::Error::other)?;
        match self.until_serving(&mut stream).await {
            Ok(true) => {
                overlap.until_this_process_ends();
                Ok(Some(stream))
            }
            other => {
                overlap.end().await;
                other.map(|_| None)
            }
        }
    }

    /// Whether the new process has said that it serves.
    async fn until_serving(&self, stream: &mut UnixStream) -> io::Result<bool> {
        let mut names = vec![LOCK.to_owned()];
        let mut descriptors = vec![self.lock.as_fd()];
        for (role, socket) in &self.sockets {
            names.push(role.name().to_owned());
            descriptors.push(socket.as_fd());
        }
        answer(stream, &Answer::Given(names), &descriptors).await?;
        match read_line(stream).await {
            Ok(line) => Ok(line == SERVING.trim_end().as_bytes()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Tells the process that has taken over that this one leaves. To be kept until this process ends: the
/// other one sees that by its end of the connection.
pub(crate) async fn say_leaving(mut successor: UnixStream) -> UnixStream {
    if let Err(error) = successor.write_all(LEAVING.as_bytes()).await {
        tracing::error!(%error, "the process that has taken over is gone");
    }
    successor
}

/// Opens the socket at which new processes ask; only the owner of this process can. To be called on
/// the runtime that is to serve it.
///
/// # Errors
/// It cannot be made, for instance because its path is too long.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn answer(
    stream: &UnixStream,
    answer: &Answer,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let send = || protocol::send(stream, &line, descriptors);
    stream.async_io(Interest::WRITABLE, send).await
}

async fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.len() < MAX_LINE {
        match stream.read_u8().await? {
            b'\n' => return Ok(line),
            byte => line.push(byte),
        }
    }
    Err(ErrorKind::InvalidData.into())
}
