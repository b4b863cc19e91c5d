use std::collections::HashMap;

use jotgate_model::entity::{
    LoadBalancingAlgorithm, ProxyService, ServerNodeConfiguration, ServiceConfig,
    VirtualProxyConfig,
};
use jotgate_model::{Documents, Timestamp, Uuid};
use proptest::prelude::*;

use super::*;

const WELL: Standing = Standing {
    down: false,
    share: WHOLE,
    load: 0,
};
const DOWN: Standing = Standing { down: true, ..WELL };
const BACK: Standing = Standing { share: 100, ..WELL };

/// Node number i is called n{i}. Those of `draining` are drained since second 100.
fn site(balancing: Balancing, paths: &[&str], draining: &[usize]) -> Snapshot {
    let mut documents = Documents::default();
    let mut vp = VirtualProxyConfig {
        prefix: "jwt".into(),
        session_cookie_header_name: "C".into(),
        use_sticky_load_balancing: balancing == Balancing::Sticky,
        ..Default::default()
    };
    if balancing == Balancing::LeastRequests {
        vp.load_balancing_algorithm = LoadBalancingAlgorithm::LeastRequests;
    }
    for (i, path) in paths.iter().enumerate() {
        let mut node = ServerNodeConfiguration {
            name: format!("n{i}"),
            host_name: "h".into(),
            draining: draining.contains(&i),
            draining_since: Timestamp::from_millis(100_900),
            ..Default::default()
        };
        node.metadata.id = Uuid::from_u128(i as u128 + 1);
        node.services = vec![ServiceConfig {
            path: (*path).into(),
            uri: format!("http://n{i}:1"),
            ..Default::default()
        }];
        vp.load_balancing_server_nodes.push(node.metadata.id);
        documents.nodes.insert(node.metadata.id, Arc::new(node));
    }
    let central = ServerNodeConfiguration {
        name: "central".into(),
        host_name: "h".into(),
        ..Default::default()
    };
    documents.nodes.insert(Uuid::nil(), Arc::new(central));
    let mut proxy = ProxyService::default();
    proxy.settings.virtual_proxies.push(vp.metadata.id);
    documents
        .virtual_proxies
        .insert(vp.metadata.id, Arc::new(vp));
    documents
        .proxy_services
        .insert(Uuid::nil(), Arc::new(proxy));
    Snapshot::build(1, documents, Uuid::nil(), None).unwrap()
}

fn turn(turn: u64) -> Asker<'static> {
    Asker {
        session: "s",
        opened: UnixTime(50),
        balancing: Balancing::InTurn,
        turn,
    }
}

fn session(id: &str) -> Asker<'_> {
    Asker {
        session: id,
        opened: UnixTime(50),
        balancing: Balancing::InTurn,
        turn: 0,
    }
}

/// The name of the node, or the detail of the refusal.
fn chosen(
    s: &Snapshot,
    path: &str,
    asker: Asker<'_>,
    standing: impl Fn(&str) -> Option<Standing>,
) -> Result<String, String> {
    let vp = s.by_prefix("jwt").unwrap();
    let asker = Asker {
        balancing: vp.balancing,
        ..asker
    };
    select(s, vp, path, asker, |node, _| standing(&node.name))
        .map(|target| target.node.name.to_string())
        .map_err(|refusal| refusal.detail().unwrap_or_default().to_owned())
}

#[test]
fn nodes_take_turns_and_sick_ones_are_passed_over() {
    let s = site(Balancing::InTurn, &["/", "/", "/hub"], &[]);
    let turns = (0..4).map(|n| chosen(&s, "/app/x", turn(n), |_| Some(WELL)).unwrap());
    assert_eq!(turns.collect::<Vec<_>>(), ["n0", "n1", "n0", "n1"]);
    let first_is_down = |name: &str| Some(if name == "n0" { DOWN } else { WELL });
    for n in 0..4 {
        assert_eq!(chosen(&s, "/app/x", turn(n), first_is_down).unwrap(), "n1");
    }
    let first_was_tried = |name: &str| (name != "n0").then_some(DOWN);
    assert_eq!(
        chosen(&s, "/app/x", turn(0), first_was_tried).unwrap(),
        "n1"
    );
}

/// One failed connection must not refuse everybody for two seconds.
#[test]
fn a_failing_node_is_better_than_none() {
    for balancing in [
        Balancing::InTurn,
        Balancing::LeastRequests,
        Balancing::Sticky,
    ] {
        let s = site(balancing, &["/", "/"], &[0]);
        assert_eq!(
            chosen(&s, "/x", turn(0), |_| Some(DOWN)).unwrap(),
            if balancing == Balancing::Sticky {
                chosen(&s, "/x", turn(0), |_| Some(WELL)).unwrap()
            } else {
                "n1".to_owned()
            }
        );
        assert!(chosen(&s, "/x", turn(0), |_| None).is_err());
    }
}

