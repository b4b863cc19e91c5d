use std::os::unix::fs::PermissionsExt;

use clap::Parser;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::certificates::load_pair;
use crate::cli::{Cli, Command};

const NOW: UnixTime = UnixTime(1_795_000_000);

fn keygen(folder: &Path, more: &[&str]) -> Result<Answer, Failure> {
    let words = ["jotgate", "keygen", "--out", folder.to_str().unwrap()];
    match Cli::try_parse_from(words.iter().chain(more))
        .unwrap()
        .command
    {
        Command::Keygen(arguments) => run(&arguments, NOW),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_three_files_belong_together() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let more = [
        "--bits=3072",
        "--days=10",
        "--subject=/CN=portal.example.com",
    ];
    let answer = keygen(&folder, &more).unwrap();
    let mode = |name: &str| {
        fs::metadata(folder.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        [PRIVATE_KEY, CERTIFICATE, PUBLIC_KEY].map(mode),
        [0o600, 0o644, 0o644]
    );
    load_pair(&folder.join(CERTIFICATE), &folder.join(PRIVATE_KEY)).unwrap();

    let der = CertificateDer::from_pem_file(folder.join(CERTIFICATE)).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=portal.example.com");
    assert_eq!(certificate.public_key().parsed().unwrap().key_size(), 3072);
    assert_eq!(
        certificate.validity().not_after.timestamp(),
        NOW.0 + 10 * 86_400
    );
    assert!(!certificate.is_ca());
    let public = fs::read(folder.join(PUBLIC_KEY)).unwrap();
    let public = rustls_pki_types::SubjectPublicKeyInfoDer::from_pem_slice(&public).unwrap();
    assert_eq!(public.as_ref(), certificate.public_key().raw);

    let text = answer.text.replace(folder.to_str().unwrap(), "OUT");
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_is_overwritten() {
    for name in [PRIVATE_KEY, CERTIFICATE, PUBLIC_KEY] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "precious").unwrap();
        let failure = keygen(folder.path(), &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure
                .to_string()
                .contains(&format!("{name} is there already"))
        );
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"precious");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else was written"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let failure = keygen(&file.join("keys"), &[]).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(
        failure.to_string().contains("cannot be written"),
        "{failure}"
    );
}

#[test]
fn names_in_certificates_have_bounds() {
    assert_eq!(subject("CN=a"), Ok("a"));
    assert_eq!(subject(&"é".repeat(64)), Ok("é".repeat(64).as_str()));
    for bad in ["", " ", "CN=", "a\nb", &"é".repeat(65)] {
        assert!(subject(bad).is_err(), "{bad:?}");
    }
}
