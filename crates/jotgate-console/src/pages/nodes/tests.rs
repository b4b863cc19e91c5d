use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jotgate_manage::{BackendCheck, BackendOutcome, LiveSide, Privilege};
use jotgate_model::entity::{ServerNodeConfiguration, VirtualProxyConfig};

use crate::testing::{Site, now, quiet_side, site};

const EVIL: &str = "\"><script>alert(1)</script>";

/// What a browser sends of the page, with these fields.
fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("do", "save"),
        ("name", "engine-1"),
        ("hostName", "engine-1.example.com"),
        ("services.path", "/"),
        ("services.uri", "https://10.0.0.5:8443"),
        ("services.healthPath", "/health"),
        ("services.http2", "true"),
        ("services.path", ""),
        ("services.uri", ""),
        ("services.healthPath", ""),
        ("services.http2", "false"),
        ("maxConnections", "7"),
    ];
    let changed = |name: &str| more.iter().any(|(its, _)| *its == name);
    let mut fields: Vec<_> = usual
        .into_iter()
        .filter(|(name, _)| !changed(name))
        .collect();
    fields.extend(more);
    fields
}

fn stored(site: &Site, name: &str) -> Option<Arc<ServerNodeConfiguration>> {
    let snapshot = site.management.snapshot();
    let mut nodes = snapshot.documents.nodes.values();
    nodes.find(|node| node.name == name).cloned()
}

async fn made(site: &Site) -> Arc<ServerNodeConfiguration> {
    let created = site.post("/qmc/nodes/new", &form(&[])).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    stored(site, "engine-1").unwrap()
}

