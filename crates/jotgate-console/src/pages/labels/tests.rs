use http::StatusCode;
use jotgate_manage::Document;
use jotgate_model::Uuid;
use jotgate_model::entity::VirtualProxyConfig;

use crate::testing::{Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script>";

/// The id of the tag or custom property of that name.
fn id_of(site: &Site, name: &str) -> Option<Uuid> {
    let snapshot = site.management.snapshot();
    let mut all = Document::all(&snapshot.documents);
    let found = all.find(|document| document.display_name() == name);
    found.map(|document| document.id())
}

#[tokio::test]
async fn a_tag_is_made_renamed_and_taken_off_when_it_is_deleted() {
    let site = site().await;
    assert!(
        site.get("/qmc/tags")
            .await
            .text
            .contains("There is none yet.")
    );
    let made = site.post("/qmc/tags", &[("name", " external ")]).await;
    assert_eq!(made.header("location"), "/qmc/tags?done=created");
    let id = id_of(&site, "external").unwrap();
    let again = site.post("/qmc/tags", &[("name", "External")]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.text.contains("value=\"External\""));
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Portal".to_owned(),
        tags: vec![id],
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let vp = site.management.create_virtual_proxy(actor, draft, now());
    let vp = vp.await.unwrap().metadata.id;

    let path = format!("/qmc/tags/{id}");
    assert!(
        site.get(&path)
            .await
            .text
            .contains("Delete, and take it off 1")
    );
    let version = || {
        site.management.snapshot().documents.tags[&id]
            .metadata
            .modified_date
            .to_string()
    };
    let old = version();
    let rename = async |name: &str, version: &str| {
        site.post(&path, &[("name", name), ("version", version)])
            .await
    };
    let renamed = rename("partners", &old).await;
    assert_eq!(renamed.status, StatusCode::SEE_OTHER);
    assert_eq!(id_of(&site, "partners"), Some(id));
    // Somebody else has renamed it since the page was shown.
    let late = rename("guests", &old).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("value=\"guests\"") && late.text.contains(&version()));
    assert_eq!(id_of(&site, "guests"), None);
    let nameless = rename("", &version()).await;
    assert_eq!(nameless.status, StatusCode::BAD_REQUEST);
    let deleted = site.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER);
    let snapshot = site.management.snapshot();
    assert!(snapshot.documents.virtual_proxies[&vp].tags.is_empty());
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_custom_property_is_made_changed_and_deleted() {
    let site = site().await;
    let fields = [
        ("name", "Owner"),
        ("choiceValues", "Sales\r\n\r\n Finance "),
        ("objectTypes", "VirtualProxyConfig"),
    ];
    let made = site.post("/qmc/custom-properties/new", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let id = id_of(&site, "Owner").unwrap();
    assert!(site.get("/qmc/tags").await.text.contains("Sales, Finance"));
    let stored = || site.management.snapshot().documents.custom_properties[&id].clone();
    assert_eq!(stored().choice_values, ["Sales", "Finance"]);

    let path = format!("/qmc/custom-properties/{id}");
    let version = stored().metadata.modified_date.to_string();
    let fields = [("name", "not a name"), ("version", &*version)];
    let wrong = site.post(&path, &fields).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    for said in ["It must have 1 to 100 letters", "It must name one of"] {
        assert!(wrong.text.contains(said), "{said}");
    }
    let fields = [
        ("name", "Owner"),
        ("objectTypes", "ProxyService"),
        ("version", &version),
    ];
    let saved = site.post(&path, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(stored().object_types, ["ProxyService"]);
    let outdated = [
        ("name", "Owner"),
        ("objectTypes", "ProxyService"),
        ("version", "2020-01-01T00:00:00.000Z"),
    ];
    assert_eq!(
        site.post(&path, &outdated).await.status,
        StatusCode::CONFLICT
    );
    let deleted = site.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER);
    assert_eq!(id_of(&site, "Owner"), None);
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let site = site().await;
    site.post("/qmc/tags", &[("name", EVIL)]).await;
    let id = id_of(&site, EVIL).unwrap();
    for path in ["/qmc/tags".to_owned(), format!("/qmc/tags/{id}")] {
        let shown = site.get(&path).await.text;
        assert!(
            shown.contains("alert(1)") && !shown.contains("<script>alert"),
            "{path}"
        );
    }
}
