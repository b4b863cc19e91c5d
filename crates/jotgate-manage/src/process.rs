//! What administrators are told of the process itself: what it was started with, and the certificates that it
//! shows to clients.

use std::fmt;

use jotgate_model::UnixTime;

use crate::authority::check_root;
use crate::{Actor, ManageError, Management, Privilege};

/// The process, as far as administrators ask for it.
pub struct ProcessSide {
    /// Every setting as it is in force, in the order of the help. Secrets are masked.
    pub settings: Box<dyn Fn() -> Vec<ProcessSetting> + Send + Sync>,
    /// The certificates that are served at this moment, and the root of the gateway's own.
    pub certificates: Box<dyn Fn() -> Vec<TlsCertificate> + Send + Sync>,
}

impl fmt::Debug for ProcessSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessSide").finish_non_exhaustive()
    }
}

/// A setting of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSetting {
    /// The heading that it stands under in the help.
    pub heading: &'static str,
    /// Its name, without the hyphens of the flag.
    pub name: &'static str,
    /// The name of its variable in the environment.
    pub variable: String,
    /// What it does, as the help says it.
    pub help: &'static str,
    /// What it is, as one would write it; several for a list, and none where nothing is set.
    pub values: Vec<String>,
    /// What it is when nobody sets it, in words where it cannot be written.
    pub default: String,
    /// Where the value comes from.
    pub origin: SettingOrigin,
    /// Whether SIGHUP is enough for another value; else it takes a restart.
    pub is_read_again: bool,
    /// What is set now and waits for a restart.
    pub waiting: Option<Vec<String>>,
}

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    /// Nobody has set it.
    Default,
    /// A variable of the environment.
    Environment,
    /// The settings file of that name.
    File(String),
    /// The command line.
    Flag,
}

/// A certificate of the gateway itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsCertificate {
    /// The names that it is for: host names, and IP addresses without brackets.
    pub names: Vec<String>,
    /// Who it belongs to.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// From when on it is valid.
    pub not_before: UnixTime,
    /// Until when it is valid.
    pub not_after: UnixTime,
    /// Kind and size of its key, such as `RSA, 2048 bits`.
    pub key: String,
    /// SHA-256 of the certificate in DER, in hexadecimal digits.
    pub fingerprint: String,
    /// SHA-256 of the `SubjectPublicKeyInfo`, as keys that check tokens have it.
    pub key_fingerprint: String,
    /// Its file; nothing for whoever may not see settings.
    pub file: Option<String>,
    /// Where it is shown, such as `gateway 0.0.0.0:8443`; nowhere for a root.
    pub listeners: Vec<String>,
    /// Whether clients get it that ask for a name which no certificate has.
    pub is_fallback: bool,
}

impl Management {
    /// Lets administrators ask the process. To be called once; until then nothing is known of it.
    pub fn use_process(&self, process: ProcessSide) {
        if self.inner.process.set(process).is_err() {
            tracing::error!("the process is known already");
        }
    }

    /// Every setting of the process, in the order of the help.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin: they tell of files and addresses of the
    /// machine. [`ManageError::Unavailable`] where nothing is known of the process.
    pub fn process_settings(&self, actor: &Actor) -> Result<Vec<ProcessSetting>, ManageError> {
        check_root(actor, || {
            "To see the settings of the process takes the role RootAdmin: they name files and \
             addresses of the machine."
                .to_owned()
        })?;
        let none = || ManageError::Unavailable("nothing is known of the process".to_owned());
        Ok((self.inner.process.get().ok_or_else(none)?.settings)())
    }

    /// The certificates of the gateway itself; files only for whoever may see settings. None where nothing
    /// is known of the process.
    #[must_use]
    pub fn tls_certificates(&self, actor: &Actor) -> Vec<TlsCertificate> {
        let process = self.inner.process.get();
        let mut all = process.map_or_else(Vec::new, |process| (process.certificates)());
        if actor.privilege != Privilege::RootAdmin {
            for certificate in &mut all {
                certificate.file = None;
            }
        }
        all
    }

    /// Whether a key that checks tokens is the one of a certificate that this gateway shows to clients.
    #[must_use]
    pub fn is_key_of_tls(&self, fingerprint: &str) -> bool {
        let process = self.inner.process.get();
        let all = process.map_or_else(Vec::new, |process| (process.certificates)());
        all.iter().any(|one| one.key_fingerprint == fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{auditor, forbidden, root, security, site};

    fn process() -> ProcessSide {
        ProcessSide {
            settings: Box::new(Vec::new),
            certificates: Box::new(|| {
                vec![TlsCertificate {
                    key_fingerprint: "ab12".to_owned(),
                    file: Some("/etc/jotgate/tls.pem".to_owned()),
                    ..TlsCertificate::default()
                }]
            }),
        }
    }

    #[tokio::test]
    async fn settings_and_files_are_for_root_administrators() {
        let site = site().await;
        let management = &site.management;
        let unknown = management.process_settings(root());
        assert!(matches!(unknown, Err(ManageError::Unavailable(_))));
        assert!(management.tls_certificates(root()).is_empty());
        assert!(!management.is_key_of_tls("ab12"));
        management.use_process(process());
        assert_eq!(management.process_settings(root()), Ok(Vec::new()));
        for actor in [security(), auditor()] {
            forbidden(management.process_settings(actor));
            assert_eq!(management.tls_certificates(actor)[0].file, None);
        }
        assert!(management.tls_certificates(root())[0].file.is_some());
        assert!(management.is_key_of_tls("ab12") && !management.is_key_of_tls("cd34"));
    }
}
