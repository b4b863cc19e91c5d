//! What the two processes say to each other: lines of text, and descriptors with one of them.
//!
//! ```text
//! new: {"version":1}
//! old: {"given":["lock","gateway",...]}      with a descriptor for each of the names
//! new: serving                               or it ends, and nothing has happened
//! old: leaving                               and the connection stays until the old one has ended
//! ```

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// To be raised when an older process and a newer one could not serve beside each other.
pub(super) const VERSION: u32 = 1;
/// The name of the lock's descriptor.
pub(super) const LOCK: &str = "lock";
/// What the new process says when it serves.
pub(super) const SERVING: &str = "serving\n";
/// What the old process answers.
pub(super) const LEAVING: &str = "leaving\n";
/// The longest line.
pub(super) const MAX_LINE: usize = 4096;
/// The most descriptors; Linux passes 253 at once.
pub(super) const MAX_DESCRIPTORS: usize = 128;

/// The first word of the new process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) version: u32,
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// The names of the descriptors that come with it.
    Given(Vec<String>),
    /// Half a sentence: why not.
    Refused(String),
}

/// Sends a line with descriptors.
pub(super) fn send(
    stream: impl AsFd,
    line: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("there are too many sockets to pass on"));
    }
    let sent = sendmsg(
        stream,
        &[IoSlice::new(line)],
        &mut control,
        SendFlags::empty(),
    )?;
    if sent < line.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(())
}

/// Receives a line, without its end, and the descriptors that come with it.
pub(super) fn receive(stream: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut line = Vec::new();
    let mut descriptors = Vec::new();
    loop {
        let mut bytes = [0; MAX_LINE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            &stream,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(more) = message {
                descriptors.extend(more);
            }
        }
        line.extend_from_slice(&bytes[..received.bytes]);
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok((line, descriptors));
        }
        if received.bytes == 0 || line.len() > MAX_LINE {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn descriptors_come_with_their_line() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut kept, given) = UnixStream::pair().unwrap();
        send(&one, b"given\n", &[given.as_fd()]).unwrap();
        drop(given);
        let (line, descriptors) = receive(&other).unwrap();
        assert_eq!(line, b"given");
        let [descriptor] = <[OwnedFd; 1]>::try_from(descriptors).unwrap();
        UnixStream::from(descriptor).write_all(b"x").unwrap();
        let mut byte = [0];
        kept.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn a_line_that_does_not_end_is_refused() {
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(b"half of a li").unwrap();
        drop(one);
        assert!(receive(&other).is_err());
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(&[b'x'; 2 * MAX_LINE]).unwrap();
        assert!(receive(&other).is_err());
    }
}
