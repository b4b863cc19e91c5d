//! Administration is not reached through a virtual proxy that does not allow it.

use jotgate_scenarios::{Backend, Client, Gateway, Keys};

const PATHS: [&str; 16] = [
    "/jwt/qmc/",
    "/jwt/qmc",
    "/jwt/QMC/",
    "/jwt/qmc/x",
    "/jwt/%71mc/",
    "/jwt/qmc;x=1/",
    "/jwt//qmc/",
    "/jwt/qrs/virtualproxyconfig",
    "/jwt/QRS/VirtualProxyConfig/full",
    "/jwt/qrs/proxyservice/local",
    "/jwt/qrs/servernodeconfiguration",
    "/jwt/qrs//virtualproxyconfig",
    "/jwt//qrs/proxyservice",
    "/jwt/qrs/%76irtualproxyconfig",
    "/jwt/qrs/proxyservice;x",
    "/jwt/%2fqrs/proxyservice",
];

#[tokio::test]
async fn without_allow_administration_every_spelling_of_its_paths_is_forbidden() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    for path in PATHS {
        for method in ["GET", "POST", "DELETE"] {
            let answer = gateway
                .client()
                .request(method, path)
                .bearer(&token)
                .send()
                .await;
            let refused = matches!(
                (answer.status, answer.reason()),
                (403, "access_denied") | (400, "path_ambiguous")
            );
            assert!(
                refused,
                "{method} {path}: {} {}",
                answer.status,
                answer.reason()
            );
        }
    }
    for path in [
        "/jwt/qmc/../qmc/",
        "/jwt/hub/..;/qmc/",
        "/jwt/./qmc/",
        "/jwt/hub/%2e%2e/qrs/proxyservice",
    ] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        assert_eq!(
            (answer.status, answer.reason()),
            (400, "path_ambiguous"),
            "{path}"
        );
    }
    assert!(backend.received().is_empty(), "{:#?}", backend.received());
}

#[tokio::test]
async fn doubly_encoded_paths_reach_the_backend_as_they_are_or_not_at_all() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    for (path, target) in [
        ("/jwt/%2571mc/", "/%2571mc/"),
        ("/jwt/hub/%252e%252e/", "/hub/%252e%252e/"),
    ] {
        let answer = gateway.client().get(path).bearer(&token).send().await;
        if answer.status == 200 {
            assert_eq!(
                backend.last().target(),
                target,
                "what was judged is what is sent"
            );
        } else {
            assert_eq!(answer.status, 400, "{path}");
        }
    }
}

#[tokio::test]
async fn other_entities_of_a_nodes_own_repository_are_forwarded() {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let answer = gateway
        .client()
        .get("/jwt/qrs/app/count")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(backend.only().target(), "/qrs/app/count");
}

#[tokio::test]
async fn nobody_administers_without_credentials_either() {
    let gateway = Gateway::serve().await;
    for path in ["/qmc/", "/qrs/virtualproxyconfig/full", "/qrs/about"] {
        let answer = gateway.client().get(path).send().await;
        assert_eq!(answer.status, 401, "{path}");
    }
}

#[tokio::test]
async fn management_ports_are_open_to_administrators_certificates_only() {
    let gateway = Gateway::serve().await;
    let about = |client: Client| async move {
        client
            .get("/qrs/about?xrfkey=0123456789abcdef")
            .header("X-Qlik-Xrfkey", "0123456789abcdef")
            .header(
                "X-Qlik-User",
                "UserDirectory=INTERNAL; UserId=sa_repository",
            )
            .try_send()
            .await
    };
    let (address, certificates) = (gateway.listeners().qrs, gateway.certificates());
    let administrator = about(Client::tls_with_certificate(
        address,
        &certificates,
        "client",
    ))
    .await;
    assert_eq!(administrator.expect("an answer").status, 200);
    assert!(
        about(Client::tls(address, &certificates)).await.is_err(),
        "no certificate"
    );
    assert!(
        about(Client::tls_with_certificate(
            address,
            &certificates,
            "server"
        ))
        .await
        .is_err(),
        "server.pem"
    );
    let foreign = Gateway::serve().first_start().await;
    std::fs::copy(
        certificates.join("root.pem"),
        foreign.certificates().join("root.pem"),
    )
    .expect("a copy");
    let stranger = Client::tls_with_certificate(address, &foreign.certificates(), "client");
    assert!(about(stranger).await.is_err(), "another site's client.pem");
}
