//! The certificates that a gateway makes for itself, and those that it is given.
//!
//! On the first start `certificates/` gets a root of its own, a server certificate for TLS (whose key
//! also signs tokens for trying things) and an administrator's client certificate for QRS and QPS.
//! Files that are there are used as they are and never overwritten. The three roles do not mix: the
//! server certificate is no client, and a client certificate opens the management ports only if it
//! was issued as an administrator's ([`administrator_verifier`]).

mod administrator;
mod describe;
mod export;
mod issue;
mod load;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jotgate_manage::OwnKey;
use jotgate_model::UnixTime;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

pub(crate) use administrator::administrator_verifier;
pub(crate) use describe::describe;
pub(crate) use export::Exports;
pub(crate) use issue::{KeySize, Pem, self_signed};
pub(crate) use load::{CertificateError, certificates, load_pair, names_of, valid_until};

use crate::data_directory::{DataDirectory, DataDirectoryError, atomic};
use crate::settings::TlsPair;

/// The certificates in the data directory. All of them have been read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
    root: CertificateDer<'static>,
}

impl Certificates {
    /// Reads the certificates of `directory`, and makes those that are missing. A new server
    /// certificate is for this machine's names and for `public_hosts`; it begins at `now`.
    ///
    /// # Errors
    /// One of a pair is missing, a file cannot be read or used, or a new one cannot be written. The
    /// sentence names the file.
    pub(crate) fn open(
        directory: &DataDirectory,
        public_hosts: &[String],
        now: UnixTime,
    ) -> Result<Self, DataDirectoryError> {
        let folder = directory.certificates();
        let wanted = Wanted::find(&folder)?;
        if wanted.any() {
            let made = wanted.make(&folder, &server_names(public_hosts), now)?;
            write(directory.path(), &folder, &made).map_err(|error| {
                DataDirectoryError::new(format!(
                    "the certificates cannot be written to {} ({error}); look at the space and the permissions there",
                    folder.display()
                ))
            })?;
        }
        let root = certificates(&folder.join(ROOT.certificate))
            .map_err(in_directory)?
            .swap_remove(0);
        let certificates = Self { folder, root };
        for (file, until) in certificates.ending(now).map_err(in_directory)? {
            tracing::warn!(
                file = %file.display(),
                until = %until,
                "a certificate ends soon or has ended; move it and its key away to have them made again"
            );
        }
        Ok(certificates)
    }

    /// The certificates that end within a month of `now`, or have ended, and when.
    fn ending(&self, now: UnixTime) -> Result<Vec<(PathBuf, UnixTime)>, CertificateError> {
        const MONTH: i64 = 30 * 86_400;
        let mut ending = Vec::new();
        for pair in [ROOT, SERVER, CLIENT] {
            let file = self.folder.join(pair.certificate);
            for certificate in certificates(&file)?.iter().take(1) {
                let until = valid_until(certificate)?;
                if until < now.plus(MONTH) {
                    ending.push((file.clone(), until));
                }
            }
        }
        Ok(ending)
    }

    /// What administrators' certificates are issued by.
    pub(crate) const fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The root as a file, for clients that are to trust the gateway.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.folder.join(ROOT.certificate)
    }

    /// The pair that the gateway serves TLS with, unless settings name others.
    pub(crate) fn server(&self) -> TlsPair {
        SERVER.files(&self.folder)
    }

    /// What administrators may have tokens signed with: `server_key.pem`.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn own_key(&self) -> Result<OwnKey, String> {
        let TlsPair { certificate, key } = self.server();
        let read = |path| fs::read_to_string(path).map_err(|error| error.to_string());
        let private_key = Zeroizing::new(read(key)?);
        OwnKey::from_pem(&read(certificate)?, &private_key)
    }
}

/// A certificate and a key that belong together, by their file names.
struct Pair {
    certificate: &'static str,
    key: &'static str,
}

const ROOT: Pair = Pair {
    certificate: "root.pem",
    key: "root_key.pem",
};
const SERVER: Pair = Pair {
    certificate: "server.pem",
    key: "server_key.pem",
};
const CLIENT: Pair = Pair {
    certificate: "client.pem",
    key: "client_key.pem",
};

impl Pair {
    fn files(&self, folder: &Path) -> TlsPair {
        TlsPair {
            certificate: folder.join(self.certificate),
            key: folder.join(self.key),
        }
    }

