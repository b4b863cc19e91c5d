//! The demo, as somebody tries it who has just built it.

use jotgate_scenarios::Gateway;

#[tokio::test]
async fn the_three_commands_that_the_demo_prints_do_what_it_says() {
    let gateway = Gateway::demo().first_start().await;
    let printed = gateway.process().stdout();
    let token = printed.lines().find(|line| line.starts_with("eyJ")).expect("a token");
    let client = gateway.client();

    let without = client.get("/jwt/hub/").send().await;
    assert_eq!((without.status, without.reason()), (401, "credentials_missing"));

    let with_token = client.get("/jwt/hub/").bearer(token).send().await;
    assert_eq!(with_token.status, 200, "{}", with_token.text());

    let with_cookie = client.get("/jwt/hub/").cookie(&with_token.cookie()).send().await;
    assert_eq!(with_cookie.status, 200);
    assert!(with_cookie.text().contains("boz"));
}
