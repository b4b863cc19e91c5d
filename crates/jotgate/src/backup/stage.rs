//! Unpacking a backup beside what is there, and trying whether it can be served.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use jotgate_model::{Snapshot, Timestamp};
use jotgate_repository::Repository;
use uuid::Uuid;

use super::{Archive, DATABASE, Manifest};
use crate::audit_trail::note_restore;
use crate::data_directory::{DataDirectory, Replacement, atomic};

/// Unpacks a backup into a folder beside what is there, brings it to the newest schema, checks
/// that a gateway could serve it, and notes in its audit trail where it comes from. What is there is as it was.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins with the name of the backup.
pub(crate) fn stage(
    archive: Archive,
    directory: &DataDirectory,
    now: Timestamp,
) -> Result<(Manifest, Replacement), String> {
    let unwritten = |error: io::Error| {
        let directory = directory.path().display();
        format!("cannot be unpacked in {directory} ({error})")
    };
    let replacement = Replacement::make(directory).map_err(unwritten)?;
    let folder = replacement.folder();
    let manifest = archive.extract(folder, check_schema)?;
    try_database(folder, &manifest, now)?;
    Ok((manifest, replacement))
}

/// Makes a file where none is, in a folder of its own where its name says so.
pub(super) fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(atomic::OWNER_ONLY)
        .open(path)?;
    if let Some(folder) = path.parent() {
        atomic::sync_folder(folder)?;
    }
    Ok(file)
}

fn check_schema(manifest: &Manifest) -> Result<(), String> {
    let known = Repository::known_schema();
    if manifest.schema <= known {
        return Ok(());
    }
    Err(format!(
        "was made by a newer Jotgate (its schema is {}, this one knows versions up to {known}); restore it with that one",
        manifest.schema
    ))
}

fn try_database(folder: &Path, manifest: &Manifest, now: Timestamp) -> Result<(), String> {
    let unusable = |problem: String| format!("cannot be served: {problem}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    runtime.block_on(async {
        let repository = Repository::open_sqlite(&folder.join(DATABASE))
            .await
            .map_err(|error| unusable(error.to_string()))?;
        let tried = try_documents(&repository).await;
        // Everything is in one file after that.
        repository.close().await;
        tried.map_err(unusable)?;
        let reason = format!("revision {} of {}", manifest.revision, manifest.made_at);
        let noted = note_restore(folder, reason, now).await;
        noted.map_err(|error| unusable(error.to_string()))
    })
}

async fn try_documents(repository: &Repository) -> Result<(), String> {
    let fault = repository
        .fault()
        .await
        .map_err(|error| error.to_string())?;
    if let Some(fault) = fault {
        return Err(format!("its database is damaged ({fault})"));
    }
    let stored = repository.load().await.map_err(|error| error.to_string())?;
    Snapshot::build(stored.revision, stored.documents, Uuid::nil(), None)
        .map_err(|errors| errors.to_string())?;
    Ok(())
}
