//! Certificates for other machines: written to folders of this one, never sent.

use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::CertificateExport;
use jotgate_model::UnixTime;
use serde_json::Value;

use super::Asked;
use super::entity::{Members, wrong_field};
use super::wire::{CERTIFICATE_EXPORT_PARAMETERS, Reader};
use crate::answer::Answer;
use crate::problem::Problem;

/// What has the root and the disk.
pub trait CertificateExports: Send + Sync {
    /// Below which folder the folders of the machines are.
    fn folder(&self) -> String;

    /// Makes and writes certificates, in place of those that the same machines had there. Takes seconds.
    ///
    /// # Errors
    /// Half a sentence about what could not be done.
    fn export(&self, export: &CertificateExport, now: UnixTime) -> Result<(), String>;
}

/// `GET certificatedistribution/exportcertificatespath`
pub(super) fn path(asked: &Asked<'_>) -> Result<Answer, Problem> {
    Ok(Answer::Json(exports(asked)?.folder().into()))
}

/// `POST certificatedistribution/exportcertificates`
pub(super) async fn export(asked: &Asked<'_>, body: Members) -> Result<Answer, Problem> {
    let exports = exports(asked)?.clone();
    let sent = Reader::default().read(&CERTIFICATE_EXPORT_PARAMETERS, body, Members::new())?;
    let names = sent.get("machineNames").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    let names: Vec<_> = names.map(str::to_owned).collect();
    let with_keys = sent.get("includeSecretsKey") == Some(&Value::Bool(true));
    let export = CertificateExport::new(&names, with_keys)?;
    let (management, actor, now) = (&asked.qrs.management, asked.actor, (asked.qrs.clock)());
    management.check_certificate_export(actor, &export, now)?;
    if sent.get("exportFormat").and_then(Value::as_str) != Some("Pem") {
        let problem = "must be 1 (Pem): certificates are exported as PEM files only; make a .pfx file of \
                       them with openssl pkcs12 -export where one is needed";
        return Err(wrong_field("exportFormat", problem));
    }
    let _turn = asked.qrs.exporting.lock().await;
    let folder = exports.folder();
    let (asked_for, seconds) = (export.clone(), UnixTime(now.as_millis() / 1000));
    let written = tokio::task::spawn_blocking(move || exports.export(&asked_for, seconds)).await;
    let written = written.unwrap_or_else(|_| Err("of an error in Jotgate itself".to_owned()));
    let failure = written.as_ref().err().map(String::as_str);
    management
        .note_certificate_export(actor, &export, failure, now)
        .await;
    match written {
        Ok(()) => Ok(Answer::Created(folder.into())),
        Err(why) => {
            tracing::error!(error = why, "certificates could not be exported");
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("The certificates could not be exported because {why}."),
            ))
        }
    }
}

fn exports<'a>(asked: &Asked<'a>) -> Result<&'a Arc<dyn CertificateExports>, Problem> {
    asked.qrs.certificates.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "Certificates are exported on the port of administrators alone (4242), never through a \
             virtual proxy.",
        )
    })
}
