use std::io::{Seek, Write};

use proptest::prelude::*;

use super::*;

const CONTENT: [(&str, &[u8]); 3] = [
    ("configuration.db", &[7; 1500]),
    ("cluster_key", &[8; 32]),
    ("certificates/root.pem", b"-----BEGIN"),
];

fn manifest() -> Manifest {
    let files = CONTENT.map(|(name, content)| {
        let (bytes, sha256) = measure(content).unwrap();
        let name = name.to_owned();
        PackedFile {
            name,
            bytes,
            sha256,
        }
    });
    Manifest::new("now".to_owned(), 4, 7, files.to_vec())
}

fn content(file: &PackedFile) -> io::Result<&'static [u8]> {
    let found = CONTENT.iter().find(|(name, _)| *name == file.name);
    Ok(found.unwrap().1)
}

/// The bytes of a good archive.
fn good() -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    write(&mut file, &manifest(), content).unwrap();
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn archive(bytes: &[u8]) -> Archive {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    Archive::new(file)
}

/// An archive with these members, whatever the manifest says.
fn made(manifest: &[u8], members: &[(&str, EntryType, &[u8])]) -> Archive {
    let mut builder = Builder::new(Vec::new());
    let first: (&str, EntryType, &[u8]) = (MANIFEST, EntryType::Regular, manifest);
    for (name, kind, content) in [first].iter().chain(members) {
        let mut header = Header::new_gnu();
        // Not by the checked way.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        if *kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    archive(&builder.into_inner().unwrap())
}

#[test]
fn what_is_written_is_read_again() {
    assert_eq!(archive(&good()).verify().unwrap(), manifest());
    let folder = tempfile::tempdir().unwrap();
    archive(&good()).extract(folder.path(), |_| Ok(())).unwrap();
    for (name, content) in CONTENT {
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), content);
    }
    let again = archive(&good()).extract(folder.path(), |_| Ok(()));
    assert!(
        again.unwrap_err().contains("cannot be copied"),
        "a file is never replaced"
    );
    let refused = archive(&good()).extract(folder.path(), |_| Err("is not wanted".to_owned()));
    assert_eq!(refused.unwrap_err(), "is not wanted");
}

#[test]
fn an_archive_has_what_its_manifest_says_and_nothing_else() {
    let json = serde_json::to_vec(&manifest()).unwrap();
    let members = CONTENT.map(|(name, content)| (name, EntryType::Regular, content));
    assert!(made(&json, &members).verify().is_ok());
    let mut swapped = members;
    swapped.swap(0, 1);
    let mut link = members;
    link[1].1 = EntryType::Symlink;
    let mut escaping = members;
    escaping[2].0 = "../root.pem";
    let mut other = members;
    other[1].2 = &[9; 32];
    let mut longer = members;
    longer[1].2 = &[8; 33];
    let more = [
        members.as_slice(),
        &[("sessions.db", EntryType::Regular, b"")],
    ]
    .concat();
    let named = [("x", EntryType::GNULongName, b"cluster_key".as_slice())];
    let extended = [&members[..1], &named, &members[1..]].concat();
    for wrong in [
        &swapped[..],
        &link,
        &escaping,
        &other,
        &longer,
        &more,
        &extended,
        &members[..2],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert!(made(&json, wrong).extract(&data, |_| Ok(())).is_err());
        let mut written = std::fs::read_dir(folder.path()).unwrap();
        assert!(
            written.all(|entry| entry.unwrap().file_name() == "data"),
            "nothing outside"
        );
    }
}

#[test]
fn something_else_is_no_backup() {
    let huge = vec![b' '; 1 + MAX_MANIFEST as usize];
    assert!(made(&huge, &[]).verify().unwrap_err().contains("1 MiB"));
    for bytes in [&b""[..], &[0; 2048], &[b'x'; 5000], b"SQLite format 3\0"] {
        let problem = archive(bytes).verify().unwrap_err();
        assert!(!problem.contains('\n'), "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The padding between members is nobody's business; everything else is noticed.
    #[test]
    fn damage_is_noticed(at in 0..8192_usize, bit in 0..8_u8, cut in proptest::bool::ANY) {
        let mut bytes = good();
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        let folder = tempfile::tempdir().unwrap();
        if archive(&bytes).extract(folder.path(), |_| Ok(())).is_ok() {
            for (name, content) in CONTENT {
                prop_assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), content);
            }
        }
    }
}