#[test]
fn the_fewest_requests_win() {
    let s = site(Balancing::LeastRequests, &["/", "/", "/"], &[]);
    let loads = |name: &str| {
        let load = HashMap::from([("n0", 3), ("n1", 1), ("n2", 2)])[name];
        Some(Standing { load, ..WELL })
    };
    for n in 0..10 {
        assert_eq!(chosen(&s, "/", turn(n), loads).unwrap(), "n1");
    }
    // Equals share.
    let all: std::collections::HashSet<_> = (0..100)
        .map(|n| chosen(&s, "/", turn(n), |_| Some(WELL)).unwrap())
        .collect();
    assert_eq!(all.len(), 3);
}

#[test]
fn who_comes_back_gets_its_share() {
    for balancing in [Balancing::InTurn, Balancing::LeastRequests] {
        let s = site(balancing, &["/", "/"], &[]);
        let back = |name: &str| Some(if name == "n0" { BACK } else { WELL });
        let count = (0..1000)
            .filter(|n| chosen(&s, "/", turn(*n), back).unwrap() == "n0")
            .count();
        assert!((10..200).contains(&count), "{balancing:?}: {count} of 1000");
    }
}

#[test]
fn a_draining_node_keeps_its_sessions_and_gets_no_new_ones() {
    let (before, after) = (
        site(Balancing::Sticky, &["/", "/"], &[]),
        site(Balancing::Sticky, &["/", "/"], &[0]),
    );
    let mut kept = 0;
    for n in 0..100 {
        let id = format!("session {n}");
        let old = session(&id);
        let new = Asker {
            opened: UnixTime(100),
            ..old
        };
        let node = chosen(&before, "/", old, |_| Some(WELL)).unwrap();
        assert_eq!(chosen(&after, "/", old, |_| Some(WELL)).unwrap(), node);
        assert_eq!(chosen(&after, "/", new, |_| Some(WELL)).unwrap(), "n1");
        kept += usize::from(node == "n0");
    }
    assert!(kept > 20, "{kept}");
    // When nobody else is left it serves all the same.
    let only = site(Balancing::Sticky, &["/"], &[0]);
    assert!(chosen(&only, "/", turn(0), |_| Some(WELL)).is_ok());
    // Without bound sessions nothing has to stay.
    let in_turn = site(Balancing::InTurn, &["/", "/"], &[0]);
    for n in 0..4 {
        assert_eq!(
            chosen(&in_turn, "/", turn(n), |_| Some(WELL)).unwrap(),
            "n1"
        );
    }
}

proptest! {
    /// When a node goes only the sessions of that node move; when it is back they are back.
    #[test]
    fn only_the_sessions_of_the_lost_node_move(id in "[0-9a-f-]{36}", lost in 0..5_usize) {
        let s = site(Balancing::Sticky, &["/"; 5], &[]);
        let lost = format!("n{lost}");
        let before = chosen(&s, "/", session(&id), |_| Some(WELL)).unwrap();
        let without = chosen(&s, "/", session(&id), |name| {
            Some(if name == lost { DOWN } else { WELL })
        })
        .unwrap();
        prop_assert_ne!(&without, &lost);
        if before != lost {
            prop_assert_eq!(&without, &before);
        }
        // While it comes back its sessions are there or where they were, never at a third node.
        let returning = chosen(&s, "/", session(&id), |name| {
            Some(if name == lost { BACK } else { WELL })
        })
        .unwrap();
        prop_assert!(returning == before || returning == without);
    }
}

#[test]
fn sessions_are_spread_evenly() {
    let s = site(Balancing::Sticky, &["/"; 4], &[]);
    let mut counts = HashMap::new();
    for n in 0..4000 {
        let id = format!("00000000-0000-4000-8000-{n:012}");
        let node = chosen(&s, "/", session(&id), |_| Some(WELL)).unwrap();
        *counts.entry(node).or_insert(0) += 1;
    }
    assert!(
        counts.values().all(|count| (800..1200).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn the_detail_says_why_there_is_no_node() {
    let detail = |paths: &[&str], path| {
        let s = site(Balancing::InTurn, paths, &[]);
        chosen(&s, path, turn(0), |_| None).unwrap_err()
    };
    assert!(detail(&[], "/").contains("has no load balancing node"));
    assert!(detail(&["/hub"], "/app/x").contains("serves /app"));
    assert!(detail(&["/hub"], "/hub/").contains("is well"));
}
