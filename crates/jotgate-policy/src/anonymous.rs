//! Which sessions count under a mode of anonymous access (Qlik help, "Anonymous authentication").

use jotgate_model::ANONYMOUS_DIRECTORY;
use jotgate_model::entity::AnonymousAccess;

/// Whether users of that directory came without credentials.
#[must_use]
pub fn is_anonymous(user_directory: &str) -> bool {
    user_directory == ANONYMOUS_DIRECTORY
}

/// Whether the session of a user of that directory may go on in that mode: anonymous users come in
/// only where they may, and nobody else where all are anonymous.
#[must_use]
pub fn fits_mode(user_directory: &str, mode: AnonymousAccess) -> bool {
    match mode {
        AnonymousAccess::NoAnonymousUser => !is_anonymous(user_directory),
        AnonymousAccess::AllowAnonymous => true,
        AnonymousAccess::AlwaysAnonymous => is_anonymous(user_directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_decides_who_goes_on() {
        for (mode, anonymous, known) in [
            (AnonymousAccess::NoAnonymousUser, false, true),
            (AnonymousAccess::AllowAnonymous, true, true),
            (AnonymousAccess::AlwaysAnonymous, true, false),
        ] {
            assert_eq!(fits_mode(ANONYMOUS_DIRECTORY, mode), anonymous, "{mode:?}");
            assert_eq!(fits_mode("LAB", mode), known, "{mode:?}");
        }
    }
}
