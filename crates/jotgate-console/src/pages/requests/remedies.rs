//! Where in the console the cause of a refusal is changed.

use jotgate_model::Reason;

/// A place in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A field of the edit page of the virtual proxy.
    Field(&'static str),
    /// A page, and what leads to it.
    Page(&'static str, &'static str),
    /// The page of the node that was asked; the virtual proxy's nodes where none was.
    Node,
    /// The page of the user, whose whole name the list filters by.
    User,
    /// Nothing that is changed in the console: the client or the machine is at fault.
    Nowhere,
}

/// The field of a virtual proxy that names its nodes.
pub(super) const NODES: &str = "loadBalancingServerNodes";

/// Where the remedy of a reason is.
pub(super) const fn way(reason: Reason) -> Way {
    use Reason as R;
    match reason {
        R::PrefixUnknown => Way::Page("/virtual-proxies", "Look at the prefixes"),
        R::OriginNotAllowed => Way::Field("websocketCrossOriginWhiteList"),
        R::CsrfTokenInvalid => Way::Field("csrfProtection"),
        R::CredentialsMissing => Way::Field("authenticationModuleRedirectUri"),
        R::AlgorithmNotAllowed => Way::Field("jwtAlgorithms"),
        R::KeyNotFound | R::SignatureInvalid => Way::Field("jwtPublicKeyCertificate"),
        R::KeySourceUnavailable => Way::Field("jwtJwksUri"),
        R::TokenExpired | R::TokenNotYetValid | R::TokenIssuedInFuture => {
            Way::Field("jwtClockSkewSeconds")
        }
        R::TokenLifetimeTooLong => Way::Field("jwtMaxLifetimeSeconds"),
        R::ExpirationMissing => Way::Field("jwtRequireExpiration"),
        R::IssuerMismatch => Way::Field("jwtIssuer"),
        R::AudienceMismatch => Way::Field("jwtAudience"),
        R::ClaimMissing | R::ClaimInvalid => Way::Field("jwtAttributeUserId"),
        R::AttributeMissing => Way::Field("jwtAttributeMap"),
        R::DirectoryNotAllowed => Way::Field("boundUserDirectories"),
        R::TokenAlreadyUsed => Way::Field("jwtSingleUse"),
        R::ApiKeyInvalid => Way::Page("/api-keys", "Look at the API keys"),
        R::SessionUnknown => Way::Page("/sessions", "Look at the sessions"),
        R::SessionExpired => Way::Field("sessionInactivityTimeout"),
        R::UserBlocked => Way::User,
        R::AccessDenied => Way::Field("accessRule"),
        R::SessionsExhausted => Way::Field("maxSessionsPerUser"),
        R::RateLimited => Way::Field("requestsPerSecond"),
        R::SocketsExhausted => Way::Field("maxSocketsPerSession"),
        R::Overloaded => Way::Field("maxRequestsInFlight"),
        R::NodeUnavailable | R::NodeBusy | R::NodeTimeout | R::NodeFailed => Way::Node,
        R::RequestMalformed
        | R::HostInvalid
        | R::RequestMisdirected
        | R::PathAmbiguous
        | R::TokenMalformed
        | R::TokenTruncated
        | R::TokenEncrypted
        | R::TokenTooLarge
        | R::TokenAmbiguous
        | R::TokenHeaderUnsupported
        | R::TicketInvalid
        | R::TokenRevoked
        | R::SessionStoreUnavailable
        | R::BodyTooLarge
        | R::BodyTimeout
        | R::Draining => Way::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use jotgate_model::Side;

    use super::*;
    use crate::pages::virtual_proxies::label_of;

    /// That every reason has a way, the compiler sees.
    #[test]
    fn every_field_that_a_remedy_names_is_on_the_edit_page() {
        for reason in Reason::ALL {
            if let Way::Field(name) = way(*reason) {
                assert!(label_of(name).is_some(), "{reason}: {name}");
            }
        }
        assert!(label_of(NODES).is_some());
        for reason in Reason::ALL.iter().filter(|one| one.side() == Side::Backend) {
            assert_eq!(way(*reason), Way::Node, "{reason}");
        }
    }
}
