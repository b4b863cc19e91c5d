//! What the QRS of another site answers.

use serde_json::Value;

/// The five lists as one. What is told about them is told line by line: it becomes comments of a file,
/// in which nothing of the other site may end a comment.
pub(super) fn import(input: &[u8]) {
    let Ok(lists) = serde_json::from_slice::<[Vec<Value>; 5]>(input) else {
        return;
    };
    match jotgate_api::import(lists) {
        Ok(site) => {
            assert_eq!(site.configuration.get("format"), Some(&Value::from(1)));
            for note in &site.notes {
                assert!(!note.contains(char::is_control), "{note:?}");
            }
        }
        Err(problem) => assert!(!problem.contains(['\n', '\r']), "{problem:?}"),
    }
}
