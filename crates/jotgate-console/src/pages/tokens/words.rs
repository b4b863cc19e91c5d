//! Steps, outcomes and distances in time, in words.

use jotgate_manage::{StepName, StepOutcome};
use jotgate_model::Reason;

/// A step, as administrators would call it.
pub(super) const fn step(name: StepName) -> &'static str {
    match name {
        StepName::Presence => "One token",
        StepName::Form => "Form",
        StepName::Header => "Header",
        StepName::Algorithm => "Algorithm",
        StepName::Key => "Key",
        StepName::Signature => "Signature",
        StepName::Payload => "Claims",
        StepName::Times => "Times",
        StepName::Issuer => "Issuer",
        StepName::Audience => "Audience",
        StepName::TokenId => "Token id",
        StepName::User => "User",
        StepName::Mapping => "Attributes",
        StepName::Session => "Let in",
    }
}

/// An outcome, and the kind of its badge.
pub(super) const fn outcome(outcome: StepOutcome) -> (&'static str, &'static str) {
    match outcome {
        StepOutcome::Passed => ("Good", "good"),
        StepOutcome::Failed => ("Refused", "bad"),
        StepOutcome::AlsoFailed => ("Also bad", "warn"),
        StepOutcome::Unproven => ("Unproven", "warn"),
        StepOutcome::NotReached => ("Not reached", ""),
    }
}

/// The field of the virtual proxy that decides about a reason; empty when none does.
pub(super) const fn field(reason: Reason) -> &'static str {
    match reason {
        Reason::AlgorithmNotAllowed => "jwtAlgorithms",
        Reason::KeyNotFound | Reason::SignatureInvalid => "jwtPublicKeyCertificate",
        Reason::KeySourceUnavailable => "jwtJwksUri",
        Reason::TokenExpired | Reason::TokenNotYetValid | Reason::TokenIssuedInFuture => {
            "jwtClockSkewSeconds"
        }
        Reason::TokenLifetimeTooLong => "jwtMaxLifetimeSeconds",
        Reason::ExpirationMissing => "jwtRequireExpiration",
        Reason::IssuerMismatch => "jwtIssuer",
        Reason::AudienceMismatch => "jwtAudience",
        Reason::TokenAlreadyUsed => "jwtSingleUse",
        Reason::ClaimMissing | Reason::ClaimInvalid => "jwtAttributeUserId",
        Reason::AttributeMissing => "jwtAttributeMap",
        Reason::DirectoryNotAllowed => "boundUserDirectories",
        Reason::AccessDenied => "accessRule",
        _ => "",
    }
}

/// A number of seconds in the largest unit that fits, such as `3 minutes`.
pub(super) fn distance(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let units = [
        (365 * 86_400, "year"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let fits = units.into_iter().find(|(size, _)| seconds >= *size);
    let (size, unit) = fits.unwrap_or((1, "second"));
    let count = seconds / size;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_the_largest_unit_that_fits() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (-59, "59 seconds"),
            (60, "1 minute"),
            (-3_599, "59 minutes"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (400 * 86_400, "1 year"),
        ] {
            assert_eq!(distance(seconds), words);
        }
        distance(i64::MIN);
    }
}
