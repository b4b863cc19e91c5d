use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_missing_directory_is_made_for_the_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("a/b");
    let directory = DataDirectory::open(&path).unwrap();
    assert_eq!(directory.path(), path);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&directory.run()), 0o700);
    assert_eq!(fs::read_to_string(path.join(MARKER)).unwrap(), "1\n");
}

#[test]
fn an_empty_directory_is_taken_and_closed_to_others() {
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(parent.path().join(LOST_AND_FOUND)).unwrap();
    drop(DataDirectory::open(parent.path()).unwrap());
    assert_eq!(mode(parent.path()), 0o700);
}

#[test]
fn a_directory_opens_again_after_it_was_closed() {
    let parent = tempfile::tempdir().unwrap();
    drop(DataDirectory::open(parent.path()).unwrap());
    drop(DataDirectory::open(parent.path()).unwrap());
}

#[test]
fn the_second_who_opens_it_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let first = DataDirectory::open(parent.path()).unwrap();
    let error = DataDirectory::open(parent.path()).unwrap_err().to_string();
    let number = std::process::id().to_string();
    assert!(error.contains("is in use by another process"), "{error}");
    assert!(error.contains(&number), "{error}");
    drop(first);
    DataDirectory::open(parent.path()).unwrap();
}

/// A child has its parent's descriptors until it has become another program: for a moment the lock was
/// held by nobody who knew of it, and the next start was refused.
#[test]
fn a_child_that_is_being_started_does_not_hold_the_lock() {
    let parent = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(parent.path()).unwrap();
    let inherited = directory.lock.try_clone().unwrap();
    drop(directory);
    let next = DataDirectory::open(parent.path()).unwrap();
    // Whoever was given the lock keeps it.
    let given = next.lock().unwrap();
    drop(next);
    assert!(DataDirectory::open(parent.path()).is_err());
    drop((given, inherited));
    DataDirectory::open(parent.path()).unwrap();
}

#[test]
fn a_foreign_directory_is_refused_and_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("thesis.txt"), "dear").unwrap();
    let error = DataDirectory::open(parent.path()).unwrap_err().to_string();
    assert!(error.contains("\"thesis.txt\""), "{error}");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_its_place_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("file");
    fs::write(&path, "").unwrap();
    let error = DataDirectory::open(&path).unwrap_err().to_string();
    assert!(error.contains("cannot be made"), "{error}");
}

#[test]
fn a_directory_of_a_newer_version_is_refused_and_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join(MARKER), "2\n").unwrap();
    let error = DataDirectory::open(parent.path()).unwrap_err().to_string();
    assert!(error.contains("newer Jotgate (its format is 2"), "{error}");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    for strange in ["", "0", "one", "-1", "1 2"] {
        fs::write(parent.path().join(MARKER), strange).unwrap();
        let error = DataDirectory::open(parent.path()).unwrap_err().to_string();
        assert!(error.contains("did not write"), "{strange:?}: {error}");
    }
}

#[test]
fn what_a_killed_process_left_is_cleared_away() {
    let parent = tempfile::tempdir().unwrap();
    let unfinished = format!("{}x", atomic::UNFINISHED);
    fs::write(parent.path().join(&unfinished), "1").unwrap();
    drop(DataDirectory::open(parent.path()).unwrap());
    fs::create_dir(parent.path().join(&unfinished)).unwrap();
    fs::write(parent.path().join("run/listeners.json"), "{}").unwrap();
    let directory = DataDirectory::open(parent.path()).unwrap();
    assert!(!parent.path().join(&unfinished).exists());
    assert!(!directory.listeners().exists());
}

#[test]
fn the_listeners_have_the_public_form() {
    let parent = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(parent.path()).unwrap();
    let listeners = Listeners {
        gateway: vec!["127.0.0.1:8443".parse().unwrap()],
        gateway_http: Vec::new(),
        qrs: "127.0.0.1:4242".parse().unwrap(),
        qps: "127.0.0.1:4243".parse().unwrap(),
        observe: "127.0.0.1:9464".parse().unwrap(),
    };
    directory.write_listeners(&listeners).unwrap();
    let path = parent.path().join("run/listeners.json");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        r#"{"gateway":["127.0.0.1:8443"],"gatewayHttp":[],"qrs":"127.0.0.1:4242","qps":"127.0.0.1:4243","observe":"127.0.0.1:9464"}"#
    );
    drop(directory);
    assert!(!path.exists(), "the list goes with the process");
}
