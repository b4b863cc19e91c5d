use http::Method;

use crate::site::{Site, shown};

#[tokio::test]
async fn about_is_the_test_of_the_connection() {
    let site = Site::new().await;
    let about = site.read("/qrs/about").await;
    insta::assert_snapshot!(shown(&about));
    let version = about["buildVersion"].as_str().unwrap();
    let numbers: Vec<u32> = version.split('.').map(|n| n.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 4);
    assert!(numbers[0] > 3);
}

#[tokio::test]
async fn enumerations_are_described() {
    let site = Site::new().await;
    insta::assert_snapshot!(shown(&site.read("/qrs/about/api/enums").await));
}

#[tokio::test]
async fn ping_answers() {
    let site = Site::new().await;
    assert_eq!(site.read("/qrs/ssl/ping").await, "pong");
    let answer = site.send(Method::POST, "/qrs/ssl/ping", "", |_| {}).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers["allow"], "GET, HEAD");
}
