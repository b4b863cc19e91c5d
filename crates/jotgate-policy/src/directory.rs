//! Which user directories something from outside may assert, whatever users prove who they are with.

use jotgate_model::{ANONYMOUS_DIRECTORY, INTERNAL_DIRECTORY, Reason, Refusal, User};

/// Whether a token, a header or a ticket may name that user.
///
/// # Errors
/// [`Reason::DirectoryNotAllowed`] for a directory whose users Jotgate makes itself.
pub fn may_assert(user: &User) -> Result<(), Refusal> {
    // In any letter case: administrators, and some backends, do not tell them apart.
    let own = [ANONYMOUS_DIRECTORY, INTERNAL_DIRECTORY]
        .into_iter()
        .find(|own| own.eq_ignore_ascii_case(&user.directory));
    match own {
        None => Ok(()),
        Some(own) => Err(Refusal::with(
            Reason::DirectoryNotAllowed,
            format!("the user directory {own} is one of Jotgate itself"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_made_anonymous_or_an_administrator_from_outside() {
        for directory in ["NONE", "none", "None", "INTERNAL", "internal"] {
            let refusal = may_assert(&User::new(directory, "x")).unwrap_err();
            assert_eq!(refusal.reason, Reason::DirectoryNotAllowed);
        }
        assert!(may_assert(&User::new("NONE2", "x")).is_ok());
    }
}
