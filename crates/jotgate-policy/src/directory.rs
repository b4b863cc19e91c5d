//! Which user directories a virtual proxy may assert, whatever its users prove who they are with.

use jotgate_model::{ANONYMOUS_DIRECTORY, Reason, Refusal, User};

/// Whether somebody from outside may be that user.
///
/// # Errors
/// [`Reason::DirectoryNotAllowed`] for a directory whose users Jotgate makes itself.
pub fn may_assert(user: &User) -> Result<(), Refusal> {
    // In any letter case: administrators, and some backends, do not tell them apart.
    if user.directory.eq_ignore_ascii_case(ANONYMOUS_DIRECTORY) {
        return Err(Refusal::with(
            Reason::DirectoryNotAllowed,
            format!("the user directory {ANONYMOUS_DIRECTORY} is that of anonymous users"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_made_anonymous_by_a_token() {
        for directory in ["NONE", "none", "None"] {
            let refusal = may_assert(&User::new(directory, "anonymous1")).unwrap_err();
            assert_eq!(refusal.reason, Reason::DirectoryNotAllowed);
        }
        assert!(may_assert(&User::new("NONE2", "anonymous1")).is_ok());
    }
}
