mod administrator;

use std::os::unix::fs::PermissionsExt;

use rustls::server::danger::ClientCertVerifier;
use std::sync::Arc;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

const NOW: UnixTime = UnixTime(1_795_000_000);

fn at(seconds: i64) -> rustls_pki_types::UnixTime {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap());
    rustls_pki_types::UnixTime::since_unix_epoch(since)
}

fn verify(verifier: &Arc<dyn ClientCertVerifier>, certificate: &CertificateDer<'_>) -> bool {
    let now = at(NOW.0);
    verifier.verify_client_cert(certificate, &[], now).is_ok()
}

fn first(path: &Path) -> CertificateDer<'static> {
    certificates(path).unwrap().swap_remove(0)
}

fn open(parent: &Path) -> Result<Certificates, String> {
    let directory = DataDirectory::open(parent).unwrap();
    Certificates::open(&directory, &[], NOW).map_err(|error| error.to_string())
}

/// A data directory with certificates. Making keys is slow, so that tests copy this one.
fn ready() -> &'static Path {
    static READY: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let make = || {
        let parent = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(parent.path()).unwrap();
        let hosts = [
            "gate.example.com",
            "*.example.org",
            "192.0.2.7",
            "localhost",
        ];
        let hosts = hosts.map(str::to_owned);
        Certificates::open(&directory, &hosts, NOW).unwrap();
        parent
    };
    READY.get_or_init(make).path()
}

fn copy_of_ready() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    drop(DataDirectory::open(parent.path()).unwrap());
    let folder = parent.path().join("certificates");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(ready().join("certificates")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    parent
}

#[test]
fn the_first_start_makes_six_files_and_keys_are_for_the_owner_alone() {
    let folder = ready().join("certificates");
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            format!("{} {mode:o}", entry.file_name().to_string_lossy())
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "client.pem 644",
            "client_key.pem 600",
            "root.pem 644",
            "root_key.pem 600",
            "server.pem 644",
            "server_key.pem 600",
        ]
    );
    let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    for key in ["root_key.pem", "server_key.pem", "client_key.pem"] {
        let text = fs::read_to_string(folder.join(key)).unwrap();
        assert!(
            text.starts_with("-----BEGIN PRIVATE KEY-----"),
            "{key} is PKCS#8"
        );
    }
}

/// Everything that tells the three roles apart, as another parser reads it.
#[test]
fn each_certificate_has_its_role() {
    let folder = ready().join("certificates");
    let [root, server, client] = ["root", "server", "client"].map(|name| {
        let der = first(&folder.join(format!("{name}.pem")));
        describe(&der)
    });
    assert_eq!(
        root,
        "ca=true pathlen=Some(0) sign=true bits=3072 days=3650 server=false client=false own=false"
    );
    assert_eq!(
        server,
        "ca=false pathlen=None sign=false bits=2048 days=824 server=true client=false own=false"
    );
    assert_eq!(
        client,
        "ca=false pathlen=None sign=false bits=2048 days=824 server=false client=true own=true"
    );
}

fn describe(der: &CertificateDer<'_>) -> String {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    let constraints = certificate.basic_constraints().unwrap();
    let usage = certificate.key_usage().unwrap().unwrap();
    let extended = certificate.extended_key_usage().unwrap();
    let key = certificate.public_key().parsed().unwrap();
    let valid = certificate.validity();
    let seconds = valid.not_after.timestamp() - valid.not_before.timestamp() - 3600;
    let extended = extended.map(|extension| extension.value);
    format!(
        "ca={} pathlen={:?} sign={} bits={} days={} server={} client={} own={}",
        certificate.is_ca(),
        constraints.and_then(|extension| extension.value.path_len_constraint),
        usage.value.key_cert_sign(),
        key.key_size(),
        seconds / 86_400,
        extended.is_some_and(|usage| usage.server_auth),
        extended.is_some_and(|usage| usage.client_auth),
        extended.is_some_and(|usage| !usage.other.is_empty()),
    )
}

#[test]
fn the_own_usage_is_the_uuid_that_the_documentation_names() {
    let der = first(&ready().join("certificates/client.pem"));
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let usage = certificate.extended_key_usage().unwrap().unwrap();
    let oid = usage.value.other.first().unwrap();
    let number = Uuid::parse_str("159259c5-08f5-44bb-98ce-0eff2f734e3e").unwrap();
    let mut arc = number.as_u128();
    let mut bytes = Vec::new();
    let mut more = 0;
    while arc > 0 {
        bytes.push(u8::try_from(arc & 0x7f).unwrap() | more);
        (arc, more) = (arc >> 7, 0x80);
    }
    bytes.push(2 * 40 + 25);
    bytes.reverse();
    assert_eq!(oid.as_bytes(), bytes);
}

#[test]
fn the_server_certificate_has_the_names_of_the_machine_and_the_public_ones() {
    let names = names_of(&first(&ready().join("certificates/server.pem")));
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "gate.example.com",
        "*.example.org",
        "192.0.2.7",
    ] {
        assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{name}");
    }
    if let Some(own) = host_name() {
        assert!(names.contains(&own), "{own}");
    }
    let client = first(&ready().join("certificates/client.pem"));
    assert!(names_of(&client).is_empty());
    assert!(names_of(&CertificateDer::from(vec![1, 2, 3])).is_empty());
}