#[tokio::test]
async fn a_node_is_created_listed_changed_and_deleted() {
    let site = site().await;
    let node = made(&site).await;
    assert_eq!(node.services.len(), 1);
    assert!(node.services[0].http2 && node.max_connections == 7);
    let list = site.get("/qmc/nodes?filter=ENGINE").await.text;
    assert!(list.contains("engine-1.example.com") && list.contains("1 of 2"));
    let path = format!("/qmc/nodes/{}", node.metadata.id);
    let version = node.metadata.modified_date.to_string();
    let changed = form(&[("hostName", "other.example.com"), ("version", &version)]);
    let saved = site.post(&path, &changed).await;
    assert_eq!(saved.header("location"), format!("{path}?done=saved"));
    assert_eq!(
        stored(&site, "engine-1").unwrap().host_name,
        "other.example.com"
    );
    let path = format!("{path}/delete");
    assert!(
        site.get(&path)
            .await
            .text
            .contains("no virtual proxy names it")
    );
    let deleted = site.post(&path, &[]).await;
    assert_eq!(deleted.header("location"), "/qmc/nodes?done=deleted");
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_field_shows_its_own_error_and_keeps_what_was_typed() {
    let site = site().await;
    for (field, text, shown) in [
        ("name", "", "It must have 1 to 255 characters"),
        ("services.uri", "nonsense", "Row 1: uri "),
        ("maxConnections", "many", "It must be a whole number"),
        ("caCertificate", "nonsense", "It is no PEM certificate"),
        ("clientKey", "nonsense", "It is no PEM private key"),
    ] {
        let answer = site.post("/qmc/nodes/new", &form(&[(field, text)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(answer.text.contains(shown), "{field}: {}", answer.text);
        assert!(answer.text.contains("10.0.0.5") || field.starts_with("services"));
    }
    assert!(stored(&site, "engine-1").is_none());
}

#[tokio::test]
async fn a_private_key_never_comes_back_to_the_page() {
    let site = site().await;
    let key =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIsecretsecret\n-----END PRIVATE KEY-----";
    for field in ["clientKey", "clientCertificate", "caCertificate"] {
        let answer = site.post("/qmc/nodes/new", &form(&[(field, key)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(!answer.text.contains("secretsecret"), "{field}");
    }
}

#[tokio::test]
async fn rows_come_and_go_and_nothing_is_saved() {
    let site = site().await;
    let answer = site.post("/qmc/nodes/new", &form(&[("do", "rows")])).await;
    assert_eq!(answer.text.matches("name=\"services.uri\"").count(), 2);
    let answer = site
        .post("/qmc/nodes/new", &form(&[("do", "remove:0")]))
        .await;
    assert_eq!(answer.text.matches("name=\"services.uri\"").count(), 1);
    assert!(!answer.text.contains("value=\"https://10.0.0.5"));
    assert!(stored(&site, "engine-1").is_none());
}

#[tokio::test]
async fn services_are_tried_before_they_are_saved() {
    let site = site().await;
    site.management.use_live(LiveSide {
        try_backend: Box::new(|_, service| {
            let detail = format!("nobody listens at {}", service.authority);
            Box::pin(async {
                BackendCheck {
                    outcome: BackendOutcome::Refused,
                    detail,
                    elapsed: Duration::from_millis(3),
                }
            })
        }),
        ..quiet_side()
    });
    let tried = site.post("/qmc/nodes/new", &form(&[("do", "check")])).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert!(
        tried.text.contains("nobody listens at 10.0.0.5:8443"),
        "{}",
        tried.text
    );
    assert!(tried.text.contains("badge bad\">not well"));
    assert!(stored(&site, "engine-1").is_none());
}

#[tokio::test]
async fn whoever_saved_in_between_is_named() {
    let site = site().await;
    let node = made(&site).await;
    let path = format!("/qmc/nodes/{}", node.metadata.id);
    let old = form(&[("version", "2020-01-01T00:00:00.000Z")]);
    let refused = site.post(&path, &old).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("INTERNAL\\anna changed this node"));
}

#[tokio::test]
async fn a_node_in_use_and_the_central_one_stay() {
    let site = site().await;
    let node = made(&site).await;
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Portal".to_owned(),
        load_balancing_server_nodes: vec![node.metadata.id],
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap();
    let path = format!("/qmc/nodes/{}/delete", node.metadata.id);
    let asked = site.get(&path).await.text;
    assert!(asked.contains("Portal</a>") && !asked.contains("class=\"danger\""));
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::BAD_REQUEST);
    let central = stored(&site, "Central").unwrap().metadata.id;
    let asked = site.get(&format!("/qmc/nodes/{central}/delete")).await.text;
    assert!(asked.contains("The central node cannot be deleted"));
}

/// Browsers send other line ends than clients of QRS, and the page leaves out the last one.
#[tokio::test]
async fn a_certificate_that_nobody_has_touched_stays_as_it_is() {
    let site = site().await;
    let node = made(&site).await;
    let pair = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["ca.example.com".to_owned()]).unwrap();
    let pem = params
        .self_signed(&pair)
        .unwrap()
        .pem()
        .replace("\r\n", "\n");
    let windows = pem.replace('\n', "\r\n");
    let (actor, id) = (&site.visitor.actor, node.metadata.id);
    for (stored_pem, sent) in [(&windows, windows.trim_end()), (&pem, windows.trim_end())] {
        let mut draft = (*stored(&site, "engine-1").unwrap()).clone();
        draft.ca_certificate.clone_from(stored_pem);
        let saved = site.management.update_node(actor, id, draft, now()).await;
        let version = saved.unwrap().metadata.modified_date.to_string();
        let fields = form(&[("caCertificate", sent), ("version", &version)]);
        let applied = site.post(&format!("/qmc/nodes/{id}"), &fields).await;
        assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
        assert_eq!(
            &stored(&site, "engine-1").unwrap().ca_certificate,
            stored_pem
        );
    }
}

#[tokio::test]
async fn an_audit_admin_reads_and_changes_nothing() {
    let mut site = site().await;
    let node = made(&site).await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let path = format!("/qmc/nodes/{}", node.metadata.id);
    let shown = site.get(&path).await.text;
    assert!(shown.contains("changes nothing") && !shown.contains("Check now"));
    let version = node.metadata.modified_date.to_string();
    let saved = site.post(&path, &form(&[("version", &version)])).await;
    assert_eq!(saved.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let site = site().await;
    let created = site.post("/qmc/nodes/new", &form(&[("name", EVIL)])).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER);
    let id = stored(&site, EVIL).unwrap().metadata.id;
    for path in ["/qmc/nodes".to_owned(), format!("/qmc/nodes/{id}")] {
        let shown = site.get(&path).await.text;
        assert!(
            shown.contains("alert(1)") && !shown.contains("<script>alert"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn values_of_custom_properties_are_set_kept_and_dropped() {
    let site = site().await;
    for (name, choices) in [("Room", ""), ("Stage", "test\r\nlive")] {
        let fields = [
            ("name", name),
            ("choiceValues", choices),
            ("objectTypes", "ServerNodeConfiguration"),
        ];
        let made = site.post("/qmc/custom-properties/new", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    }
    let id_of = |name: &str| {
        let snapshot = site.management.snapshot();
        let mut all = snapshot.documents.custom_properties.values();
        all.find(|one| one.name == name)
            .unwrap()
            .metadata
            .id
            .to_string()
    };
    let (room, stage) = (id_of("Room"), id_of("Stage"));
    let path = format!("/qmc/nodes/{}", made(&site).await.metadata.id);
    let values = || {
        let node = stored(&site, "engine-1").unwrap();
        let rows = node.custom_properties.iter();
        let rows = rows.map(|row| (row.value.clone(), row.metadata.id));
        let values: Vec<_> = rows.collect();
        (values, node.metadata.modified_date.to_string())
    };
    let save = async |rows: &[(&str, &str)]| {
        let version = values().1;
        let mut fields = vec![("version", &*version)];
        for (definition, value) in rows {
            fields.push(("customProperties.definition", definition));
            fields.push(("customProperties.value", value));
        }
        site.post(&path, &form(&fields)).await
    };
    let saved = save(&[(&room, " B 12 "), (&room, ""), (&stage, "live")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let first = values().0;
    assert_eq!((&*first[0].0, &*first[1].0), ("B 12", "live"));
    let page = site.get(&path).await.text;
    assert!(page.contains(r#"value="B 12""#) && page.contains("<option selected>live"));

    let wrong = save(&[(&room, EVIL), (&stage, EVIL)]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(
        wrong
            .text
            .contains("is none of the values that Stage can have")
    );
    assert!(!wrong.text.contains("<script>alert"));

    let longest = "x".repeat(1024);
    let too_long = save(&[(&room, &format!("{longest}x"))]).await;
    assert_eq!(too_long.status, StatusCode::BAD_REQUEST);
    assert!(too_long.text.contains("must have at most 1024 characters"));
    assert_eq!(values().0, first, "nothing was saved");
    let saved = save(&[(&room, "B 12"), (&room, &longest), (&stage, "live")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);

    let saved = save(&[(&room, "B 12"), (&room, "C 1"), (&stage, "")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let second = values().0;
    assert_eq!(second[0], first[0], "the same row");
    assert_eq!((second.len(), &*second[1].0), (2, "C 1"));
}
