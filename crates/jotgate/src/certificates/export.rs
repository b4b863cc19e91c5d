//! Certificates for other machines, in a folder for each: `certificates/exported/<machine>/`.
//!
//! A folder appears with all its files, in place of the one before.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jotgate_api::CertificateExports;
use jotgate_manage::CertificateExport;
use jotgate_model::UnixTime;

use super::issue::{self, KeySize, Pem};
use super::{CLIENT, ROOT, SERVER};
use crate::data_directory::{DataDirectory, atomic};

/// What makes and writes them.
pub(crate) struct Exports {
    /// Where unfinished folders are made: what is left of them is removed at the next start.
    directory: PathBuf,
    certificates: PathBuf,
}

impl Exports {
    /// Of this data directory.
    pub(crate) fn of(directory: &DataDirectory) -> Self {
        Self {
            directory: directory.path().to_owned(),
            certificates: directory.certificates(),
        }
    }

    fn exported(&self) -> PathBuf {
        self.certificates.join("exported")
    }

    fn export_to(&self, machine: &str, files: &[(&str, Pem)]) -> io::Result<()> {
        let exported = self.exported();
        make_private_folder(&exported)?;
        let (new, old) = (
            atomic::unfinished_name(&self.directory),
            atomic::unfinished_name(&self.directory),
        );
        DirBuilder::new().mode(0o700).create(&new)?;
        let replaced = files
            .iter()
            .try_for_each(|(name, pem)| pem.create(&new.join(name)))
            .and_then(|()| replace_folder(&new, &exported.join(machine), &old));
        // Neither is there any more when all went well.
        for folder in [&new, &old] {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        replaced?;
        atomic::sync_folder(&exported)
    }
}

impl CertificateExports for Exports {
    fn folder(&self) -> String {
        self.exported().display().to_string()
    }

    fn export(&self, export: &CertificateExport, now: UnixTime) -> Result<(), String> {
        let files = ROOT.files(&self.certificates);
        let root = issue::Root::read(&files.certificate, &files.key)
            .map_err(|error| format!("the root's key is needed: {error}"))?;
        for machine in export.machines() {
            let made = make(&root, machine, export.with_keys, now).map_err(|error| {
                format!("the certificates for {machine} cannot be made ({error})")
            })?;
            self.export_to(machine, &made).map_err(|error| {
                let folder = self.exported().join(machine);
                format!("{} cannot be written ({error})", folder.display())
            })?;
        }
        Ok(())
    }
}

/// The files of one machine.
fn make(
    root: &issue::Root,
    machine: &str,
    with_keys: bool,
    now: UnixTime,
) -> Result<Vec<(&'static str, Pem)>, rcgen::Error> {
    let size = Some(KeySize::Bits2048);
    let [Some(server_key), Some(client_key)] = issue::keys([size, size])? else {
        return Ok(Vec::new());
    };
    let (server, server_key) = root.server(server_key, &[machine.to_owned()], now)?;
    let (client, client_key) = root.administrator(client_key, now)?;
    let mut files = vec![
        (ROOT.certificate, Pem::Public(root.pem().0)),
        (SERVER.certificate, Pem::Public(server)),
        (CLIENT.certificate, Pem::Public(client)),
    ];
    if with_keys {
        files.extend([(SERVER.key, server_key), (CLIENT.key, client_key)]);
    }
    Ok(files)
}

/// Puts `new` in the place of `target`, which becomes `old` when it is there.
fn replace_folder(new: &Path, target: &Path, old: &Path) -> io::Result<()> {
    match fs::rename(target, old) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(new, target)
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::certificates::{Certificates, load_pair};

    #[test]
    fn each_machine_gets_a_folder_that_replaces_the_one_before() {
        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(&place.path().join("data")).unwrap();
        let now = UnixTime(1_800_000_000);
        Certificates::open(&directory, &[], now).unwrap();
        let exports = Exports::of(&directory);
        let folder = directory.certificates().join("exported/app.example.com");
        let names = || -> BTreeSet<String> {
            let entries = fs::read_dir(&folder).unwrap();
            let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
            entries
                .map(|entry| name(entry).into_string().unwrap())
                .collect()
        };
        let of =
            |with_keys| CertificateExport::new(&["App.example.com".to_owned()], with_keys).unwrap();
        exports.export(&of(true), now).unwrap();
        for pair in [&SERVER, &CLIENT] {
            let files = pair.files(&folder);
            load_pair(&files.certificate, &files.key).unwrap();
            let mode = fs::metadata(&files.key).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let own = fs::read(directory.certificates().join("root.pem")).unwrap();
        assert_eq!(fs::read(folder.join("root.pem")).unwrap(), own);
        assert_eq!(names().len(), 5);
        exports.export(&of(false), now).unwrap();
        let expected = ["client.pem", "root.pem", "server.pem"].map(str::to_owned);
        assert_eq!(names(), BTreeSet::from(expected), "the keys are gone");
        let left = fs::read_dir(directory.path()).unwrap();
        let left = left.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with(atomic::UNFINISHED)
        });
        assert_eq!(left.count(), 0);

        let key = directory.certificates().join("root_key.pem");
        fs::rename(&key, place.path().join("elsewhere.pem")).unwrap();
        let refused = exports.export(&of(true), now).unwrap_err();
        assert!(refused.contains("root_key.pem"), "{refused}");
    }
}
