use jotgate_repository::Kind;

use super::*;
use crate::ManageError;
use crate::testing::{Site, at, invalid, root, site};

async fn create(site: &Site, document: Document) -> Result<Uuid, ManageError> {
    let created = site
        .management
        .create_documents(root(), vec![document], at(1));
    created.await.map(|created| created[0].id())
}

fn tag(name: &str) -> Document {
    Document::Tag(Arc::new(Tag {
        name: name.to_owned(),
        ..Tag::default()
    }))
}

fn property(name: &str, object_types: &[&str], choices: &[&str]) -> Document {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Document::CustomProperty(Arc::new(CustomPropertyDefinition {
        name: name.to_owned(),
        object_types: owned(object_types),
        choice_values: owned(choices),
        ..CustomPropertyDefinition::default()
    }))
}

#[tokio::test]
async fn the_note_of_a_save_is_one_line_whatever_the_name_is() {
    let site = site().await;
    create(&site, tag("a\0b\nc\u{1b}d")).await.unwrap();
    let newest = site.management.revisions(None, 1).await.unwrap();
    assert_eq!(newest[0].note, "create tag \"a b c d\"");
}

#[tokio::test]
async fn names_are_unique_in_any_case() {
    let site = site().await;
    create(&site, tag("Müll")).await.unwrap();
    assert!(
        invalid(create(&site, tag("müll")).await)
            .to_string()
            .contains("already")
    );
    assert!(
        invalid(create(&site, tag(" ")).await)
            .to_string()
            .starts_with("name: ")
    );
    create(&site, property("Team", &["VirtualProxyConfig"], &[]))
        .await
        .unwrap();
    let again = create(&site, property("TEAM", &["ProxyService"], &[])).await;
    assert!(invalid(again).to_string().contains("already"));
    for bad in [
        property("a b", &["ProxyService"], &[]),
        property("x", &["App"], &[]),
        property("x", &["ProxyService"], &[""]),
    ] {
        invalid(create(&site, bad).await);
    }
}

#[tokio::test]
async fn labels_exist_fit_and_go_with_their_definition() {
    let site = site().await;
    let red = create(&site, tag("red")).await.unwrap();
    let team = property("Team", &["VirtualProxyConfig"], &["a", "b"]);
    let team = create(&site, team).await.unwrap();
    let mut vp = (*site.create("jwt").await).clone();
    let value = |value: &str, definition| CustomPropertyValue {
        value: value.to_owned(),
        definition,
        ..CustomPropertyValue::default()
    };
    let id = vp.metadata.id;
    let save = |vp: &jotgate_model::entity::VirtualProxyConfig| {
        site.management
            .update_virtual_proxy(root(), id, vp.clone(), at(2))
    };
    vp.tags = vec![Uuid::from_u128(1)];
    assert!(
        invalid(save(&vp).await)
            .to_string()
            .starts_with("tags[0]: ")
    );
    vp.tags = vec![red];
    vp.custom_properties = vec![value("c", team)];
    assert!(
        invalid(save(&vp).await)
            .to_string()
            .contains("none of the values")
    );
    vp.custom_properties = vec![value("a", team), value("b", team)];
    save(&vp).await.unwrap();

    let mut node = site.central();
    node.custom_properties = vec![value("a", team)];
    let refused = site
        .management
        .update_node(root(), node.metadata.id, node, at(3));
    assert!(
        invalid(refused.await)
            .to_string()
            .contains("not one of ServerNodeConfiguration")
    );

    for (kind, label) in [(Kind::Tag, red), (Kind::CustomProperty, team)] {
        let deleted = site
            .management
            .delete_documents(root(), kind, vec![label], at(4));
        deleted.await.unwrap();
    }
    let stored = site.stored().await.documents.virtual_proxies[&id].clone();
    assert!(stored.tags.is_empty() && stored.custom_properties.is_empty());
}
