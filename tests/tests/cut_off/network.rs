//! A node on a machine of its own, as far as the network goes: in a network namespace with two cables, one
//! to users and one to the stores, of which the second can be cut.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

/// Nobody has it: what is sent there is lost without a word.
const NOBODY: &str = "02:00:00:00:00:01";
/// What the names of namespaces begin with; the process that made them follows.
const PREFIX: &str = "jotgate-";

/// The namespace, and its two cables. Removed when this is dropped.
pub(crate) struct Network {
    name: String,
    number: u8,
    users: String,
    stores: String,
}

impl Network {
    /// # Panics
    /// When this is not root, or the Debian package iproute2 is missing.
    pub(crate) fn new() -> Self {
        let process = std::process::id();
        remove_left_over();
        let number = u8::try_from(process % 250).expect("a small number") + 1;
        let network = Self {
            name: format!("{PREFIX}{process}"),
            number,
            users: format!("jgu{process}"),
            stores: format!("jgs{process}"),
        };
        ip(&format!("netns add {}", network.name));
        ip(&format!("-n {} link set lo up", network.name));
        let [users, stores] = [network.user(), network.store()];
        network.lay(&network.users, users, "users", network.inside());
        network.lay(&network.stores, stores, "stores", network.seen_as());
        network
    }

    /// A cable from that interface and address to those inside.
    fn lay(&self, outside: &str, address: Ipv4Addr, inside: &str, other: Ipv4Addr) {
        let name = &self.name;
        ip(&format!(
            "link add {outside} type veth peer name {inside} netns {name}"
        ));
        ip(&format!("addr add {address}/30 dev {outside}"));
        ip(&format!("link set {outside} up"));
        ip(&format!("-n {name} addr add {other}/30 dev {inside}"));
        ip(&format!("-n {name} link set {inside} up"));
    }

    /// What starts a program inside.
    pub(crate) fn entering(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// Where users and backends are.
    pub(crate) const fn user(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 1)
    }

    /// Where the node listens.
    pub(crate) const fn inside(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 2)
    }

    /// Where the stores are.
    pub(crate) const fn store(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 5)
    }

    /// Where the node comes from, as the stores see it.
    pub(crate) const fn seen_as(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 6)
    }

    /// From now on nothing arrives, in either direction, and nobody is told.
    pub(crate) fn cut(&self) {
        let (name, there, here) = (&self.name, self.seen_as(), self.store());
        let lost = format!("lladdr {NOBODY} nud permanent dev");
        ip(&format!("neigh replace {there} {lost} {}", self.stores));
        ip(&format!("-n {name} neigh replace {here} {lost} stores"));
    }

    /// As it was.
    pub(crate) fn heal(&self) {
        let (name, there, here) = (&self.name, self.seen_as(), self.store());
        ip(&format!("neigh del {there} dev {}", self.stores));
        ip(&format!("-n {name} neigh del {here} dev stores"));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Its ends of the cables go with it, and so do the others.
        drop(run(&format!("netns del {}", self.name)));
    }
}

/// What a test that was killed could not remove.
fn remove_left_over() {
    let found = run("netns list").expect("ip, of the Debian package iproute2");
    let text = String::from_utf8_lossy(&found.stdout);
    let names = text.lines().filter_map(|line| line.split(' ').next());
    for (name, process) in names.filter_map(|name| Some((name, name.strip_prefix(PREFIX)?))) {
        if !Path::new("/proc").join(process).exists() {
            drop(run(&format!("netns del {name}")));
        }
    }
}

fn ip(arguments: &str) {
    let done = run(arguments).expect("ip, of the Debian package iproute2");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "`ip {arguments}` (network namespaces take root): {error}"
    );
}

fn run(arguments: &str) -> std::io::Result<std::process::Output> {
    Command::new("ip").args(arguments.split(' ')).output()
}
