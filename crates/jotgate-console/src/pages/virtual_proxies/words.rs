//! What the real system calls the values of enumerations.

use jotgate_model::entity::AuthenticationMethod;

pub(super) const fn authentication_method(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Ticket => "Ticket",
        AuthenticationMethod::HeaderStaticUserDirectory => {
            "Header authentication static user directory"
        }
        AuthenticationMethod::HeaderDynamicUserDirectory => {
            "Header authentication dynamic user directory"
        }
        AuthenticationMethod::SAML => "SAML",
        AuthenticationMethod::JWT => "JWT",
        AuthenticationMethod::OIDC => "OIDC",
    }
}
