//! Commands that are printed to be pasted.

use std::borrow::Cow;

/// `text` as one word of a POSIX shell: as it is when nothing in it means anything to the shell, else
/// in single quotes.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        for text in [
            "/tmp/a",
            "",
            "/tmp/my $HOME's data",
            "a b",
            "`x`",
            "\\",
            "~",
        ] {
            let command = format!("printf %s {}", quote(text));
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
        assert_eq!(quote("/tmp/a-b_c.d"), "/tmp/a-b_c.d");
    }
}
