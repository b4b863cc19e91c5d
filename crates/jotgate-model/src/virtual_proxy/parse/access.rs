//! Who is let in, and which directories are this virtual proxy's own.

use crate::entity::VirtualProxyConfig;
use crate::{ANONYMOUS_DIRECTORY, AccessRule, FieldErrors, INTERNAL_DIRECTORY};

/// The longest name of a directory, in characters.
const MAX_DIRECTORY: usize = 255;

pub(super) fn parse_access_rule(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
) -> Option<AccessRule> {
    errors
        .take("accessRule", AccessRule::parse(&d.access_rule))
        .flatten()
}

pub(super) fn parse_bound_directories(
    d: &VirtualProxyConfig,
    errors: &mut FieldErrors,
) -> Vec<Box<str>> {
    let mut directories = Vec::with_capacity(d.bound_user_directories.len());
    for (i, name) in d.bound_user_directories.iter().enumerate() {
        match check_directory(name) {
            Ok(()) => directories.push(name.to_ascii_lowercase().into()),
            Err(problem) => errors.push(format!("boundUserDirectories[{i}]"), problem),
        }
    }
    directories
}

/// Whether somebody from outside may have that directory.
pub(super) fn check_directory(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("is empty; name a user directory".to_owned());
    }
    if name.chars().count() > MAX_DIRECTORY || name.chars().any(char::is_control) {
        return Err(format!(
            "is no name of a user directory; use at most {MAX_DIRECTORY} visible characters"
        ));
    }
    let own = [ANONYMOUS_DIRECTORY, INTERNAL_DIRECTORY];
    if own.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(format!(
            "{name:?} is a directory of Jotgate itself, which nothing from outside may assert; \
             choose another"
        ));
    }
    Ok(())
}
