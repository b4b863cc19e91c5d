//! What a backup says of itself.

use serde::{Deserialize, Serialize};

use super::{CERTIFICATES, DATABASE, KEYS, MAX_FILES, MAX_SMALL_FILE};

/// The form of backups that this version writes and reads.
const FORMAT: u64 = 1;

/// The first member of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    format: u64,
    /// The version of the program.
    made_by: String,
    /// When, in UTC.
    pub(crate) made_at: String,
    /// The schema of the database.
    pub(crate) schema: i64,
    /// The newest save in it.
    pub(crate) revision: u64,
    /// What follows, in this order.
    pub(crate) files: Vec<PackedFile>,
}

/// A file of the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackedFile {
    /// Its place in the data directory, such as `certificates/root.pem`.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
}

impl Manifest {
    pub(super) fn new(made_at: String, schema: i64, revision: u64, files: Vec<PackedFile>) -> Self {
        Self {
            format: FORMAT,
            made_by: format!("jotgate {}", env!("CARGO_PKG_VERSION")),
            made_at,
            schema,
            revision,
            files,
        }
    }

    /// Reads it, and checks that everything in it is something that a backup may have.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_slice(json)
            .map_err(|_| "has a manifest that is no JSON".to_owned())?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => {
                return Err(format!(
                    "was made by a newer Jotgate (its format is {newer}, this one knows {FORMAT}); restore it with that one"
                ));
            }
            _ => return Err("has a manifest without its format".to_owned()),
        }
        let manifest: Self = serde_json::from_value(value)
            .map_err(|error| format!("has a manifest that cannot be used ({error})"))?;
        manifest.check_files()?;
        Ok(manifest)
    }

    fn check_files(&self) -> Result<(), String> {
        if self.files.len() > MAX_FILES {
            return Err(format!("lists more than {MAX_FILES} files"));
        }
        let mut seen = std::collections::HashSet::new();
        for file in &self.files {
            if !is_place(&file.name) {
                return Err(format!("lists {:?}, which no backup has", file.name));
            }
            if !seen.insert(&file.name) {
                return Err(format!("lists {:?} twice", file.name));
            }
            if file.name != DATABASE && file.bytes > MAX_SMALL_FILE {
                return Err(format!("lists {:?} with more than 1 MiB", file.name));
            }
        }
        if !self.files.iter().any(|file| file.name == DATABASE) {
            return Err(format!("has no {DATABASE}"));
        }
        Ok(())
    }

    /// The length of everything that is listed.
    pub(crate) fn bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

/// Whether a file of that name belongs into a backup. No name leads out of the folder.
pub(super) fn is_place(name: &str) -> bool {
    if name == DATABASE || KEYS.contains(&name) {
        return true;
    }
    let inside = name
        .strip_prefix(CERTIFICATES)
        .and_then(|rest| rest.strip_prefix('/'));
    inside.is_some_and(|file| {
        let plain = |c: char| c != '/' && !c.is_control();
        // Room for the name in the header of a tar archive.
        (1..=80).contains(&file.len()) && !file.starts_with('.') && file.chars().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(files: serde_json::Value) -> Result<Manifest, String> {
        let value = json!({
            "format": 1, "madeBy": "jotgate 0.1.0", "madeAt": "now", "schema": 4, "revision": 1,
            "files": files, "added": "by a later version",
        });
        Manifest::parse(value.to_string().as_bytes())
    }

    fn file(name: &str, bytes: u64) -> serde_json::Value {
        json!({"name": name, "bytes": bytes, "sha256": ""})
    }

    #[test]
    fn names_do_not_lead_out_of_the_folder() {
        let database = file(DATABASE, 1 << 40);
        assert!(manifest(json!([database, file("certificates/a_key.pem", 1)])).is_ok());
        for name in [
            "/etc/passwd",
            "../configuration.db",
            "certificates/../x",
            "certificates/..",
            "certificates/.x",
            "certificates/",
            "certificates//a",
            "certificates/a/b",
            "certificates/a\0",
            "certificatesx",
            "sessions.db",
            "run/control.sock",
            "",
        ] {
            let problem = manifest(json!([database, file(name, 1)])).unwrap_err();
            assert!(problem.contains("no backup has"), "{name}: {problem}");
        }
        let long = format!("certificates/{}", "a".repeat(81));
        assert!(manifest(json!([database, file(&long, 1)])).is_err());
    }

    #[test]
    fn a_manifest_has_limits_and_a_format() {
        let database = file(DATABASE, 1);
        let key = file("cluster_key", MAX_SMALL_FILE + 1);
        let many: Vec<_> = (0..=MAX_FILES)
            .map(|i| file(&format!("certificates/{i}"), 1))
            .collect();
        for files in [
            json!([]),
            json!([database, database]),
            json!([database, key]),
            json!(many),
        ] {
            assert!(manifest(files).is_err());
        }
        for json in ["", "[]", "{}", "{\"format\": \"1\"}", "{\"format\": 1}"] {
            assert!(Manifest::parse(json.as_bytes()).is_err(), "{json}");
        }
        let newer = Manifest::parse(b"{\"format\": 2}").unwrap_err();
        assert!(newer.contains("newer Jotgate"), "{newer}");
    }
}
