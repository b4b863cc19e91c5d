//! The archive itself: written from a folder, read without trust.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use tar::{Builder, EntryType, Header};

use super::manifest::{Manifest, PackedFile};

/// The first member.
const MANIFEST: &str = "manifest.json";
/// The longest manifest: two hundred files with long names.
const MAX_MANIFEST: u64 = 1 << 20;

/// Writes an archive. `read` opens the files that the manifest lists.
pub(super) fn write<R: Read>(
    out: &mut File,
    manifest: &Manifest,
    mut read: impl FnMut(&PackedFile) -> io::Result<R>,
) -> io::Result<()> {
    let mut builder = Builder::new(out);
    let json = serde_json::to_vec_pretty(manifest)?;
    append(&mut builder, MANIFEST, json.len() as u64, json.as_slice())?;
    for file in &manifest.files {
        append(&mut builder, &file.name, file.bytes, read(file)?)?;
    }
    builder.into_inner()?.sync_all()
}

fn append(
    builder: &mut Builder<&mut File>,
    name: &str,
    bytes: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(bytes);
    header.set_cksum();
    builder.append(&header, content)
}

/// The length and the hash of what is read.
pub(super) fn measure(content: impl Read) -> io::Result<(u64, String)> {
    let mut hashing = Hashing::new(content);
    let bytes = io::copy(&mut hashing, &mut io::sink())?;
    Ok((bytes, hashing.finish()))
}

/// An archive that somebody gives.
pub(crate) struct Archive {
    archive: tar::Archive<File>,
}

impl Archive {
    /// An archive in a file that stands at its beginning.
    pub(crate) fn new(file: File) -> Self {
        Self {
            archive: tar::Archive::new(file),
        }
    }

    /// Reads everything, checks it against the manifest, and gives the manifest.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with the name of the file.
    pub(crate) fn verify(self) -> Result<Manifest, String> {
        self.read(|_| Ok(()), |_, content| io::copy(content, &mut io::sink()))
    }

    /// As [`Self::verify`], and writes the files into `folder`. When it fails, some may be there.
    /// `accept` sees the manifest before anything is written.
    ///
    /// # Errors
    /// As [`Self::verify`], and what `accept` says.
    pub(super) fn extract(
        self,
        folder: &Path,
        accept: impl FnOnce(&Manifest) -> Result<(), String>,
    ) -> Result<Manifest, String> {
        self.read(accept, |file, content| {
            let mut out = super::stage::create(&folder.join(&file.name))?;
            let copied = io::copy(content, &mut out)?;
            out.sync_all()?;
            Ok(copied)
        })
    }

    fn read(
        mut self,
        accept: impl FnOnce(&Manifest) -> Result<(), String>,
        mut take: impl FnMut(&PackedFile, &mut dyn Read) -> io::Result<u64>,
    ) -> Result<Manifest, String> {
        let unreadable = |error: io::Error| format!("cannot be read as a backup ({error})");
        // Raw: no extension of the format is followed, so that no header has a length without limit.
        let entries = self.archive.entries().map_err(unreadable)?.raw(true);
        let mut entries = entries.map(|entry| entry.map_err(unreadable));
        let mut next = |name: &str| {
            let entry = entries
                .next()
                .unwrap_or_else(|| Err(format!("ends where {name} should begin")))?;
            let is_it = entry.path_bytes().as_ref() == name.as_bytes();
            if is_it && entry.header().entry_type() == EntryType::Regular {
                return Ok(entry);
            }
            Err(format!(
                "is no backup of Jotgate, or is damaged: {name} is not where it should be"
            ))
        };
        let mut first = next(MANIFEST)?;
        if first.size() > MAX_MANIFEST {
            return Err("has a manifest of more than 1 MiB".to_owned());
        }
        let mut json = Vec::new();
        first.read_to_end(&mut json).map_err(unreadable)?;
        let manifest = Manifest::parse(&json)?;
        accept(&manifest)?;
        for file in &manifest.files {
            let name = &file.name;
            let entry = next(name)?;
            if entry.size() != file.bytes {
                return Err(format!(
                    "is damaged: {name} has another length than its manifest says"
                ));
            }
            let mut hashing = Hashing::new(entry);
            let copied = take(file, &mut hashing)
                .map_err(|error| format!("cannot be copied: {name} ({error})"))?;
            if copied != file.bytes || hashing.finish() != file.sha256 {
                return Err(format!("is damaged: {name} is not what its manifest says"));
            }
        }
        match entries.next() {
            None => Ok(manifest),
            Some(_) => Err("has more in it than its manifest says".to_owned()),
        }
    }
}

/// Hashes what passes through.
struct Hashing<T> {
    inner: T,
    hash: Context,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            hash: Context::new(&SHA256),
        }
    }

    fn finish(self) -> String {
        let digest = self.hash.finish();
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        digits.collect()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
