//! Certificates by nobody in particular.

use rcgen::{CertificateParams, DnType, KeyPair};

/// A certificate by itself, and its key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A new pair for these names; the first is also its common name.
pub(crate) fn for_names(names: &[&str]) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(owned).expect("names");
    params.distinguished_name.push(DnType::CommonName, names[0]);
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    Pair {
        certificate,
        key: key.serialize_pem(),
    }
}
