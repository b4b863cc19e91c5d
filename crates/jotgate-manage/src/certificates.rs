//! Who may have certificates made for other machines. They are written by whoever has the root.

use jotgate_model::{FieldErrors, Timestamp};
use jotgate_repository::{AuditEntry, Outcome};

use crate::audit::{entry, subject};
use crate::authority::check_root;
use crate::{Actor, ManageError, Management};

/// What the trail calls it.
const EXPORT: &str = "certificates.export";
/// How many machines at once: two keys are made for each.
const MAX_MACHINES: usize = 20;

/// Certificates for other machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateExport {
    machines: Vec<String>,
    /// Whether the private keys are written as well.
    pub with_keys: bool,
}

impl CertificateExport {
    /// For machines of these names: host names or IPv4 addresses, each once.
    ///
    /// # Errors
    /// [`ManageError::Invalid`]: no name, too many, or one that no machine can have.
    pub fn new(names: &[String], with_keys: bool) -> Result<Self, ManageError> {
        let mut errors = FieldErrors::default();
        if !(1..=MAX_MACHINES).contains(&names.len()) {
            let problem = format!("must have 1 to {MAX_MACHINES} names");
            return Err(ManageError::field("machineNames", problem));
        }
        let mut machines = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !is_machine(name) {
                let field = format!("machineNames[{at}]");
                let problem =
                    "is no machine; write a host name such as app.example.com, or an IPv4 address";
                errors.push(field, problem);
            }
            let name = name.to_ascii_lowercase();
            if !machines.contains(&name) {
                machines.push(name);
            }
        }
        if errors.is_empty() {
            Ok(Self {
                machines,
                with_keys,
            })
        } else {
            Err(errors.into())
        }
    }

    /// The names in lower case. Each can be the name of a folder.
    #[must_use]
    pub fn machines(&self) -> &[String] {
        &self.machines
    }
}

/// A host name (RFC 1123 section 2.1), with underscores, as machines of Windows have them.
fn is_machine(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl Management {
    /// Checks that the actor may have certificates made.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin: whoever has an administrator's
    /// certificate may do everything.
    pub fn check_certificate_export(
        &self,
        actor: &Actor,
        export: &CertificateExport,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let checked = check_root(actor, || {
            "To export certificates takes the role RootAdmin: whoever has them may do everything."
                .to_owned()
        });
        let attempt = || export_entry(actor, export, now);
        self.inner.audit_refusal(checked, attempt)
    }

    /// Writes down that certificates were made, or why they were not.
    pub async fn note_certificate_export(
        &self,
        actor: &Actor,
        export: &CertificateExport,
        failure: Option<&str>,
        now: Timestamp,
    ) {
        let mut entry = export_entry(actor, export, now);
        if let Some(failure) = failure {
            entry.outcome = Outcome::Failed;
            entry.reason = failure.to_owned();
        }
        self.inner.audit_done(entry).await;
    }
}

fn export_entry(actor: &Actor, export: &CertificateExport, now: Timestamp) -> AuditEntry {
    let machines = subject("Machine", "", export.machines.join(", "));
    let reason = if export.with_keys {
        "with private keys"
    } else {
        ""
    };
    AuditEntry {
        reason: reason.to_owned(),
        ..entry(actor.for_audit(), EXPORT, machines, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuditFilter;
    use crate::testing::{at, auditor, forbidden, invalid, root, security, site};

    fn export(names: &[&str]) -> Result<CertificateExport, ManageError> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        CertificateExport::new(&names, true)
    }

    #[test]
    fn machines_have_names_that_lead_nowhere_else() {
        let good = export(&[
            "App-1.example.com",
            "10.0.0.7",
            "NODE_2",
            "app-1.Example.com",
        ]);
        let expected = ["app-1.example.com", "10.0.0.7", "node_2"];
        assert_eq!(good.unwrap().machines(), expected);
        let long = "a.".repeat(127);
        for wrong in [
            "", ".", "..", "a/b", "/etc", "a\\b", "a..b", "-a", "a-", "*.a", "a b", "\u{e9}",
            "a\0", "a\n", "::1", &long,
        ] {
            let error = invalid(export(&["fine", wrong]));
            assert_eq!(error.0[0].field, "machineNames[1]", "{wrong:?}");
        }
        for number in [0, 21] {
            let error = invalid(export(&vec!["a"; number]));
            assert_eq!(error.0[0].field, "machineNames");
        }
    }

    #[tokio::test]
    async fn only_root_administrators_export_certificates() {
        let site = site().await;
        let export = export(&["a"]).unwrap();
        for actor in [security(), auditor()] {
            let checked = site
                .management
                .check_certificate_export(actor, &export, at(1));
            assert!(forbidden(checked).contains("RootAdmin"));
        }
        let checked = site
            .management
            .check_certificate_export(root(), &export, at(1));
        checked.unwrap();
        let management = &site.management;
        for failure in [None, Some("the disk is full")] {
            let noted = management.note_certificate_export(root(), &export, failure, at(2));
            noted.await;
        }
        let exports = AuditFilter {
            action: Some(EXPORT.to_owned()),
            ..AuditFilter::default()
        };
        let rows = management.audit_rows(&exports, 9).await.unwrap();
        // Refusals come through a queue, and may be written later.
        let (refused, told): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.outcome == "refused");
        let told: Vec<_> = told
            .iter()
            .map(|row| (&*row.subject_name, &*row.outcome, &*row.reason))
            .collect();
        let expected = [
            ("a", "failed", "the disk is full"),
            ("a", "done", "with private keys"),
        ];
        assert_eq!((refused.len(), &*told), (2, &expected[..]));
    }
}
