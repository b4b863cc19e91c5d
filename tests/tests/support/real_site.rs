//! The lists of the real system's QRS 38.22, as its interface description and Qlik's examples have
//! them, with properties that a later version may add.

use jotgate_scenarios::Keys;
use serde_json::{Value, json};
use uuid::Uuid;

/// What an administrator of the real system gets who fills in nothing.
const VIRTUAL_PROXY: &str = r#"{
    "customProperties": [], "authenticationModuleRedirectUri": "", "sessionModuleBaseUri": "",
    "loadBalancingModuleBaseUri": "", "useStickyLoadBalancing": false, "authenticationMethod": 0,
    "headerAuthenticationMode": 0, "headerAuthenticationHeaderName": "",
    "headerAuthenticationStaticUserDirectory": "", "headerAuthenticationDynamicUserDirectory": "",
    "anonymousAccessMode": 0, "windowsAuthenticationEnabledDevicePattern": "Windows",
    "sessionCookieDomain": "", "hasSecureAttributeHttps": true, "sameSiteAttributeHttps": 2,
    "hasSecureAttributeHttp": false, "sameSiteAttributeHttp": 0, "additionalResponseHeaders": "",
    "sessionInactivityTimeout": 30, "extendedSecurityEnvironment": false,
    "websocketCrossOriginWhiteList": [], "tags": [], "samlMetadataIdP": "", "samlHostUri": "",
    "samlEntityId": "", "samlAttributeUserId": "", "samlAttributeUserDirectory": "",
    "samlAttributeSigningAlgorithm": 0, "samlAttributeMap": [], "samlSlo": false,
    "jwtAttributeUserId": "", "jwtAttributeUserDirectory": "", "jwtAudience": "",
    "jwtPublicKeyCertificate": "", "jwtAttributeMap": [], "magicLinkHostUri": "",
    "magicLinkFriendlyName": "", "oidcConfigurationEndpointUri": "", "oidcClientId": "",
    "oidcClientSecret": "", "oidcAttributeMap": [], "futureProperty": {"a": 1}
}"#;

/// The settings of a proxy, without its links.
const SETTINGS: &str = r#"{
    "listenPort": 443, "allowHttp": false, "unencryptedListenPort": 80,
    "authenticationListenPort": 4244, "kerberosAuthentication": false,
    "unencryptedAuthenticationListenPort": 4248, "restListenPort": 4243,
    "sslBrowserCertificateThumbprint": "AB CD", "keepAliveTimeoutSeconds": 10,
    "maxHeaderSizeBytes": 16384, "maxHeaderLines": 100, "useWsTrace": false,
    "logVerbosity": {"logVerbosityAudit": 4, "logVerbosityFuture": 4},
    "performanceLoggingInterval": 5, "formAuthenticationPageTemplate": "",
    "loggedOutPageTemplate": "", "errorPageTemplate": "", "schemaPath": "ProxyService.Settings"
}"#;

