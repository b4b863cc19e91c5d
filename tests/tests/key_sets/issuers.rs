//! Several issuers on one virtual proxy: each with its own keys and audience, and nobody else's.

use serde_json::json;

use crate::Site;
use crate::issuer::{Issuer, key_set};
use crate::key_server::{KeyServer, Mode};

const MAIN: &str = "https://main.example";
const PUBLISHED: &str = "https://published.example";
const PASTED: &str = "https://pasted.example";

#[tokio::test]
async fn every_issuer_speaks_for_itself_alone() {
    let site = Site::new().await;
    let server = KeyServer::start(Mode::document(key_set([Issuer::rsa(1)]))).await;
    let vp = site
        .vp("jwt")
        .set("jwtIssuer", MAIN)
        .set("jwtAudience", "main");
    let vp = vp.set("jwtPublicKeyCertificate", Issuer::rsa(0).public_key());
    let issuers = json!([
        { "issuer": PUBLISHED, "audience": "published", "jwksUri": server.at("/keys") },
        { "issuer": PASTED, "audience": "pasted", "publicKeyCertificate": Issuer::rsa(2).public_key() },
    ]);
    vp.set("jwtIssuers", issuers).create().await;
    let issuers = [(MAIN, "main"), (PUBLISHED, "published"), (PASTED, "pasted")];
    for (key, _) in issuers.iter().enumerate() {
        for (named, (issuer, _)) in issuers.iter().enumerate() {
            for (audience, (_, aud)) in issuers.iter().enumerate() {
                let token = Issuer::rsa(key).token_with(json!({ "iss": issuer, "aud": aud }));
                let expected = match () {
                    () if key == named && named == audience => "",
                    () if key == named => "audience_mismatch",
                    () if named == 1 => "key_not_found",
                    () => "signature_invalid",
                };
                let found = site.reason("jwt", &token).await;
                assert_eq!(found, expected, "key {key}, iss {issuer}, aud {aud}");
            }
        }
    }
    // Who is unknown is judged as the virtual proxy itself says, and refused.
    let unknown = json!({ "iss": "https://unknown.example", "aud": "main" });
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(0).token_with(unknown.clone()))
            .await,
        "issuer_mismatch"
    );
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(1).token_with(unknown))
            .await,
        "signature_invalid"
    );
    let without = json!({ "aud": "main" });
    assert_eq!(
        site.reason("jwt", &Issuer::rsa(0).token_with(without))
            .await,
        "issuer_mismatch"
    );
    for odd in [json!([PUBLISHED]), json!(7), json!({})] {
        let token = Issuer::rsa(1).token_with(json!({ "iss": odd, "aud": "published" }));
        assert_ne!(site.reason("jwt", &token).await, "", "iss {odd}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_taken_out_is_gone_and_the_others_go_on() {
    let site = Site::new().await;
    let entry = |issuer: &str, number: usize| json!({ "issuer": issuer, "publicKeyCertificate": Issuer::rsa(number).public_key() });
    let both = json!([entry(PUBLISHED, 1), entry(PASTED, 2)]);
    let vp = site.vp("jwt").set("jwtIssuers", both).create().await;
    let token =
        |issuer: &str, number: usize| Issuer::rsa(number).token_with(json!({ "iss": issuer }));
    let (first, second) = (token(PUBLISHED, 1), token(PASTED, 2));
    site.assert_served("jwt", &first, "the first").await;
    site.assert_served("jwt", &second, "the second").await;
    vp.set("jwtIssuers", json!([entry(PASTED, 2)])).await;
    assert_ne!(
        site.reason("jwt", &first).await,
        "",
        "its token was remembered"
    );
    site.assert_served("jwt", &second, "the second").await;
    // The other's key does not speak for it.
    vp.set("jwtIssuers", json!([entry(PUBLISHED, 2), entry(PASTED, 1)]))
        .await;
    assert_eq!(site.reason("jwt", &first).await, "signature_invalid");
    assert_eq!(site.reason("jwt", &second).await, "signature_invalid");
}

#[tokio::test]
async fn one_issuers_silence_is_nobody_elses() {
    let site = Site::new().await;
    let down = KeyServer::start(Mode::Status(503)).await;
    let vp = site.vp("jwt").set("jwtIssuer", MAIN);
    let vp = vp.set("jwtPublicKeyCertificate", Issuer::rsa(0).public_key());
    let issuers = json!([
        { "issuer": down.at(""), "discovery": true },
        { "issuer": PASTED, "publicKeyCertificate": Issuer::rsa(2).public_key() },
    ]);
    vp.set("jwtIssuers", issuers).create().await;
    let token =
        |issuer: &str, number: usize| Issuer::rsa(number).token_with(json!({ "iss": issuer }));
    site.assert_served("jwt", &token(MAIN, 0), "the virtual proxy's own")
        .await;
    site.assert_served("jwt", &token(PASTED, 2), "another one")
        .await;
    let answer = site.ask("jwt", &token(&down.at(""), 1)).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (503, "key_source_unavailable")
    );
    assert_eq!(
        site.reason("jwt", &token(MAIN, 1)).await,
        "signature_invalid"
    );
}
