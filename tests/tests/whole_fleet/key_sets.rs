//! Published keys: whatever the number of nodes, the issuer sees one of them.

use jotgate_scenarios::{Backend, Fleet};

use crate::issuer::{Issuer, key_set};
use crate::key_server::{KeyServer, Mode};
use crate::{becomes, with_token};

#[tokio::test]
async fn one_fetch_of_a_key_set_serves_every_node() {
    let (first, second) = (Issuer::rsa(0), Issuer::rsa(1));
    let server = KeyServer::start(Mode::document(key_set([first]))).await;
    let mut fleet = Fleet::of(3, Backend::echo().await).await;
    fleet.vp.set("jwtJwksUri", server.at("/keys")).await;
    fleet.caught_up().await;
    for node in &fleet.nodes {
        let accepted = async || with_token(node, &first.token()).await;
        becomes("the keys at every node", 200, accepted).await;
    }
    assert_eq!(server.requests(), 1);
    // A node that joins or starts again has them as well.
    let again = fleet.nodes.remove(0).restart().await;
    fleet.nodes.push(again);
    let fourth = fleet.node().first_start().await;
    fleet.nodes.push(fourth);
    for node in &fleet.nodes {
        let accepted = async || with_token(node, &first.token()).await;
        becomes("the keys after a start", 200, accepted).await;
    }
    assert_eq!(server.requests(), 1);
    // Nobody waits for a new key because another node has fetched a moment ago.
    server.set(Mode::document(key_set([first, second])));
    for node in &fleet.nodes {
        let answer = with_token(node, &second.token()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let (requests, nodes) = (server.requests(), fleet.nodes.len());
    assert!((2..=1 + nodes).contains(&requests), "{requests}");
    // Without the store each helps itself.
    fleet.redis().stop();
    let other = KeyServer::start(Mode::document(key_set([first]))).await;
    let vp = fleet.nodes[0].qrs().find("jwt").await;
    vp.set("jwtJwksUri", other.at("/keys")).await;
    let all_helped = async || (other.requests() == nodes).then_some(());
    jotgate_scenarios::eventually("a fetch of each node", all_helped).await;
}
