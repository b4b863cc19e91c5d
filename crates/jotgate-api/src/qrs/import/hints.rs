//! What works in another way here, for whoever reads the imported file.

use jotgate_model::Documents;
use jotgate_model::entity::{
    AuthenticationMethod, LoadBalancingAlgorithm, ProxyServiceSettings, ServerNodeConfiguration,
    VirtualProxyConfig,
};

/// Adds a line for everything that has no equivalent, or needs something more.
pub(super) fn add(documents: &Documents, notes: &mut Vec<String>) {
    let linked: Vec<_> = documents
        .proxy_services
        .values()
        .flat_map(|proxy| &proxy.settings.virtual_proxies)
        .filter_map(|id| documents.virtual_proxies.get(id))
        .collect();
    for document in linked {
        let found = of_virtual_proxy(document);
        let name = super::name(document);
        notes.extend(found.into_iter().map(|hint| format!("{name}: {hint}")));
    }
    for node in documents.nodes.values() {
        let found = of_node(node);
        notes.extend(found.map(|hint| format!("the node \"{}\": {hint}", node.name)));
    }
    for proxy in documents.proxy_services.values() {
        notes.extend(of_proxy(&proxy.settings));
    }
    notes.push("users, roles, security rules, licences, apps and streams are not read".to_owned());
}

fn of_virtual_proxy(document: &VirtualProxyConfig) -> Vec<&'static str> {
    let mut found = Vec::new();
    match document.authentication_method {
        AuthenticationMethod::Ticket if document.authentication_module_redirect_uri.is_empty() => {
            found.push(
                "Windows authentication has no equivalent; users sign in with tickets, or at the \
                 form for local administrators",
            );
        }
        AuthenticationMethod::HeaderStaticUserDirectory
        | AuthenticationMethod::HeaderDynamicUserDirectory
            if document.header_authentication_trusted_addresses.is_empty() =>
        {
            found.push(
                "the header counts from listed addresses only; name them in \
                 headerAuthenticationTrustedAddresses",
            );
        }
        _ => {}
    }
    if !document.magic_link_host_uri.is_empty() || !document.magic_link_friendly_name.is_empty() {
        found.push("client authentication links are kept and not served");
    }
    if document.load_balancing_algorithm == LoadBalancingAlgorithm::MemoryAllocation {
        found.push("the nodes are asked in turn, whatever memory they have");
    }
    found
}

fn of_node(node: &ServerNodeConfiguration) -> Option<&'static str> {
    let is_qlik = node.services.is_empty();
    if is_qlik && node.client_certificate.is_empty() {
        return Some(
            "its services are reached with the site's client certificate; add clientCertificate, \
             clientKey and caCertificate",
        );
    }
    (!node.client_certificate.is_empty())
        .then_some("no interface gives a private key away; add clientKey")
}

fn of_proxy(settings: &ProxyServiceSettings) -> Vec<String> {
    let mut found = vec![
        "ports and limits of the proxy are kept as information; the settings of the process decide"
            .to_owned(),
    ];
    let mut add = |is_set: bool, hint: &str| {
        if is_set {
            found.push(hint.to_owned());
        }
    };
    add(
        !settings.ssl_browser_certificate_thumbprint.is_empty(),
        "the certificate for browsers is not read; name its files with --tls-certificate and --tls-key",
    );
    add(
        settings.kerberos_authentication,
        "Kerberos authentication has no equivalent",
    );
    let templates = [
        &settings.form_authentication_page_template,
        &settings.logged_out_page_template,
        &settings.error_page_template,
    ];
    add(
        templates.iter().any(|template| !template.is_empty()),
        "templates of pages are kept and not shown",
    );
    found
}
