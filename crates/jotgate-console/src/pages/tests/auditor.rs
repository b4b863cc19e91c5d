//! Every form that changes something, sent by somebody who may only read, with what an administrator would have filled in.

use http::StatusCode;
use jotgate_manage::{
    AuditFilter, Document, Kind, Privilege, SessionForUser, SessionSecret, UserChange,
};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Identity, User, Uuid};

use crate::testing::{Site, now, site};

const VIRTUAL_PROXY: &str = "description=Other&prefix=other&sessionInactivityTimeout=30\
    &sessionCookieHeaderName=X-Other&anonymousAccessMode=NoAnonymousUser&authenticationMethod=Ticket\
    &jwtAlgorithms=RS256&jwtMaxLifetimeSeconds=0&jwtClockSkewSeconds=60\
    &windowsAuthenticationEnabledDevicePattern=Windows&loadBalancingAlgorithm=RoundRobin\
    &hasSecureAttributeHttps=true&sameSiteAttributeHttps=Lax&sameSiteAttributeHttp=NoAttribute\
    &csrfProtection=0&sessionMaxLifetime=0&maxSessionsPerUser=0&requestsPerSecond=0\
    &requestsPerSecondPerUser=0&maxRequestsInFlight=0&maxSocketsPerSession=0";
const NODE: &str = "name=other&hostName=other.example.com&services.path=/\
    &services.uri=https://10.0.0.5:8443&services.healthPath=&services.http2=false&maxConnections=0";
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3r67BtaeWtK8VQm3jYiw98jbgSag\n\
    0hAObQPf8F9HlYi79k6gio3f3Uu9X/laQQdLNCGLF2rqdI6ljmI/3qLbnw==\n\
    -----END PUBLIC KEY-----";