#[test]
fn files_that_are_there_stay_as_they_are() {
    let parent = copy_of_ready();
    let read = |path: &Path| fs::read(path).unwrap();
    let certificates = open(parent.path()).unwrap();
    let server = certificates.server();
    assert_eq!(
        read(&server.certificate),
        read(&ready().join("certificates/server.pem"))
    );
    assert_eq!(
        read(&server.key),
        read(&ready().join("certificates/server_key.pem"))
    );
    assert_eq!(first(&certificates.root_file()), *certificates.root());
}

#[test]
fn a_missing_pair_is_issued_by_the_root_that_is_there() {
    let parent = copy_of_ready();
    let folder = parent.path().join("certificates");
    fs::remove_file(folder.join("client.pem")).unwrap();
    fs::remove_file(folder.join("client_key.pem")).unwrap();
    let certificates = open(parent.path()).unwrap();
    let verifier = administrator_verifier(certificates.root()).unwrap();
    assert_eq!(
        first(&folder.join("root.pem")),
        first(&ready().join("certificates/root.pem"))
    );
    assert!(verify(
        &verifier,
        &first(&CLIENT.files(&certificates.folder).certificate)
    ));
}

#[test]
fn the_root_key_may_be_kept_elsewhere_until_something_is_to_be_issued() {
    let parent = copy_of_ready();
    let folder = parent.path().join("certificates");
    fs::remove_file(folder.join("root_key.pem")).unwrap();
    open(parent.path()).unwrap();
    fs::remove_file(folder.join("server.pem")).unwrap();
    fs::remove_file(folder.join("server_key.pem")).unwrap();
    let error = open(parent.path()).unwrap_err();
    assert!(error.contains("root_key.pem is missing"), "{error}");
}

#[test]
fn one_of_a_pair_missing_is_an_error_that_names_it() {
    for name in [
        "server.pem",
        "server_key.pem",
        "client.pem",
        "client_key.pem",
        "root.pem",
    ] {
        let parent = copy_of_ready();
        fs::remove_file(parent.path().join("certificates").join(name)).unwrap();
        let error = open(parent.path()).unwrap_err();
        assert!(error.contains(&format!("{name} is missing")), "{error}");
    }
    let parent = copy_of_ready();
    for name in ["root.pem", "root_key.pem"] {
        fs::remove_file(parent.path().join("certificates").join(name)).unwrap();
    }
    let error = open(parent.path()).unwrap_err();
    assert!(
        error.contains("root.pem is missing, which issued"),
        "{error}"
    );
}

/// What a file may hold instead of what belongs there, and the sentence that says so.
#[test]
fn broken_files_are_errors_that_name_them() {
    let folder = ready().join("certificates");
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let cut = |name: &str| text(name).chars().take(300).collect::<String>();
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let weak = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let cases = [
        ("server.pem", String::new(), "holds no certificate"),
        ("server.pem", cut("server.pem"), "cannot be read"),
        ("server.pem", garbage, "cannot be read"),
        ("server.pem", text("server_key.pem"), "holds a private key"),
        ("server.pem", " ".repeat(2 << 20), "longer than 1 MiB"),
        ("server_key.pem", String::new(), "holds no private key"),
        ("server_key.pem", text("server.pem"), "holds a certificate"),
        ("server_key.pem", locked.to_owned(), "under a password"),
        ("server_key.pem", weak.to_owned(), "cannot be served with"),
        (
            "server_key.pem",
            text("client_key.pem"),
            "does not belong to",
        ),
        ("root.pem", text("server.pem"), "does not belong to"),
        ("client.pem", text("server.pem"), "does not belong to"),
    ];
    for (name, content, expected) in cases {
        let parent = copy_of_ready();
        let path = parent.path().join("certificates").join(name);
        fs::write(&path, &content).unwrap();
        let error = open(parent.path()).unwrap_err();
        assert!(error.contains(expected), "{name}, {expected}: {error}");
        assert!(error.contains("certificates/"), "{error}");
        assert!(!error.contains('\n') && !error.contains("MII"), "{error}");
    }
}

#[test]
fn given_pairs_are_read_with_their_chain() {
    let folder = ready().join("certificates");
    let given = tempfile::tempdir().unwrap();
    let chain = given.path().join("chain.pem");
    let both =
        ["server.pem", "root.pem"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    fs::write(
        &chain,
        format!("Bag Attributes\r\n{}", both.concat().replace('\n', "\r\n")),
    )
    .unwrap();
    let (certificates, _) = load_pair(&chain, &folder.join("server_key.pem")).unwrap();
    assert_eq!(certificates.len(), 2);
    let error = load_pair(&given.path().join("none.pem"), &chain).unwrap_err();
    assert!(
        error.to_string().contains("none.pem cannot be read"),
        "{error}"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    drop(DataDirectory::open(parent.path()).unwrap());
    fs::write(parent.path().join("certificates"), "a file").unwrap();
    let error = open(parent.path()).unwrap_err();
    assert!(error.contains("certificates"), "{error}");
}

#[test]
fn certificates_that_end_within_a_month_are_told() {
    let certificates = open(copy_of_ready().path()).unwrap();
    let certificates = Certificates {
        folder: ready().join("certificates"),
        ..certificates
    };
    let days = |days: i64| {
        let ending = certificates.ending(NOW.plus(days * 86_400)).unwrap();
        let name = |(file, _): &(PathBuf, UnixTime)| file.file_name().unwrap().to_owned();
        ending.iter().map(name).collect::<Vec<_>>()
    };
    assert!(days(0).is_empty() && days(793).is_empty());
    assert_eq!(days(795), ["server.pem", "client.pem"]);
    assert_eq!(days(4000), ["root.pem", "server.pem", "client.pem"]);
}
