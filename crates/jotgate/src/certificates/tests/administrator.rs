//! Who gets through the management ports.

use super::*;

#[test]
fn only_the_administrators_certificate_opens_the_management_ports() {
    let folder = ready().join("certificates");
    let verifier = administrator_verifier(&first(&folder.join("root.pem"))).unwrap();
    assert!(verifier.client_auth_mandatory());
    assert!(verify(&verifier, &first(&folder.join("client.pem"))));
    assert!(!verify(&verifier, &first(&folder.join("server.pem"))));
    assert!(!verify(&verifier, &first(&folder.join("root.pem"))));
}

/// The root itself vouches for this one, and it is for TLS clients; it is no administrator all the same.
#[test]
fn another_client_of_the_same_root_is_no_administrator() {
    let folder = ready().join("certificates");
    let verifier = administrator_verifier(&first(&folder.join("root.pem"))).unwrap();
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let key = rcgen::KeyPair::from_pem(&text("root_key.pem")).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&text("root.pem"), key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let plain = params.signed_by(&key, &issuer).unwrap();
    assert!(!verify(&verifier, plain.der()));
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::Any];
    let any = params.signed_by(&key, &issuer).unwrap();
    assert!(!verify(&verifier, any.der()));
    params.extended_key_usages = vec![
        rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        rcgen::ExtendedKeyUsagePurpose::Other(vec![2, 25, 1]),
    ];
    let own = params.signed_by(&key, &issuer).unwrap();
    assert!(!verify(&verifier, own.der()));
}

#[test]
fn the_administrator_of_another_root_is_refused() {
    let other = tempfile::tempdir().unwrap();
    let certificates = open(other.path()).unwrap();
    let verifier = administrator_verifier(&first(&ready().join("certificates/root.pem"))).unwrap();
    assert!(!verify(
        &verifier,
        &first(&CLIENT.files(&certificates.folder).certificate)
    ));
    let own = administrator_verifier(certificates.root()).unwrap();
    assert!(verify(
        &own,
        &first(&CLIENT.files(&certificates.folder).certificate)
    ));
}

#[test]
fn a_certificate_that_has_ended_is_refused() {
    let folder = ready().join("certificates");
    let verifier = administrator_verifier(&first(&folder.join("root.pem"))).unwrap();
    let client = first(&folder.join("client.pem"));
    let end = valid_until(&client).unwrap().0;
    let accepted = |seconds| {
        verifier
            .verify_client_cert(&client, &[], at(seconds))
            .is_ok()
    };
    assert!(accepted(end) && !accepted(end + 1));
}

/// The clock of the handshakes.
#[derive(Debug)]
struct Fixed;

impl rustls::time_provider::TimeProvider for Fixed {
    fn current_time(&self) -> Option<rustls_pki_types::UnixTime> {
        Some(at(NOW.0))
    }
}

/// A whole handshake in memory, as the management ports make it: what the server says at its end.
fn handshake(client: Option<TlsPair>) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let folder = ready().join("certificates");
    let root = first(&folder.join("root.pem"));
    let (chain, key) =
        load_pair(&folder.join("server.pem"), &folder.join("server_key.pem")).unwrap();
    let server = rustls::ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(Fixed))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(administrator_verifier(&root).unwrap())
        .with_single_cert(chain, key)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root)?;
    let builder = rustls::ClientConfig::builder_with_details(provider, Arc::new(Fixed))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let (chain, key) = load_pair(&pair.certificate, &pair.key).unwrap();
            builder.with_client_auth_cert(chain, key)?
        }
    };
    let name = rustls_pki_types::ServerName::try_from("gate.example.com").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name)?;
    let mut server = rustls::ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_handshake_with_the_management_ports_takes_the_administrators_certificate() {
    let folder = ready().join("certificates");
    assert_eq!(handshake(Some(CLIENT.files(&folder))), Ok(()));
    for other in [Some(SERVER.files(&folder)), Some(ROOT.files(&folder))] {
        let error = handshake(other).unwrap_err();
        assert!(
            matches!(error, rustls::Error::InvalidCertificate(_)),
            "{error:?}"
        );
    }
    assert_eq!(handshake(None), Err(rustls::Error::NoCertificatesPresented));
}