async fn virtual_proxy(site: &Site) -> Uuid {
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Portal".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

async fn session(site: &Site, virtual_proxy: Uuid) -> String {
    let wanted = SessionForUser {
        virtual_proxy,
        identity: Identity {
            user: User::new("LAB", "boz"),
            attributes: Vec::new(),
        },
        secret: SessionSecret::generate(),
    };
    let actor = &site.visitor.actor;
    let opened = site.management.open_session(actor, wanted, now()).await;
    opened.unwrap().session.public_id().to_owned()
}

async fn user(site: &Site) -> Uuid {
    let (actor, user) = (&site.visitor.actor, User::new("LAB", "boz"));
    let change = UserChange::default();
    let made = site.management.change_user(actor, user, change, now());
    made.await.unwrap().id
}

/// The newest document of a kind that a form has made.
async fn made(site: &Site, kind: Kind, path: &str, form: &str) -> Document {
    let answer = post(site, path, form).await;
    assert_eq!(answer.0, StatusCode::SEE_OTHER, "{path}: {}", answer.1);
    let snapshot = site.management.snapshot();
    let all = Document::all(&snapshot.documents);
    let all = all.filter(|document| document.kind() == kind);
    all.max_by_key(|document| document.metadata().modified_date)
        .unwrap()
}

async fn post(site: &Site, path: &str, form: &str) -> (StatusCode, String) {
    let fields: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let shown = site.post(&format!("/qmc{path}"), &fields).await;
    (shown.status, shown.text)
}

/// Whatever could have changed: the configuration, and everything that the trail has as done.
async fn state(site: &Site) -> (u64, usize) {
    let filter = AuditFilter {
        outcome: Some("done".to_owned()),
        ..AuditFilter::default()
    };
    let done = site.management.audit_rows(&filter, 1000).await.unwrap();
    (site.management.snapshot().revision, done.len())
}

#[tokio::test]
async fn nothing_comes_of_a_form_of_somebody_who_may_only_read() {
    let mut site = site().await;
    let vp = virtual_proxy(&site).await;
    let (session, user) = (session(&site, vp).await, user(&site).await);
    let tag = made(&site, Kind::Tag, "/tags", "name=external").await;
    let tag = (tag.id(), tag.metadata().modified_date);
    let property = "name=Room&objectTypes=VirtualProxyConfig";
    let path = "/custom-properties/new";
    let property_of = made(&site, Kind::CustomProperty, path, property).await;
    let property_of = (property_of.id(), property_of.metadata().modified_date);
    let node = made(&site, Kind::Node, "/nodes/new", &format!("{NODE}&do=save")).await;
    let node = (node.id(), node.metadata().modified_date);
    let key = format!("name=robot&days=30&actions=sessions.read&virtualProxies={vp}");
    assert_eq!(post(&site, "/api-keys/new", &key).await.0, StatusCode::OK);
    let key_id = site.management.api_keys().await.unwrap()[0].id;
    let snapshot = site.management.snapshot();
    let documents = &snapshot.documents;
    let vp_version = documents.virtual_proxies[&vp].metadata.modified_date;
    let (proxy, proxy_version) = (
        snapshot.proxy_id,
        documents.proxy_services[&snapshot.proxy_id]
            .metadata
            .modified_date,
    );
    let user_version = site.management.user(user).await.unwrap().unwrap().modified;
    let pem: String = form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
    let deletion = format!(
        "%5B%7B%22delete%22:%7B%22kind%22:%22VirtualProxyConfig%22,%22id%22:%22{vp}%22%7D%7D%5D"
    );
    let start = "description=Second&prefix=second&jwtAttributeUserId=sub&jwtAttributeUserDirectory=%5Bx%5D\
        &uri=http://127.0.0.1:9";

    let before = state(&site).await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let one = format!("/virtual-proxies/{vp}");
    let of_user = format!("/users/{user}");
    for (path, form) in [
        ("/api-keys/new", key.clone()),
        (&format!("/api-keys/{key_id}/delete"), String::new()),
        ("/changes", format!("changes={deletion}&do=preview")),
        ("/changes", format!("changes={deletion}&do=apply")),
        ("/changes", "restore=1&do=apply".into()),
        ("/tags", "name=another".into()),
        (
            &format!("/tags/{}", tag.0),
            format!("name=another&version={}", tag.1),
        ),
        (&format!("/tags/{}/delete", tag.0), String::new()),
        ("/custom-properties/new", property.replace("Room", "Other")),
        (
            &format!("/custom-properties/{}", property_of.0),
            format!(
                "{}&version={}",
                property.replace("Room", "Other"),
                property_of.1
            ),
        ),
        (
            &format!("/custom-properties/{}/delete", property_of.0),
            String::new(),
        ),
        (
            "/nodes/new",
            format!("{NODE}&do=save").replace("other", "third"),
        ),
        (
            &format!("/nodes/{}", node.0),
            format!("{NODE}&do=save&version={}", node.1).replace("=other", "=third"),
        ),
        (&format!("/nodes/{}/delete", node.0), String::new()),
        (
            &format!("/proxies/{proxy}"),
            format!("virtualProxies={vp}&version={proxy_version}"),
        ),
        ("/sessions/end", "directory=LAB&id=boz".into()),
        ("/sessions/end", format!("virtual-proxy={vp}")),
        (&format!("/sessions/{session}/end"), String::new()),
        ("/start", format!("{start}&jwtPublicKeyCertificate={pem}")),
        ("/start", format!("{start}&do=try")),
        (
            "/tokens/mint",
            format!("virtual-proxy={vp}&user=root&directory=LAB&lifetime=60"),
        ),
        (
            &of_user,
            format!("name=B&role=RootAdmin&modified={user_version}"),
        ),
        (
            &format!("{of_user}/block"),
            format!("modified={user_version}"),
        ),
        (
            &format!("{of_user}/unblock"),
            format!("modified={user_version}"),
        ),
        ("/virtual-proxies/new", format!("{VIRTUAL_PROXY}&do=save")),
        (
            "/virtual-proxies/new",
            format!("{VIRTUAL_PROXY}&do=preview"),
        ),
        (
            &one,
            format!("{VIRTUAL_PROXY}&do=save&version={vp_version}"),
        ),
        (
            &one,
            format!("{VIRTUAL_PROXY}&do=preview&version={vp_version}"),
        ),
        (
            "/virtual-proxies/selected",
            format!("id={vp}&proxy={proxy}&do=link"),
        ),
        (
            "/virtual-proxies/selected",
            format!("id={vp}&proxy={proxy}&do=unlink"),
        ),
        (
            "/virtual-proxies/selected",
            format!("id={vp}&tag={}&do=tag", tag.0),
        ),
        (
            "/virtual-proxies/selected",
            format!("id={vp}&tag={}&do=untag", tag.0),
        ),
        (
            "/virtual-proxies/selected",
            format!("id={vp}&do=delete-all"),
        ),
        (&format!("{one}/keys"), format!("add={pem}&do=add")),
        (&format!("{one}/keys"), "key=00&do=remove-and-end".into()),
        (&format!("{one}/proxies"), format!("proxy={proxy}&do=link")),
        (
            &format!("{one}/proxies"),
            format!("proxy={proxy}&do=preview-link"),
        ),
        (&format!("{one}/delete"), String::new()),
    ] {
        let (status, text) = post(&site, path, &form).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path} {form}: {text}");
    }
    assert_eq!(state(&site).await, before);
    let restore = site.get("/qmc/history/1/restore").await;
    assert_eq!(restore.status, StatusCode::FORBIDDEN);
}
