//! Select: which node serves a request.

use std::sync::Arc;

use jotgate_model::{Node, Reason, Refusal, Service, Snapshot, VirtualProxy};

/// A node and its backend for the path.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The machine.
    pub node: &'a Arc<Node>,
    /// The backend on it.
    pub service: &'a Arc<Service>,
}

/// What is known of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing against it.
    Well,
    /// It failed a moment ago. When nobody else is left it is asked all the same: it may be back.
    Failing,
    /// This request has asked it already.
    Tried,
}

/// Chooses among the virtual proxy's nodes that serve `path`, the well ones first: in turn, or by
/// `sticky`, a number that stays the same for a session.
///
/// # Errors
/// [`Reason::NodeUnavailable`], which says whether no node is configured, none serves the path, or
/// all have been tried.
pub fn select<'a>(
    snapshot: &'a Snapshot,
    vp: &VirtualProxy,
    path: &str,
    standing: impl Fn(&Node, &Service) -> Standing,
    turn: usize,
    sticky: Option<usize>,
) -> Result<Target<'a>, Refusal> {
    let serving: Vec<Target<'a>> = vp
        .nodes
        .iter()
        .filter_map(|id| snapshot.node(*id))
        .filter_map(|node| {
            node.service_for(path)
                .map(|service| Target { node, service })
        })
        .collect();
    let unavailable = |detail: String| Refusal::with(Reason::NodeUnavailable, detail);
    if vp.nodes.is_empty() {
        return Err(unavailable(format!(
            "the virtual proxy \"{}\" has no load balancing node",
            vp.description
        )));
    }
    if serving.is_empty() {
        let first = crate::route::split_first(path).0;
        return Err(unavailable(format!(
            "none of the load balancing nodes serves /{first}"
        )));
    }
    let start = sticky.unwrap_or(turn) % serving.len();
    (0..serving.len())
        .map(|offset| &serving[(start + offset) % serving.len()])
        .map(|target| (standing(target.node, target.service), target))
        .filter(|(standing, _)| *standing != Standing::Tried)
        // The first of the best, in turn.
        .min_by_key(|(standing, _)| *standing)
        .map(|(_, target)| target.clone())
        .ok_or_else(|| {
            unavailable(format!(
                "none of the {} nodes for this path is well",
                serving.len()
            ))
        })
}

#[cfg(test)]
mod tests {
    use jotgate_model::entity::{
        ProxyService, ServerNodeConfiguration, ServiceConfig, VirtualProxyConfig,
    };
    use jotgate_model::{Documents, Uuid};

    use super::*;

    fn snapshot(paths: &[&str]) -> Snapshot {
        let mut documents = Documents::default();
        let mut vp = VirtualProxyConfig {
            prefix: "jwt".into(),
            session_cookie_header_name: "C".into(),
            ..Default::default()
        };
        for (i, path) in paths.iter().enumerate() {
            let mut node = ServerNodeConfiguration {
                name: format!("n{i}"),
                host_name: "h".into(),
                ..Default::default()
            };
            node.metadata.id = Uuid::from_u128(i as u128);
            node.services = vec![ServiceConfig {
                path: (*path).into(),
                uri: format!("http://n{i}:1"),
                health_path: String::new(),
            }];
            vp.load_balancing_server_nodes.push(node.metadata.id);
            documents.nodes.insert(node.metadata.id, Arc::new(node));
        }
        let mut proxy = ProxyService::default();
        proxy.settings.virtual_proxies.push(vp.metadata.id);
        if paths.is_empty() {
            documents.nodes.insert(
                Uuid::nil(),
                Arc::new(ServerNodeConfiguration {
                    name: "n".into(),
                    host_name: "h".into(),
                    ..Default::default()
                }),
            );
        }
        documents
            .virtual_proxies
            .insert(vp.metadata.id, Arc::new(vp));
        documents
            .proxy_services
            .insert(Uuid::nil(), Arc::new(proxy));
        Snapshot::build(1, documents, Uuid::nil(), None).unwrap()
    }

    fn chosen(
        s: &Snapshot,
        path: &str,
        well: &[&str],
        turn: usize,
        sticky: Option<usize>,
    ) -> Result<String, String> {
        let vp = s.by_prefix("jwt").unwrap();
        select(
            s,
            vp,
            path,
            |node, _| {
                if well.contains(&&*node.name) {
                    Standing::Well
                } else {
                    Standing::Tried
                }
            },
            turn,
            sticky,
        )
        .map(|target| target.node.name.to_string())
        .map_err(|refusal| refusal.detail().unwrap_or_default().to_owned())
    }

    #[test]
    fn nodes_take_turns_and_sick_ones_are_passed_over() {
        let s = snapshot(&["/", "/", "/hub"]);
        let all = ["n0", "n1", "n2"];
        let turns: Vec<_> = (0..4)
            .map(|turn| chosen(&s, "/app/x", &all, turn, None).unwrap())
            .collect();
        assert_eq!(turns, ["n0", "n1", "n0", "n1"]);
        assert_eq!(chosen(&s, "/app/x", &["n1"], 0, None).unwrap(), "n1");
        assert_eq!(chosen(&s, "/app/x", &all, 0, Some(7)).unwrap(), "n1");
        assert_eq!(chosen(&s, "/app/x", &all, 1, Some(7)).unwrap(), "n1");
    }

    /// One failed connection must not refuse everybody for two seconds.
    #[test]
    fn a_failing_node_is_better_than_none() {
        let s = snapshot(&["/", "/"]);
        let vp = s.by_prefix("jwt").unwrap();
        let name = |standing: fn(&Node, &Service) -> Standing| {
            select(&s, vp, "/x", standing, 0, None)
                .map(|target| target.node.name.to_string())
                .ok()
        };
        assert_eq!(name(|_, _| Standing::Failing).as_deref(), Some("n0"));
        let second = |node: &Node, _: &Service| {
            if &*node.name == "n0" {
                Standing::Tried
            } else {
                Standing::Failing
            }
        };
        assert_eq!(name(second).as_deref(), Some("n1"));
        assert_eq!(name(|_, _| Standing::Tried), None);
    }

    #[test]
    fn the_detail_says_why_there_is_no_node() {
        assert!(
            chosen(&snapshot(&[]), "/", &[], 0, None)
                .unwrap_err()
                .contains("has no load balancing node")
        );
        let s = snapshot(&["/hub"]);
        assert!(
            chosen(&s, "/app/x", &["n0"], 0, None)
                .unwrap_err()
                .contains("serves /app")
        );
        assert!(
            chosen(&s, "/hub/", &[], 0, None)
                .unwrap_err()
                .contains("is well")
        );
    }
}
