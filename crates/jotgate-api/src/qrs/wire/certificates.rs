//! What is asked of an export of certificates.

use super::shape::{Condensed, Enumeration, Shape, boolean, enumeration, text, texts};

/// What is exported, for whom. PEM files have no password, as in the real system; the certificate of the
/// root is always among them, its key never.
pub(in crate::qrs) static CERTIFICATE_EXPORT_PARAMETERS: Shape = Shape {
    name: "CertificateExportParameters",
    metadata: false,
    properties: &[
        texts("machineNames", 253),
        text("certificatePassword", 1024),
        boolean("includeSecretsKey"),
        enumeration("exportFormat", &EXPORT_FORMAT),
        boolean("includeCa"),
    ],
    condensed: Condensed::AllBut(&[]),
};

static EXPORT_FORMAT: Enumeration = Enumeration {
    name: "CertificateExportFormatEnum",
    values: &[(0, "Windows"), (1, "Pem")],
};
