//! How the binary says that it does not do something.

use jotgate_scenarios::Ended;

/// It ended with that code and nothing but one sentence on standard error, which holds every one of
/// the texts: what is wrong, and why or what to do.
pub(crate) fn assert_refused(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(
        ended.stdout, "",
        "nothing belongs on standard output: {ended:?}"
    );
    assert_one_sentence(&ended.stderr, texts);
}

/// One line, which holds every one of the texts.
pub(crate) fn assert_one_sentence(stderr: &str, texts: &[&str]) {
    assert!(stderr.starts_with("jotgate: "), "{stderr}");
    assert!(
        stderr.ends_with('\n') && stderr.matches('\n').count() == 1,
        "not one line: {stderr}"
    );
    assert!(stderr.len() < 600, "{} bytes: {stderr}", stderr.len());
    for text in texts {
        assert!(stderr.contains(text), "{text:?} is missing: {stderr}");
    }
}
