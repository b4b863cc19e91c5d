//! `jotgate demo`: the gateway with everything that it takes to try it, and what to paste.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use jotgate_manage::{Actor, ActorKind, ManageError, Management, Privilege};
use jotgate_model::Algorithm;
use jotgate_model::entity::{
    AttributeMapItem, AuthenticationMethod, ServiceConfig, VirtualProxyConfig,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::commands::now;
use crate::exit::{Exit, Failure};
use crate::serve::{Gateway, tell};
use crate::settings::{SettingError, Settings};
use crate::shell::quote;

/// The prefix of the sample virtual proxy.
const PREFIX: &str = "jwt";
/// The name of the administrator.
const ADMINISTRATOR: &str = "admin";
/// How long the sample token is good, in seconds.
const TOKEN_LIFETIME: i64 = 12 * 3600;

/// `jotgate demo`.
pub(crate) fn demo(
    settings: &Settings,
    again: impl Fn() -> Result<Settings, SettingError>,
) -> Result<ExitCode, Failure> {
    let gateway = Gateway::start(settings, Vec::new(), false)?;
    let backend = gateway.block_on(start_backend(&gateway))?;
    let certificates = gateway.directory.certificates();
    let read = |file: &str| {
        let path = certificates.join(file);
        fs::read_to_string(&path).map_err(|error| {
            Failure::new(
                Exit::DataDirectory,
                format!("{} cannot be read ({error})", path.display()),
            )
        })
    };
    let certificate = read("server.pem")?;
    gateway
        .block_on(set_up(&gateway.management, &certificate, backend))
        .map_err(|error| {
            Failure::new(
                Exit::Fault,
                format!("the sample data cannot be saved: {error}"),
            )
        })?;
    let token = jotgate_token::sign(Algorithm::RS256, &read("server_key.pem")?, None, &claims())
        .map_err(|error| {
            Failure::new(
                Exit::DataDirectory,
                format!("server_key.pem cannot sign: {error}"),
            )
        })?;
    tell(&instructions(&gateway, &token));
    if let Some(password) = make_administrator(&gateway)? {
        let base = gateway.base();
        tell(&format!(
            "The administrator {ADMINISTRATOR} signs in at {base}/internal_forms_authentication/ \
             with this password, which is shown once:\n\n  {password}\n"
        ));
    }
    gateway.run(again)
}

/// An administrator with a password, when there is none.
fn make_administrator(gateway: &Gateway) -> Result<Option<String>, Failure> {
    if !gateway.management.needs_administrator() {
        return Ok(None);
    }
    let password = jotgate_session::SessionSecret::generate();
    let password: String = password.expose().chars().take(20).collect();
    let date = jotgate_gateway::timestamp();
    let made = gateway
        .management
        .make_administrator(ADMINISTRATOR, &password, date);
    gateway
        .block_on(made)
        .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
    Ok(Some(password))
}

/// The stand-in backend, on a port of this machine that only the gateway knows.
async fn start_backend(gateway: &Gateway) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Fault,
            format!("the stand-in backend cannot be started ({error})"),
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    gateway.spawn(async move {
        if let Err(error) = jotgate_demo::serve(listener, std::future::pending()).await {
            tracing::error!(%error, "the stand-in backend ended");
        }
    });
    Ok(address)
}

