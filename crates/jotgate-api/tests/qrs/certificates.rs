use serde_json::{Value, json};

use crate::site::Site;

const EXPORT: &str = "/qrs/certificatedistribution/exportcertificates";

/// As qlik-repo-api asks for them.
#[tokio::test]
async fn certificates_are_exported_as_pem_files() {
    let site = Site::new().await;
    let folder = json!("/data/certificates/exported");
    let path = site.read(&format!("{EXPORT}path")).await;
    assert_eq!(path, folder);
    let mut body = json!({
        "machineNames": ["app.example.com"], "certificatePassword": "hunter2",
        "includeSecretsKey": true, "exportFormat": 1,
    });
    assert_eq!(site.create(EXPORT, &body).await, folder);
    for (field, value, status) in [
        ("exportFormat", json!(0), 400),
        ("exportFormat", Value::Null, 400),
        ("exportFormat", json!(2), 400),
        ("machineNames", json!([]), 400),
        ("machineNames", json!(["../../etc"]), 400),
        ("machineNames", json!("app"), 400),
        ("machineNames", json!(["full"]), 503),
        ("rootKey", json!(true), 400),
    ] {
        let before = body[field].take();
        body[field] = value;
        let refused = site.post(EXPORT, &body).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text);
        body[field] = before;
        body.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
    }
}
