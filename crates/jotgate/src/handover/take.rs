//! The new process: gets everything from the one that runs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::protocol::{self, Answer, Hello, LEAVING, LOCK, SERVING};
use super::{Inherited, Role};
use crate::exit::{Exit, Failure};

/// How long the old process may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the running gateway has given. Dropped before [`Taken::serving`], nothing has happened.
#[derive(Debug)]
pub(crate) struct Taken {
    stream: UnixStream,
}

/// The end of the old process: completes when it is gone.
pub(crate) type OldProcess = Option<UnixStream>;

impl Taken {
    /// Asks the gateway that listens at `socket` for its sockets and for the lock of its data
    /// directory.
    ///
    /// # Errors
    /// There is none, or it refuses.
    pub(crate) fn from(socket: &Path) -> Result<(Self, File, Vec<Inherited>), Failure> {
        let failed = |what: String| {
            Failure::new(
                Exit::DataDirectory,
                format!("no running gateway can be taken over: {what}"),
            )
        };
        let stream = UnixStream::connect(socket).map_err(|error| {
            failed(format!(
                "none listens at {} ({error}); start without --take-over",
                socket.display()
            ))
        })?;
        let silent = |error: io::Error| failed(format!("it does not answer ({error})"));
        let (names, descriptors) = match ask(&stream).map_err(silent)? {
            (Answer::Refused(reason), _) => return Err(failed(reason)),
            (Answer::Given(names), descriptors) => (names, descriptors),
        };
        if names.len() != descriptors.len() {
            return Err(failed("its answer makes no sense".to_owned()));
        }
        let mut lock = None;
        let mut sockets = Vec::new();
        for (name, descriptor) in names.iter().zip(descriptors) {
            if name == LOCK {
                lock = Some(File::from(descriptor));
                continue;
            }
            let listener = TcpListener::from(descriptor);
            sockets.push(Inherited::new(Role::from_name(name), listener).map_err(silent)?);
        }
        let lock = lock.ok_or_else(|| failed("it does not give its lock".to_owned()))?;
        Ok((Self { stream }, lock, sockets))
    }

    /// Tells the old process that this one serves. From here on it drains; when it is gone already,
    /// there is nothing to wait for.
    pub(crate) fn serving(mut self) -> OldProcess {
        let told = self.stream.write_all(SERVING.as_bytes()).and_then(|()| {
            let mut answer = [0; LEAVING.len()];
            self.stream.read_exact(&mut answer)
        });
        match told {
            Ok(()) => {
                tracing::info!("this process serves; the one before drains");
                Some(self.stream)
            }
            Err(error) => {
                tracing::warn!(%error, "the process before ended while this one started");
                None
            }
        }
    }
}

fn ask(stream: &UnixStream) -> io::Result<(Answer, Vec<std::os::fd::OwnedFd>)> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let hello = Hello {
        version: protocol::VERSION,
    };
    let mut line = serde_json::to_vec(&hello)?;
    line.push(b'\n');
    protocol::send(stream, &line, &[])?;
    let (line, descriptors) = protocol::receive(stream)?;
    Ok((serde_json::from_slice(&line)?, descriptors))
}