/// The sample data. What is there from a demo before is kept, but for the backend's address.
async fn set_up(
    management: &Management,
    certificate: &str,
    backend: SocketAddr,
) -> Result<(), ManageError> {
    let actor = Actor {
        name: r"INTERNAL\demo".to_owned(),
        kind: ActorKind::System,
        source: "jotgate demo".to_owned(),
        privilege: Privilege::RootAdmin,
    };
    let snapshot = management.snapshot();
    let date = jotgate_gateway::timestamp();
    let proxy = snapshot
        .documents
        .proxy_services
        .get(&snapshot.proxy_id)
        .cloned();
    let Some(proxy) = proxy else { return Ok(()) };
    let node_id = proxy.server_node_configuration;
    if let Some(node) = snapshot.documents.nodes.get(&node_id) {
        let mut node = (**node).clone();
        node.services = ["/hub", "/"].map(|path| service(path, backend)).to_vec();
        management.update_node(&actor, node_id, node, date).await?;
    }
    let defaults: Vec<Arc<VirtualProxyConfig>> = snapshot
        .documents
        .virtual_proxies
        .values()
        .filter(|vp| vp.default_virtual_proxy)
        .cloned()
        .collect();
    for vp in defaults
        .iter()
        .filter(|vp| vp.load_balancing_server_nodes.is_empty())
    {
        let mut vp = (**vp).clone();
        vp.load_balancing_server_nodes.push(node_id);
        management
            .update_virtual_proxy(&actor, vp.metadata.id, vp, date)
            .await?;
    }
    if snapshot
        .documents
        .virtual_proxies
        .values()
        .any(|vp| vp.prefix == PREFIX)
    {
        return Ok(());
    }
    let mut sample = sample(certificate);
    sample.load_balancing_server_nodes.push(node_id);
    let created = management
        .create_virtual_proxy(&actor, sample, date)
        .await?;
    let mut proxy = (*proxy).clone();
    proxy.settings.virtual_proxies.push(created.metadata.id);
    management
        .update_proxy_service(&actor, snapshot.proxy_id, proxy, date)
        .await?;
    Ok(())
}

fn service(path: &str, backend: SocketAddr) -> ServiceConfig {
    ServiceConfig {
        path: path.to_owned(),
        uri: format!("http://{backend}"),
        health_path: "/health".to_owned(),
        ..Default::default()
    }
}

/// The virtual proxy of the guides: the server's certificate as the key, the two attribute names,
/// and a mapping of two more.
fn sample(certificate: &str) -> VirtualProxyConfig {
    let mapped = |name: &str| AttributeMapItem {
        jwt_attribute: name.to_owned(),
        sense_attribute: name.to_owned(),
        ..Default::default()
    };
    VirtualProxyConfig {
        prefix: PREFIX.to_owned(),
        description: "JWT".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
        authentication_method: AuthenticationMethod::JWT,
        jwt_public_key_certificate: certificate.to_owned(),
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        jwt_attribute_map: vec![mapped("email"), mapped("Group")],
        allow_administration: true,
        ..Default::default()
    }
}

fn claims() -> Map<String, Value> {
    let issued = now();
    let claims = json!({
        "userId": "boz",
        "userDirectory": "example",
        "email": "boz@example.com",
        "Group": ["sales", "finance", "marketing"],
        "iat": issued.0,
        "exp": issued.plus(TOKEN_LIFETIME).0,
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

/// A path as a word of the commands.
fn path(path: &Path) -> String {
    quote(&path.display().to_string()).into_owned()
}

fn instructions(gateway: &Gateway, token: &str) -> String {
    let port = gateway
        .listeners
        .gateway
        .first()
        .map_or(8443, SocketAddr::port);
    let base = format!("https://localhost:{port}/{PREFIX}");
    let certificates = gateway.directory.certificates();
    let root = gateway.certificates.root_file();
    let root = path(&root);
    let jar = gateway.directory.run().join("cookies.txt");
    let jar = path(&jar);
    format!(
        "\
Jotgate serves a demo at {base}/hub/

A token for the user boz of the directory example, good for {hours} hours:

{token}

1. Without a token: 401, with the reason

  curl --cacert {root} {base}/hub/

2. With the token: 200, and a session cookie

  curl --cacert {root} --cookie-jar {jar} --header \"Authorization: Bearer {token}\" {base}/hub/

3. With the cookie only: 200

  curl --cacert {root} --cookie {jar} {base}/hub/

In a browser: open {base}/hub/ (a 401), paste this into its console, and the hub opens:

  fetch(location.href, {{headers: {{Authorization: \"Bearer {token}\"}}}}).then(() => location.reload())

The administrator's certificate {client} opens QRS:

  curl --cacert {root} --cert {client} --key {client_key} --header \"X-Qlik-Xrfkey: 0123456789abcdef\" --header \"X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_repository\" \"https://localhost:{qrs}/qrs/virtualproxyconfig/full?xrfkey=0123456789abcdef\"

Stop with Ctrl-C.
",
        hours = TOKEN_LIFETIME / 3600,
        client = path(&certificates.join("client.pem")),
        client_key = path(&certificates.join("client_key.pem")),
        qrs = gateway.listeners.qrs.port(),
    )
}
