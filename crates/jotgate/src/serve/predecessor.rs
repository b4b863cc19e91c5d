//! The gateway that ran before this one, if it runs still.

use std::path::Path;

use jotgate_manage::Management;
use jotgate_session::Sessions;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::given::Given;
use crate::data_directory::DataDirectory;
use crate::exit::{Exit, Failure};
use crate::handover::{Overlap, Taken, systemd};

/// The gateway to be replaced; nothing when this one starts alone.
pub(super) struct Predecessor(Option<Taken>);

/// Finds out how this process begins: alone, or in the place of another one.
pub(super) fn find(
    path: &Path,
    take_over: bool,
) -> Result<(DataDirectory, Given, Predecessor), Failure> {
    if !take_over {
        let given = Given::by_manager(systemd::sockets()?);
        return Ok((DataDirectory::open(path)?, given, Predecessor(None)));
    }
    let (taken, lock, sockets) = Taken::from(&DataDirectory::upgrade_socket(path))?;
    let directory = DataDirectory::take_over(path, lock)?;
    let given = Given::by_gateway(sockets);
    Ok((directory, given, Predecessor(Some(taken))))
}

impl Predecessor {
    pub(super) const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// From now on both know the same sessions and the same configuration.
    pub(super) async fn begin_overlap(
        &self,
        sessions: &Sessions,
        management: &Management,
    ) -> Result<Option<Overlap>, Failure> {
        if self.0.is_none() {
            return Ok(None);
        }
        let begun = Overlap::begin(sessions, management).await;
        begun
            .map(Some)
            .map_err(|error| Failure::new(Exit::DataDirectory, error.to_string()))
    }

    /// This process serves: the other one drains from now on. Until it has ended, the two go on
    /// telling each other what changes.
    pub(super) fn replace(self, directory: &mut DataDirectory, overlap: Option<Overlap>) {
        let (Some(taken), Some(overlap)) = (self.0, overlap) else {
            return;
        };
        // Before the other one ends: the service manager would take that for the end of all.
        systemd::ready();
        let left = taken.serving();
        if let Err(error) = directory.own() {
            tracing::warn!(%error, "the lock of the data directory names the process before");
        }
        tokio::spawn(async move {
            if let Some(stream) = left {
                until_closed(stream).await;
            }
            overlap.end().await;
            tracing::info!("the process before has ended");
        });
    }
}

/// Nothing is ever said on it any more: it is closed when the other process ends, however it does.
async fn until_closed(stream: std::os::unix::net::UnixStream) {
    let stream = stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream));
    match stream {
        Ok(mut stream) => {
            stream.read_u8().await.ok();
        }
        Err(error) => tracing::error!(%error, "the end of the process before cannot be seen"),
    }
}
