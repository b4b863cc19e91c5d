//! Flags, environment and file, one above the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::error::{SettingError, Source};
use super::table::{self, Setting};
use super::told::Told;
use super::{Mode, Secret, TlsPair, values};

/// The longest file that holds one secret.
const MAX_SECRET_FILE: u64 = 64 << 10;
/// The longest file of certificates to trust: that of a whole system is shorter.
const MAX_CERTIFICATES_FILE: u64 = 1 << 20;
/// The shortest cluster key: as long as the keys that are derived from it.
const MIN_CLUSTER_KEY: usize = 32;

/// What one source says, by the name of the setting.
pub(crate) type Layer = BTreeMap<&'static str, Found>;

/// The values of one setting in one source. Not shown, since they may be secret.
pub(crate) struct Found {
    /// Where.
    pub(crate) source: Source,
    /// As they were written.
    pub(crate) values: Vec<String>,
}

/// The first of `layers` that has `setting`.
pub(crate) fn find<'a>(setting: &Setting, layers: &[&'a Layer]) -> Option<&'a Found> {
    layers.iter().find_map(|layer| layer.get(setting.name))
}

/// What counts of every setting.
pub(crate) struct Layers {
    mode: Mode,
    found: Layer,
}

/// A secret and the file that may hold it instead.
static ALTERNATIVES: [(&Setting, &Setting); 2] = [
    (&table::DATABASE_URL, &table::DATABASE_URL_FILE),
    (&table::SESSION_STORE_URL, &table::SESSION_STORE_URL_FILE),
];

impl Layers {
    /// Lays `layers` over each other, the weakest first.
    ///
    /// # Errors
    /// A source gives a secret twice: itself and as a file.
    pub(crate) fn new(
        mode: Mode,
        layers: impl IntoIterator<Item = Layer>,
    ) -> Result<Self, SettingError> {
        let mut found = Layer::new();
        for layer in layers {
            for (direct, file) in &ALTERNATIVES {
                match (layer.get(direct.name), layer.get(file.name)) {
                    (Some(direct), Some(file)) => {
                        return Err(SettingError::sentence(format!(
                            "{} and {} are both set; keep one of them",
                            direct.source, file.source
                        )));
                    }
                    (None, None) => {}
                    // Whichever form the stronger source has, the weaker one's is out.
                    (Some(_), None) | (None, Some(_)) => {
                        found.remove(direct.name);
                        found.remove(file.name);
                    }
                }
            }
            found.extend(layer);
        }
        Ok(Self { mode, found })
    }

    /// What counts, without secrets.
    pub(crate) fn told(&self) -> Told {
        Told::new(self.mode, &self.found)
    }

