//! The newest row's number and seal, in a file beside the database.
//!
//! It is written after each row, and may be behind when the process is killed in between; it is
//! never ahead. Its own seal keeps whoever has no key from writing another one into it. An older
//! copy of the file fits an older copy of the database: against that, only the log helps.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::head::{bytes, hexadecimal};
use super::{AuditHead, AuditKey};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The newest row when it was written.
    Head(AuditHead),
    /// There is no file.
    Missing,
    /// Why it cannot be believed.
    Unusable(String),
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    key: AuditKey,
}

impl HeadFile {
    pub(super) fn new(path: &Path, key: &AuditKey) -> Self {
        Self {
            path: path.to_owned(),
            key: key.clone(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&self) -> Kept {
        match fs::read_to_string(&self.path) {
            Ok(text) => match self.parse(text.trim()) {
                Some(head) => Kept::Head(head),
                None => Kept::Unusable("was not written with this key".to_owned()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Kept::Missing,
            Err(error) => Kept::Unusable(format!("cannot be read ({error})")),
        }
    }

    /// Puts `head` in the place of what was there, unless that is newer: two processes write here
    /// while one takes over from the other.
    pub(super) fn write(&self, head: &AuditHead) -> io::Result<()> {
        if let Kept::Head(kept) = self.read()
            && kept.sequence > head.sequence
        {
            return Ok(());
        }
        self.replace(head)
    }

    /// Puts `head` in the place of whatever was there.
    pub(super) fn replace(&self, head: &AuditHead) -> io::Result<()> {
        let name = format!(
            ".jotgate-unfinished-audit-{}",
            uuid::Uuid::new_v4().simple()
        );
        let unfinished = self.path.with_file_name(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        let seal = hexadecimal(&self.key.seal_head(head));
        let written = writeln!(file, "{head}:{seal}")
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&unfinished, &self.path));
        if written.is_err() {
            // The error that counts is the first one.
            drop(fs::remove_file(&unfinished));
        }
        written
    }

    fn parse(&self, text: &str) -> Option<AuditHead> {
        let (head, seal) = text.rsplit_once(':')?;
        let head = head.parse().ok()?;
        (bytes(seal)? == self.key.seal_head(&head)).then_some(head)
    }
}