    /// Whether the pair is there, and then that it can be used.
    fn present(&self, folder: &Path) -> Result<bool, DataDirectoryError> {
        let files = self.files(folder);
        let missing = |missing: &Path, other: &Path| {
            DataDirectoryError::new(format!(
                "{} is missing, which belongs to {}; restore it, or move the other away to have both made again",
                missing.display(),
                other.display()
            ))
        };
        match (exists(&files.certificate)?, exists(&files.key)?) {
            (false, false) => Ok(false),
            (true, false) => Err(missing(&files.key, &files.certificate)),
            (false, true) => Err(missing(&files.certificate, &files.key)),
            (true, true) => {
                load_pair(&files.certificate, &files.key).map_err(in_directory)?;
                Ok(true)
            }
        }
    }
}

/// Which pairs have to be made.
#[derive(Clone, Copy)]
struct Wanted {
    root: bool,
    server: bool,
    client: bool,
}

impl Wanted {
    fn find(folder: &Path) -> Result<Self, DataDirectoryError> {
        let server = !SERVER.present(folder)?;
        let client = !CLIENT.present(folder)?;
        // A root key that is kept elsewhere is missed only when there is something to issue.
        let root_alone = exists(&folder.join(ROOT.certificate))?
            && !exists(&folder.join(ROOT.key))?
            && !server
            && !client;
        let root = !root_alone && !ROOT.present(folder)?;
        if root && !client {
            return Err(DataDirectoryError::new(format!(
                "{} is missing, which issued {}; restore it, or move the client's files away to have all made again",
                folder.join(ROOT.certificate).display(),
                folder.join(CLIENT.certificate).display()
            )));
        }
        Ok(Self {
            root,
            server,
            client,
        })
    }

    const fn any(self) -> bool {
        self.root || self.server || self.client
    }

    /// The files to write, keys before certificates.
    fn make(
        self,
        folder: &Path,
        names: &[String],
        now: UnixTime,
    ) -> Result<Vec<(&'static str, Pem)>, DataDirectoryError> {
        let failed = |error: rcgen::Error| {
            DataDirectoryError::new(format!(
                "the certificates for {} cannot be made ({error}); look at the names that --public-host gives",
                folder.display()
            ))
        };
        // Making a key takes a good part of a second; each has a thread.
        let [root_key, server_key, client_key] = issue::keys([
            self.root.then_some(KeySize::Bits3072),
            self.server.then_some(KeySize::Bits2048),
            self.client.then_some(KeySize::Bits2048),
        ])
        .map_err(failed)?;
        let root = match root_key {
            Some(key) => issue::Root::make(key, now).map_err(failed)?,
            None => {
                let files = ROOT.files(folder);
                issue::Root::read(&files.certificate, &files.key).map_err(in_directory)?
            }
        };
        let mut made = Vec::new();
        let mut add = |pair: &Pair, (certificate, key): (String, Pem)| {
            made.push((pair.key, key));
            made.push((pair.certificate, Pem::Public(certificate)));
        };
        if self.root {
            add(&ROOT, root.pem());
        }
        if let Some(key) = server_key {
            add(&SERVER, root.server(key, names, now).map_err(failed)?);
        }
        if let Some(key) = client_key {
            add(&CLIENT, root.administrator(key, now).map_err(failed)?);
        }
        Ok(made)
    }
}

/// Writes the files into `folder`. A folder that is not there yet appears with all of them at once,
/// so that a process killed in the middle leaves no key without its certificate.
fn write(parent: &Path, folder: &Path, files: &[(&'static str, Pem)]) -> io::Result<()> {
    let is_new = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    if !is_new {
        return files
            .iter()
            .try_for_each(|(name, pem)| pem.create(&folder.join(name)));
    }
    let unfinished = atomic::unfinished_name(parent);
    DirBuilder::new().mode(0o700).create(&unfinished)?;
    for (name, pem) in files {
        pem.create(&unfinished.join(name))?;
    }
    fs::rename(&unfinished, folder)?;
    atomic::sync_folder(parent)
}

/// What this machine is called, for the server certificate.
fn server_names(public_hosts: &[String]) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut seen = BTreeSet::new();
    own.into_iter()
        .chain(host_name())
        .chain(public_hosts.iter().cloned())
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

/// The machine's name, where the system tells it in a file and it is a host name.
fn host_name() -> Option<String> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| fs::read_to_string(file).ok())
        .and_then(|text| crate::settings::host(text.trim()).ok())
}

fn exists(path: &Path) -> Result<bool, DataDirectoryError> {
    path.try_exists().map_err(|error| {
        DataDirectoryError::new(format!(
            "{} cannot be looked at ({error}); make its folder readable for this user",
            path.display()
        ))
    })
}

fn in_directory(error: CertificateError) -> DataDirectoryError {
    DataDirectoryError::new(error.to_string())
}

#[cfg(test)]
mod tests;