    /// A setting with one value; its default is a value, too.
    pub(crate) fn one<T>(
        &self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingError> {
        if let Some(value) = self.optional(setting, &parse)? {
            return Ok(value);
        }
        let default = setting.default_value(self.mode).unwrap_or_default();
        parse(default)
            .map_err(|problem| SettingError::new(&Source::Default(setting.name), default, &problem))
    }

    /// A setting with one value, or nothing.
    pub(crate) fn optional<T>(
        &self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingError> {
        let Some(found) = self.found.get(setting.name) else {
            return Ok(None);
        };
        let [value] = found.values.as_slice() else {
            return Err(SettingError::without_value(
                &found.source,
                "takes one value; write one",
            ));
        };
        parse(value)
            .map(Some)
            .map_err(|problem| SettingError::new(&found.source, value, &problem))
    }

    /// A setting with any number of values.
    pub(crate) fn list<T>(
        &self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, SettingError> {
        let Some(found) = self.found.get(setting.name) else {
            let default = setting.default_value(self.mode);
            return default
                .map(|text| {
                    parse(text).map_err(|problem| {
                        SettingError::new(&Source::Default(setting.name), text, &problem)
                    })
                })
                .into_iter()
                .collect();
        };
        let parse = |text: &String| {
            parse(text).map_err(|problem| SettingError::new(&found.source, text, &problem))
        };
        found.values.iter().map(parse).collect()
    }

    /// A secret, from its setting or from the file that the other one names. Errors do not show it.
    pub(crate) fn secret(
        &self,
        direct: &'static Setting,
        file: &'static Setting,
        parse: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<Secret>, SettingError> {
        let (text, at) = if let Some(found) = self.found.get(direct.name) {
            let text = Zeroizing::new(found.values.concat().into_bytes());
            (text, found.source.to_string())
        } else if let Some(path) = self.optional(file, values::path)? {
            let text = self.read_secret(file, &path)?;
            (
                text,
                format!("{} names {}, which", self.source(file), path.display()),
            )
        } else {
            return Ok(None);
        };
        let wrong = |problem: &str| SettingError::sentence(format!("{at} {problem}"));
        let text = std::str::from_utf8(&text)
            .map_err(|_| wrong("is no text; write the address in UTF-8"))?
            .trim_end_matches(['\n', '\r']);
        parse(text).map_err(|problem| wrong(&problem))?;
        Ok(Some(Secret::new(text)))
    }

    /// A key in a file. Text loses the white space around it, so that the line end of an editor
    /// does not make two nodes differ; anything else counts byte by byte.
    pub(crate) fn key_file(
        &self,
        setting: &'static Setting,
    ) -> Result<Option<Secret>, SettingError> {
        let Some(path) = self.optional(setting, values::path)? else {
            return Ok(None);
        };
        let bytes = self.read_secret(setting, &path)?;
        let key = if bytes.is_ascii() {
            bytes.trim_ascii()
        } else {
            &bytes
        };
        if key.len() < MIN_CLUSTER_KEY {
            let problem = format!(
                "holds {} bytes; write at least {MIN_CLUSTER_KEY} random ones, as `openssl rand -hex 32` does",
                key.len()
            );
            return Err(self.wrong_path(setting, &path, &problem));
        }
        Ok(Some(Secret::new(key)))
    }

    /// A file of certificates to trust, in PEM: at least one, and nothing that is none.
    pub(crate) fn root_certificates(
        &self,
        setting: &'static Setting,
    ) -> Result<Option<Vec<u8>>, SettingError> {
        let Some(path) = self.optional(setting, values::path)? else {
            return Ok(None);
        };
        let pem = self.read(setting, &path, MAX_CERTIFICATES_FILE)?;
        let mut roots = RootCertStore::empty();
        let all_good = CertificateDer::pem_slice_iter(&pem)
            .all(|found| found.is_ok_and(|certificate| roots.add(certificate).is_ok()));
        if !all_good || roots.is_empty() {
            let problem =
                "is no PEM file of certificates; it begins with -----BEGIN CERTIFICATE-----";
            return Err(self.wrong_path(setting, &path, problem));
        }
        Ok(Some(pem))
    }

    /// The certificates and keys, which belong together by their position.
    pub(crate) fn tls_pairs(&self) -> Result<Vec<TlsPair>, SettingError> {
        let certificates = self.list(&table::TLS_CERTIFICATE, values::path)?;
        let keys = self.list(&table::TLS_KEY, values::path)?;
        if certificates.len() != keys.len() {
            return Err(SettingError::sentence(format!(
                "{} names {} and {} names {}; give one key for each certificate, in the same order",
                self.source(&table::TLS_CERTIFICATE),
                files(certificates.len()),
                self.source(&table::TLS_KEY),
                files(keys.len()),
            )));
        }
        let pair = |(certificate, key)| TlsPair { certificate, key };
        Ok(certificates.into_iter().zip(keys).map(pair).collect())
    }

    /// `setting` has `problem`: half a sentence that begins with a verb.
    pub(crate) fn wrong(&self, setting: &'static Setting, problem: &str) -> SettingError {
        SettingError::without_value(&self.source(setting), problem)
    }

    /// Where `setting` was found, or where it could have been.
    fn source(&self, setting: &'static Setting) -> Source {
        match self.found.get(setting.name) {
            Some(found) => found.source.clone(),
            None => Source::Flag(setting.name),
        }
    }

    fn read_secret(
        &self,
        setting: &'static Setting,
        path: &Path,
    ) -> Result<Zeroizing<Vec<u8>>, SettingError> {
        self.read(setting, path, MAX_SECRET_FILE)
            .map(Zeroizing::new)
    }

    fn read(
        &self,
        setting: &'static Setting,
        path: &Path,
        most: u64,
    ) -> Result<Vec<u8>, SettingError> {
        match read_limited(path, most) {
            Err(error) => {
                let problem =
                    format!("cannot be read ({error}); name a file that this process may read");
                Err(self.wrong_path(setting, path, &problem))
            }
            Ok(None) => {
                let problem = format!(
                    "is longer than {} KiB; name the file that holds this alone",
                    most >> 10
                );
                Err(self.wrong_path(setting, path, &problem))
            }
            Ok(Some(bytes)) => Ok(bytes),
        }
    }

    fn wrong_path(&self, setting: &'static Setting, path: &Path, problem: &str) -> SettingError {
        self.wrong(
            setting,
            &format!("names {}, which {problem}", path.display()),
        )
    }
}

fn files(number: usize) -> String {
    match number {
        0 => "no file".to_owned(),
        1 => "1 file".to_owned(),
        _ => format!("{number} files"),
    }
}

/// The bytes of a file, or nothing when there are more than `most`.
pub(crate) fn read_limited(path: &Path, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}
