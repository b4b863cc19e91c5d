//! What was typed into the page of a node, as its document.

use jotgate_model::entity::{SecretText, ServerNodeConfiguration, ServiceConfig};
use jotgate_model::{FieldErrors, Uuid};

use crate::custom_properties;
use crate::form::Fields;

/// The document with what was typed over it. `errors` has what cannot be part of a document.
pub(super) fn read(
    typed: &Fields,
    mut node: ServerNodeConfiguration,
    errors: &mut FieldErrors,
) -> ServerNodeConfiguration {
    let text = |name: &str| typed.text(name).trim().to_owned();
    node.name = text("name");
    node.host_name = text("hostName");
    node.services = services(typed);
    node.draining = typed.text("draining") == "true";
    node.ca_certificate = pem("caCertificate", typed, node.ca_certificate, errors);
    node.client_certificate = pem("clientCertificate", typed, node.client_certificate, errors);
    // Empty: the stored one stays.
    node.client_key = SecretText(lines(typed.text("clientKey")));
    node.tags = typed
        .all("tags")
        .filter_map(|id| id.parse::<Uuid>().ok())
        .collect();
    node.custom_properties = custom_properties::read(typed, node.custom_properties);
    match text("maxConnections").parse() {
        Ok(number) => node.max_connections = number,
        Err(_) => errors.push("maxConnections", "must be a whole number, 0 or more"),
    }
    node
}

/// A certificate: the stored text, when what was typed differs from it in line ends and blanks only. A private key that was pasted by mistake
/// goes no further, not even back to the page.
fn pem(name: &str, typed: &Fields, stored: String, errors: &mut FieldErrors) -> String {
    let text = typed.text(name);
    if text.contains("PRIVATE KEY") {
        let problem = "holds a private key, which was neither stored nor kept here; paste the certificate, and \
                       the key into its own field";
        errors.push(name, problem);
        return String::new();
    }
    let text = lines(text);
    if lines(&stored) == text { stored } else { text }
}

/// Browsers send CRLF (HTML standard, "constructing the entry list").
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

fn services(typed: &Fields) -> Vec<ServiceConfig> {
    let column = |name: &str| {
        typed
            .all(&format!("services.{name}"))
            .map(str::trim)
            .collect()
    };
    let (paths, uris): (Vec<&str>, Vec<&str>) = (column("path"), column("uri"));
    let (health, http2): (Vec<&str>, Vec<&str>) = (column("healthPath"), column("http2"));
    let removed = typed.text("do").strip_prefix("remove:");
    let removed = removed.and_then(|row| row.parse::<usize>().ok());
    let at = |column: &[&str], row: usize| column.get(row).copied().unwrap_or_default().to_owned();
    let rows = (0..paths.len().max(uris.len())).filter(|row| Some(*row) != removed);
    let rows = rows.map(|row| ServiceConfig {
        path: at(&paths, row),
        uri: at(&uris, row),
        health_path: at(&health, row),
        http2: at(&http2, row) == "true",
    });
    rows.filter(|service| !service.path.is_empty() || !service.uri.is_empty())
        .collect()
}