const CENTRAL: Uuid = Uuid::from_u128(2);
const RIM: Uuid = Uuid::from_u128(3);

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The members of all of them, the later ones instead of the earlier ones.
fn merged(parts: &[Value]) -> Value {
    let members = parts
        .iter()
        .map(|part| part.as_object().expect("an object"));
    Value::Object(
        members
            .flatten()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

fn entity(id: Uuid, schema: &str, more: Value) -> Value {
    let common = json!({
        "id": id, "createdDate": "2022-11-22T08:55:17.372Z",
        "modifiedDate": "2022-11-23T08:55:17.372Z",
        "modifiedByUserName": "INTERNAL\\sa_repository", "schemaPath": schema, "privileges": null,
    });
    merged(&[common, more])
}

fn condensed(node: Uuid) -> Value {
    let name = if node == CENTRAL { "qs1" } else { "qs2" };
    json!({
        "id": node, "privileges": null, "name": name, "hostName": format!("{name}.example.com"),
        "temporaryfilepath": "C:\\TempContent",
        "roles": [{"id": node, "privileges": null, "definition": 4}],
        "serviceCluster": {"id": Uuid::from_u128(1), "name": "ServiceCluster", "privileges": null},
    })
}

fn node(id: Uuid) -> Value {
    let more = json!({
        "customProperties": [], "isCentral": id == CENTRAL, "nodePurpose": 0, "tags": [],
        "engineEnabled": true, "proxyEnabled": true, "printingEnabled": true,
        "schedulerEnabled": true, "failoverCandidate": id == CENTRAL,
    });
    entity(
        id,
        "ServerNodeConfiguration",
        merged(&[condensed(id), more]),
    )
}

fn virtual_proxy(id: Uuid, prefix: &str, more: Value) -> Value {
    let joint = if prefix.is_empty() { "" } else { "-" };
    let own = json!({
        "prefix": prefix, "description": format!("The {prefix}"),
        "sessionCookieHeaderName": format!("X-Qlik-Session{joint}{prefix}"),
        "defaultVirtualProxy": prefix.is_empty(), "loadBalancingServerNodes": [condensed(CENTRAL)],
    });
    entity(
        id,
        "VirtualProxyConfig",
        merged(&[parsed(VIRTUAL_PROXY), own, more]),
    )
}

fn proxy(id: Uuid, node: Uuid, links: &[Uuid]) -> Value {
    let links: Vec<_> = links
        .iter()
        .map(|id| json!({"id": id, "privileges": null}))
        .collect();
    let settings = merged(&[parsed(SETTINGS), json!({"virtualProxies": links})]);
    let more = json!({
        "customProperties": [], "tags": [], "settings": settings,
        "serverNodeConfiguration": condensed(node),
    });
    entity(id, "ProxyService", more)
}

fn property(id: Uuid, name: &str, types: &[&str]) -> Value {
    let more = json!({
        "name": name, "valueType": "Text", "choiceValues": ["x"], "objectTypes": types,
        "description": "",
    });
    entity(id, "CustomPropertyDefinition", more)
}

/// Two nodes with a proxy each; the default virtual proxy, and one each for JWT, SAML and a header.
/// Each list with its path.
pub(crate) fn real_site() -> Vec<(String, Value)> {
    let [first, second, default, jwt, saml, header] = [4, 5, 6, 7, 8, 9].map(Uuid::from_u128);
    let [tag, ours, theirs, row] = [10, 11, 12, 13].map(Uuid::from_u128);
    let map = json!({"jwtAttribute": "Group", "senseAttribute": "group", "isMandatory": false});
    let jwt_settings = json!({
        "authenticationMethod": 4, "jwtAttributeUserId": "userId",
        "jwtAttributeUserDirectory": "[example]",
        "jwtAttributeMap": [entity(row, "VirtualProxyConfig.JwtAttributeMapItem", map)],
        "jwtPublicKeyCertificate": Keys::first().certificate(),
        "websocketCrossOriginWhiteList": ["portal.example.com"],
        "tags": [{"id": tag, "name": "portal", "privileges": null}],
        "sessionInactivityTimeout": 100_000, "oidcClientSecret": "hush",
        "loadBalancingServerNodes": [condensed(CENTRAL), condensed(RIM)],
    });
    let header_settings = json!({
        "authenticationMethod": 1, "headerAuthenticationHeaderName": "X-Remote-User",
        "headerAuthenticationStaticUserDirectory": "corp",
    });
    let saml_settings = json!({"authenticationMethod": 3, "samlEntityId": "x"});
    let lists = [
        ("tag", vec![entity(tag, "Tag", json!({"name": "portal"}))]),
        (
            "custompropertydefinition",
            vec![
                property(ours, "Team", &["App", "VirtualProxyConfig"]),
                property(theirs, "Stage", &["App", "Stream"]),
            ],
        ),
        ("servernodeconfiguration", vec![node(RIM), node(CENTRAL)]),
        (
            "proxyservice",
            vec![
                proxy(second, RIM, &[default, header]),
                proxy(first, CENTRAL, &[default, jwt, saml]),
            ],
        ),
        (
            "virtualproxyconfig",
            vec![
                virtual_proxy(
                    default,
                    "",
                    json!({"description": "Central Proxy (Default)"}),
                ),
                virtual_proxy(jwt, "jwt", jwt_settings),
                virtual_proxy(saml, "saml", saml_settings),
                virtual_proxy(header, "hdr", header_settings),
            ],
        ),
    ];
    let lists = lists.into_iter();
    lists
        .map(|(name, list)| (format!("/qrs/{name}/full"), Value::Array(list)))
        .collect()
}
