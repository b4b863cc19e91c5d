use jotgate_manage::{Kind as DocumentKind, Privilege};
use jotgate_model::Documents;
use serde_json::json;

use super::*;

/// One document of each kind, with something in every sort of member.
fn documents() -> Documents {
    let id = Uuid::from_u128;
    let mut documents = Documents::default();
    let mut put = |kind, value| match Document::from_value(kind, value).unwrap() {
        Document::CustomProperty(made) => {
            drop(documents.custom_properties.insert(made.metadata.id, made))
        }
        Document::Node(made) => drop(documents.nodes.insert(made.metadata.id, made)),
        Document::ProxyService(made) => {
            drop(documents.proxy_services.insert(made.metadata.id, made))
        }
        Document::Tag(made) => drop(documents.tags.insert(made.metadata.id, made)),
        Document::VirtualProxy(made) => {
            drop(documents.virtual_proxies.insert(made.metadata.id, made))
        }
    };
    put(
        DocumentKind::Tag,
        json!({"id": id(1), "name": "a \"quoted\" tag\n"}),
    );
    put(
        DocumentKind::CustomProperty,
        json!({"id": id(2), "name": "Team", "choiceValues": ["a", "ü"]}),
    );
    put(
        DocumentKind::Node,
        json!({
            "id": id(3), "name": "central", "hostName": "central", "tags": [id(1)],
            "services": [{"path": "/", "uri": "http://127.0.0.1:1"}], "clientKey": "secret",
        }),
    );
    put(
        DocumentKind::VirtualProxy,
        json!({
            "id": id(4), "prefix": "jwt", "description": "über", "oidcClientSecret": "secret",
            "authenticationMethod": "JWT", "tags": [id(1), id(99)],
            "loadBalancingServerNodes": [id(3), id(3)],
            "customProperties": [{"definition": id(2), "value": "a"}],
            "jwtAttributeMap": [{"jwtAttribute": "a", "senseAttribute": "b", "isMandatory": true}],
            "websocketCrossOriginWhiteList": ["a.example", ""],
        }),
    );
    put(
        DocumentKind::VirtualProxy,
        json!({"id": id(5), "tags": [id(99)]}),
    );
    put(
        DocumentKind::ProxyService,
        json!({
            "id": id(6), "serverNodeConfiguration": id(3),
            "settings": {"virtualProxies": [id(4), id(5)]},
        }),
    );
    documents
}

#[test]
fn what_is_written_as_text_is_what_is_written_as_values() {
    let documents = documents();
    let mut compared = 0;
    for entity in EntityType::ALL {
        let Some(kind) = entity.kind() else { continue };
        for (form, privileges) in [
            (Form::Full, None),
            (Form::Full, Some(Privilege::RootAdmin)),
            (Form::Condensed, Some(Privilege::AuditAdmin)),
        ] {
            let mut of_values = Writer::new(&documents, privileges);
            let mut of_text = Writer::new(&documents, privileges);
            let mut text = TextWriter::new(&mut of_text, entity, form);
            for document in Document::all_of(&documents, kind) {
                let mut written = Vec::new();
                text.write(&document, &mut written).unwrap();
                let expected = of_values.write(entity, &document, form).to_string();
                assert_eq!(String::from_utf8(written).unwrap(), expected);
                assert!(!expected.contains("\"secret\""));
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 18);
}

#[test]
fn an_excerpt_has_what_was_asked_for() {
    let documents = documents();
    let mut writer = Writer::new(&documents, None);
    let entity = EntityType::VirtualProxyConfig;
    let document = entity.document(&documents, Uuid::from_u128(4)).unwrap();
    let names = [
        "prefix",
        "authenticationMethod",
        "tags",
        "oidcClientSecret",
        "id",
    ];
    let excerpt = writer.excerpt(entity, &document, &names).unwrap();
    let mut whole = writer.write(entity, &document, Form::Full);
    whole
        .as_object_mut()
        .unwrap()
        .retain(|name, _| names.contains(&&**name));
    assert_eq!(excerpt, whole);
}
