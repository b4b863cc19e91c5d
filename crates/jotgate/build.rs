//! Writes down when the program is built, which `GET /qrs/about` tells. Where `SOURCE_DATE_EPOCH` is set, it
//! decides: the same source then gives the same program (reproducible-builds.org/specs/source-date-epoch).

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let seconds = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs())
    });
    println!("cargo:rustc-env=JOTGATE_BUILT_AT={seconds}");
}
