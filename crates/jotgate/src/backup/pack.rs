//! Making a backup.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, ErrorKind, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jotgate_manage::{Actor, Copied, ManageError, Management};
use jotgate_model::Timestamp;
use jotgate_repository::Repository;
use zeroize::Zeroizing;

use super::manifest::{Manifest, PackedFile, is_place};
use super::{CERTIFICATES, DATABASE, KEYS, MAX_SMALL_FILE, archive};
use crate::data_directory::{Scratch, atomic};
use crate::exit::{Exit, Failure};
use crate::settings::read_limited;

/// A backup of the gateway that runs in this process, for whoever may take one: a file without a
/// name, at its beginning. Requests and saves go on meanwhile.
///
/// # Errors
/// The actor may not, or something cannot be read or written.
pub(crate) async fn pack_served(
    management: &Management,
    directory: &Path,
    actor: &Actor,
    at: Timestamp,
) -> Result<File, ManageError> {
    let failed = |problem: String| {
        tracing::error!(problem, "a backup cannot be made");
        ManageError::Unavailable(format!("the backup cannot be made: {problem}"))
    };
    let scratch = make_scratch(directory).map_err(failed)?;
    let copied = management
        .copy_database(actor, &scratch.path().join(DATABASE), at)
        .await?;
    let directory = directory.to_owned();
    let packing = tokio::task::spawn_blocking(move || pack(&directory, &scratch, copied, at));
    let packed = packing.await.map_err(|error| failed(error.to_string()))?;
    packed.map_err(failed)
}

/// A backup of a data directory that belongs to this process.
///
/// # Errors
/// Something cannot be read or written.
pub(crate) fn pack_stopped(directory: &Path, at: Timestamp) -> Result<File, Failure> {
    let failed = |problem: String| {
        let directory = directory.display();
        let sentence = format!("the data directory {directory} cannot be backed up: {problem}");
        Failure::new(Exit::DataDirectory, sentence)
    };
    let scratch = make_scratch(directory).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Fault, format!("no thread can run ({error})")))?;
    let target = scratch.path().join(DATABASE);
    let copied = runtime
        .block_on(Repository::copy_file(&directory.join(DATABASE), &target))
        .map_err(|error| failed(error.to_string()))?;
    pack(directory, &scratch, copied, at).map_err(failed)
}

fn make_scratch(directory: &Path) -> Result<Scratch, String> {
    Scratch::make(directory).map_err(|error| format!("there is no place for it ({error})"))
}

/// Puts the copy of the database in `scratch` and the files of `directory` together.
fn pack(
    directory: &Path,
    scratch: &Scratch,
    copied: Copied,
    at: Timestamp,
) -> Result<File, String> {
    let small = small_files(directory)?;
    let unwritten = |error: io::Error| format!("it cannot be written ({error})");
    let database = scratch.path().join(DATABASE);
    let measured = |name: &str, content: &mut dyn Read| {
        let (bytes, sha256) = archive::measure(content).map_err(unwritten)?;
        let name = name.to_owned();
        Ok::<_, String>(PackedFile {
            name,
            bytes,
            sha256,
        })
    };
    let mut copy = File::open(&database).map_err(unwritten)?;
    let mut files = vec![measured(DATABASE, &mut copy)?];
    for (name, content) in &small {
        files.push(measured(name, &mut content.as_slice())?);
    }
    let manifest = Manifest::new(at.to_string(), copied.schema, copied.revision, files);
    let path = scratch.path().join("backup.tar");
    let mut packed = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(atomic::OWNER_ONLY)
        .open(&path)
        .map_err(unwritten)?;
    archive::write(&mut packed, &manifest, |file| {
        Ok::<Box<dyn Read>, _>(match small.get(&file.name) {
            Some(content) => Box::new(Cursor::new(content.as_slice())),
            None => Box::new(File::open(&database)?),
        })
    })
    .and_then(|()| packed.rewind())
    .map_err(unwritten)?;
    Ok(packed)
}

/// Everything but the database, by its place. Read before it is measured: a certificate may be
/// renewed at any moment.
fn small_files(directory: &Path) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, String> {
    let mut names: Vec<String> = KEYS.map(str::to_owned).to_vec();
    let folder = directory.join(CERTIFICATES);
    let unread = |error: io::Error| format!("{} cannot be read ({error})", folder.display());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        entries => Some(entries.map_err(unread)?),
    };
    for entry in entries.into_iter().flatten() {
        let entry = entry.map_err(unread)?;
        let name = format!("{CERTIFICATES}/{}", entry.file_name().to_string_lossy());
        if is_place(&name) && fs::metadata(entry.path()).map_err(unread)?.is_file() {
            names.push(name);
        }
    }
    let mut found = BTreeMap::new();
    for name in names {
        let path = directory.join(&name);
        match read_limited(&path, MAX_SMALL_FILE) {
            Ok(Some(content)) => drop(found.insert(name, Zeroizing::new(content))),
            Ok(None) => return Err(format!("{} is longer than 1 MiB", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be read ({error})", path.display())),
        }
    }
    Ok(found)
}
