use super::*;

fn write(folder: &Path, what: &str, parts: &[&str]) {
    for part in parts {
        if *part == "certificates" {
            fs::create_dir(folder.join(part)).unwrap();
            fs::write(folder.join(part).join("root.pem"), what).unwrap();
        } else {
            fs::write(folder.join(part), what).unwrap();
        }
    }
}

fn content(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in PARTS {
        let path = match part {
            "certificates" => folder.join(part).join("root.pem"),
            part => folder.join(part),
        };
        if let Ok(text) = fs::read_to_string(path) {
            found.push((part.to_owned(), text));
        }
    }
    found
}

const OLD: [&str; 4] = [
    "certificates",
    "configuration.db",
    "configuration.db-wal",
    "sessions.db",
];
const NEW: [&str; 3] = ["audit_key", "certificates", "configuration.db"];

#[test]
fn everything_is_replaced_and_what_was_there_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(&folder.path().join("data")).unwrap();
    let path = directory.path().to_owned();
    let replace = |what: &str| {
        let replacement = Replacement::make(&directory).unwrap();
        write(replacement.folder(), what, &NEW);
        replacement.commit(&directory, "today").unwrap()
    };
    assert_eq!(replace("first"), None, "nothing was there");
    write(&path, "session", &["sessions.db"]);
    let before = replace("second").unwrap();
    assert_eq!(before, path.join("before-restore-today"));
    assert_eq!(
        content(&path),
        NEW.map(|part| (part.to_owned(), "second".to_owned()))
    );
    assert_eq!(content(&before).len(), 4);
    assert_eq!(
        replace("third").unwrap(),
        path.join("before-restore-today-2")
    );
    drop(Replacement::make(&directory).unwrap());
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "audit_key",
        "before-restore-today",
        "before-restore-today-2",
        "certificates",
        "configuration.db",
        "jotgate-format",
        "run",
    ];
    assert_eq!(names, expected);
}

/// Every state in which a killed process can leave the folder: each rename on its way, done or not.
#[test]
fn whatever_moment_it_is_killed_at_the_next_start_has_the_old_or_the_new() {
    let old = OLD.map(|part| (part.to_owned(), "old".to_owned()));
    let new = NEW.map(|part| (part.to_owned(), "new".to_owned()));
    let moves = OLD.len() + 1 + NEW.len() + 1;
    for killed_after in 0..=moves {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        drop(DataDirectory::open(&path).unwrap());
        write(&path, "old", &OLD);
        let decided = path.join(".jotgate-replacing-today");
        for name in ["new", "old"] {
            fs::create_dir_all(decided.join(name)).unwrap();
        }
        write(&decided.join("new"), "new", &NEW);
        let aside = OLD
            .iter()
            .map(|part| (path.join(part), decided.join("old").join(part)));
        let named = [(decided.join("old"), path.join("before-restore-today"))];
        let into = NEW
            .iter()
            .map(|part| (decided.join("new").join(part), path.join(part)));
        let steps = aside.chain(named).chain(into);
        for (from, to) in steps.take(killed_after) {
            fs::rename(from, to).unwrap();
        }
        if killed_after == moves {
            fs::remove_dir(decided.join("new")).unwrap();
        }
        // Commands that do not open the folder look at it after this.
        DataDirectory::finish_interrupted(&path).unwrap();
        assert_eq!(content(&path), new, "killed after {killed_after} steps");
        assert_eq!(content(&path.join("before-restore-today")), old);
        assert!(!decided.exists());
        // Once more: nothing is left to do.
        drop(DataDirectory::open(&path).unwrap());
        assert_eq!(content(&path), new);
    }
}

#[test]
fn what_was_not_decided_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let directory = DataDirectory::open(&path).unwrap();
    write(&path, "old", &OLD);
    let replacement = Replacement::make(&directory).unwrap();
    write(replacement.folder(), "new", &NEW);
    std::mem::forget(replacement);
    drop(directory);
    drop(DataDirectory::open(&path).unwrap());
    assert_eq!(
        content(&path),
        OLD.map(|part| (part.to_owned(), "old".to_owned()))
    );
    assert_eq!(fs::read_dir(&path).unwrap().count(), OLD.len() + 2);
}
