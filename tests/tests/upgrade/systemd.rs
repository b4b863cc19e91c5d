//! Sockets that a service manager has opened, and what it is told.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use jotgate_scenarios::{Folder, Gateway, GatewayBuilder, eventually};

/// Opens a socket of this machine for each of the names, and becomes the gateway: what systemd does.
const MANAGER: &str = "
import os, socket, sys
names = sys.argv[1].split(':')
kept = []
for number, name in enumerate(names):
    address = name.split('@')[1:] or ['127.0.0.1', '0']
    if len(address) == 1: address = address[0].rsplit(':', 1)
    kept.append(socket.create_server((address[0], int(address[1]))))
for number, one in enumerate(kept):
    os.dup2(one.fileno(), 100 + number)
for number in range(len(kept)):
    os.dup2(100 + number, 3 + number)
    os.close(100 + number)
os.environ['LISTEN_PID'] = str(os.getpid())
os.environ['LISTEN_FDS'] = str(len(names))
os.environ['LISTEN_FDNAMES'] = ':'.join(name.split('@')[0] for name in names)
os.execv(sys.argv[2], sys.argv[2:])
";

fn with_sockets(names: &str) -> GatewayBuilder {
    Gateway::serve().under(&["python3", "-c", MANAGER, names])
}

#[tokio::test]
async fn sockets_with_names_are_served_instead_of_those_of_the_settings() {
    let gateway = with_sockets("gateway:gateway-http:qrs:qps:observe:gateway")
        .setting("--listen", "192.0.2.1:1")
        .setting("--observe-listen", "192.0.2.1:2")
        .await;
    assert_eq!(gateway.listeners().gateway.len(), 2);
    assert_eq!(gateway.client().get("/").send().await.status, 401);
    assert_eq!(gateway.plain_client().get("/").send().await.status, 401);
    gateway.qrs().get("/proxyservice/count").await;
}

#[tokio::test]
async fn sockets_without_names_are_found_by_their_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let gateway = with_sockets(
        "jotgate.socket@127.0.0.1@PORT"
            .replace("PORT", &port.to_string())
            .as_str(),
    )
    .setting("--listen", format!("127.0.0.1:{port}"))
    .await;
    assert_eq!(gateway.listeners().gateway[0].port(), port);
    assert_eq!(gateway.client().get("/").send().await.status, 401);
}

#[tokio::test]
async fn sockets_that_nothing_names_are_an_error() {
    let left = with_sockets("unknown").ended().await;
    assert_eq!(left.code, Some(64), "{}", left.stderr);
    assert!(
        left.stderr.contains("no setting names 127.0.0.1:"),
        "{}",
        left.stderr
    );
    let strange = with_sockets("gatway").ended().await;
    assert_eq!(strange.code, Some(64), "{}", strange.stderr);
    assert!(strange.stderr.contains("\"gatway\""), "{}", strange.stderr);
    let twice = with_sockets("qrs:qrs").ended().await;
    assert_eq!(twice.code, Some(64), "{}", twice.stderr);
    assert!(twice.stderr.contains("several sockets"), "{}", twice.stderr);
}

#[tokio::test]
async fn the_service_manager_is_told() {
    let folder = std::sync::Arc::new(Folder::of_a_new_site("serve"));
    let path = folder.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_nonblocking(true).expect("not blocking");
    let told = async |what: &str| {
        let receive = async || {
            let mut bytes = [0; 1024];
            let length = socket.recv(&mut bytes).ok()?;
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            text.contains(what).then_some(text)
        };
        eventually(&format!("the service manager is told {what}"), receive).await
    };
    let gateway = Gateway::serve()
        .folder(folder.clone())
        .environment("NOTIFY_SOCKET", path.to_str().expect("text"))
        .await;
    let first = told("READY=1").await;
    gateway.signal(jotgate_scenarios::Signal::HUP);
    assert!(told("RELOADING=1").await.contains("MONOTONIC_USEC="));
    told("READY=1").await;
    let next = gateway.again().taking_over().await;
    let second = told("MAINPID=").await;
    assert_ne!(first, second, "another process is the main one");
    assert_eq!(gateway.wait().await.code, Some(0));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(next.stop().await.code, Some(0));
    told("STOPPING=1").await;
}
