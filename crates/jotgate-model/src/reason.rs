//! Why a request is refused: the stable list.

use std::fmt;

use http::StatusCode;

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The backend that should have answered.
    Backend,
    /// Whoever sent the request.
    Client,
    /// Jotgate itself, or a store it needs.
    Gateway,
}

/// Declares every reason once: variant, stable id, status, side, whether trying again may help, the
/// client's sentence and the administrator's remedy.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $id:literal, $status:ident, $side:ident, $retry:literal,
        $client:literal, $remedy:literal;)+) => {
        /// Why a request was refused.
        ///
        /// The id of a reason is public: it stands in answers, logs, metrics and the manual. The set
        /// may grow; an id is never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the request's phases.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// The HTTP status of the answer.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn side(self) -> Side {
                match self { $(Self::$variant => Side::$side,)+ }
            }

            /// Whether the same request may succeed when it is sent again later.
            #[must_use]
            pub const fn retry(self) -> bool {
                match self { $(Self::$variant => $retry,)+ }
            }

            /// What the client reads. Gives nothing away about keys, rules or other users.
            #[must_use]
            pub const fn client_sentence(self) -> &'static str {
                match self { $(Self::$variant => $client,)+ }
            }

            /// What the administrator can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

reasons! {
    /// The request is not well-formed HTTP, or not in a form that can be forwarded safely.
    RequestMalformed, "request_malformed", BAD_REQUEST, Client, false,
        "The request is malformed.",
        "Look at what the client sends: the detail names the part that no proxy may pass on.";
    /// No host, several hosts, or one that is no host name.
    HostInvalid, "host_invalid", BAD_REQUEST, Client, false,
        "The request must name exactly one valid host.",
        "Let the client send one Host header with a host name and an optional port.";
    /// The connection was opened for a host with another certificate.
    RequestMisdirected, "request_misdirected", MISDIRECTED_REQUEST, Client, true,
        "This connection does not serve the host of the request.",
        "Let the client open a connection of its own for the host, or put both names into one certificate.";
    /// The path can be read in more than one way.
    PathAmbiguous, "path_ambiguous", BAD_REQUEST, Client, false,
        "The path of the request is ambiguous.",
        "Let the client send the path without encoded slashes, backslashes, dot segments or NUL.";
    /// No linked virtual proxy has this prefix.
    PrefixUnknown, "prefix_unknown", BAD_REQUEST, Client, false,
        "The http request header is incorrect",
        "Check the prefix in the address, and that its virtual proxy is linked to this proxy.";
    /// The origin of a cross-site request is not on the host allow list.
    OriginNotAllowed, "origin_not_allowed", FORBIDDEN, Client, false,
        "Requests from this origin are not allowed.",
        "Add the host of the page to the virtual proxy's host allow list if the page is yours.";
    /// The `qlik-csrf-token` is missing, forged or belongs to another session.
    CsrfTokenInvalid, "csrf_token_invalid", FORBIDDEN, Client, false,
        "The cross-site request forgery check failed.",
        "Let the client fetch /qps/csrftoken with its session and send the token as qlik-csrf-token.";
    /// Neither a session cookie nor a token.
    CredentialsMissing, "credentials_missing", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: Expected an authentication header.",
        "Let the client send Authorization: Bearer with a token, or name a sign-in page for browsers.";
    /// Not three base64url parts that hold JSON objects.
    TokenMalformed, "token_malformed", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Send the compact form of a signed token as it was issued, without quotes or line breaks.";
    /// The token ends early.
    TokenTruncated, "token_truncated", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "The end of the token is missing: copy it whole, and check length limits on its way.";
    /// The token is encrypted (JWE).
    TokenEncrypted, "token_encrypted", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: Encrypted tokens are not supported.",
        "Let the issuer sign the token instead of encrypting it; TLS protects it on the way.";
    /// The token exceeds the size limit.
    TokenTooLarge, "token_too_large", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is too large.",
        "Let the issuer put fewer claims into the token.";
    /// Two different tokens, or two Authorization headers.
    TokenAmbiguous, "token_ambiguous", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: Expected exactly one authentication header.",
        "Let the client send one Authorization header with one token.";
    /// The token's header asks for something that is not supported.
    TokenHeaderUnsupported, "token_header_unsupported", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer leave out the header parameter that the detail names.";
    /// The algorithm is not on the virtual proxy's list.
    AlgorithmNotAllowed, "algorithm_not_allowed", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Sign with an algorithm of the virtual proxy's list, or add this one to it.";
    /// No configured key has the token's key id or fits its algorithm.
    KeyNotFound, "key_not_found", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Configure the issuer's key, or check that its key set contains the key id of the token.";
    /// The source of the keys has never answered.
    KeySourceUnavailable, "key_source_unavailable", SERVICE_UNAVAILABLE, Gateway, true,
        "The keys to check the token with are not available at the moment.",
        "Check the key set's address and whether this machine reaches it.";
    /// The signature does not fit.
    SignatureInvalid, "signature_invalid", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Check that the configured certificate belongs to the key that signs the tokens.";
    /// `exp` is in the past.
    TokenExpired, "token_expired", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token has expired.",
        "Let the client fetch a new token; if it was just issued, compare the clocks.";
    /// `nbf` is in the future.
    TokenNotYetValid, "token_not_yet_valid", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid yet.",
        "Compare the clocks of the issuer and of this machine.";
    /// `iat` is in the future.
    TokenIssuedInFuture, "token_issued_in_future", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid yet.",
        "Compare the clocks of the issuer and of this machine.";
    /// The time between `iat` (or now) and `exp` exceeds the policy.
    TokenLifetimeTooLong, "token_lifetime_too_long", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer make shorter-lived tokens, or raise jwtMaxLifetimeSeconds.";
    /// No `exp`, but the policy wants one.
    ExpirationMissing, "expiration_missing", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer add exp to its tokens, or switch jwtRequireExpiration off.";
    /// `iss` is not the expected issuer.
    IssuerMismatch, "issuer_mismatch", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Compare the issuer of the virtual proxy with the token's iss, letter by letter.";
    /// `aud` does not contain the expected audience.
    AudienceMismatch, "audience_mismatch", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Compare the audience of the virtual proxy with the token's aud, letter by letter.";
    /// The claim that names the user or the directory is absent.
    ClaimMissing, "claim_missing", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer add the claim, or correct the virtual proxy's attribute name: letter case counts.";
    /// A claim has the wrong type or a value that cannot be used.
    ClaimInvalid, "claim_invalid", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer correct the claim that the detail names.";
    /// A mandatory mapped attribute is absent.
    AttributeMissing, "attribute_missing", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "Let the issuer add the claim, or clear Mandatory on that row of the attribute mapping.";
    /// The user directory is bound to other virtual proxies.
    DirectoryNotAllowed, "directory_not_allowed", FORBIDDEN, Client, false,
        "This user cannot sign in here.",
        "Only the virtual proxies that the user directory is bound to may assert it.";
    /// A single-use token came a second time.
    TokenAlreadyUsed, "token_already_used", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token has already been used.",
        "Let the client fetch a new token for each sign-in.";
    /// The ticket is unknown, used, too old, or for another virtual proxy.
    TicketInvalid, "ticket_invalid", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The ticket is not valid.",
        "A ticket counts once, for a minute, at the virtual proxy it was issued for; let the portal ask for a new one.";
    /// The token was revoked.
    TokenRevoked, "token_revoked", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The token is not valid.",
        "The token was revoked by an administrator; the user needs a new one.";
    /// The API key is unknown, deleted or has run out.
    ApiKeyInvalid, "api_key_invalid", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: The API key is not valid.",
        "The detail says whether the key is unknown or has run out; make another one for the program that sent it.";
    /// The cookie names no session.
    SessionUnknown, "session_unknown", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: Expected an authentication header.",
        "The session has ended or never existed here; let the client sign in with a new token.";
    /// The session ran out.
    SessionExpired, "session_expired", UNAUTHORIZED, Client, false,
        "Could not authenticate the request: Expected an authentication header. Your session has expired.",
        "Let the client sign in again; a longer inactivity timeout is a setting of the virtual proxy.";
    /// The session store does not answer.
    SessionStoreUnavailable, "session_store_unavailable", SERVICE_UNAVAILABLE, Gateway, true,
        "Sessions are not available at the moment.",
        "Check the session store: its log, and whether this machine reaches it.";
    /// The user is blocked.
    UserBlocked, "user_blocked", FORBIDDEN, Client, false,
        "Access is denied.",
        "The user is blocked; unblock the user if that is no longer wanted.";
    /// The access rule or a missing role says no.
    AccessDenied, "access_denied", FORBIDDEN, Client, false,
        "Access is denied.",
        "The detail names the rule or the role that is missing.";
    /// The user has as many sessions as allowed.
    SessionsExhausted, "sessions_exhausted", FORBIDDEN, Client, true,
        "You cannot sign in because you have too many sessions active.",
        "End a session of the user, or raise maxSessionsPerUser.";
    /// Too many requests.
    RateLimited, "rate_limited", TOO_MANY_REQUESTS, Client, true,
        "Too many requests. Please try again later.",
        "Raise the limit of the virtual proxy if the load is legitimate.";
    /// The session has as many open WebSockets as allowed.
    SocketsExhausted, "sockets_exhausted", TOO_MANY_REQUESTS, Client, true,
        "Too many connections of this session are open.",
        "Close what is not used, or raise maxSocketsPerSession.";
    /// The virtual proxy serves as many requests as allowed.
    Overloaded, "overloaded", SERVICE_UNAVAILABLE, Gateway, true,
        "The service is busy. Please try again.",
        "Look at how long the nodes take to answer, or raise maxRequestsInFlight.";
    /// The body exceeds the limit.
    BodyTooLarge, "body_too_large", PAYLOAD_TOO_LARGE, Client, false,
        "The body of the request is too large.",
        "Raise --max-body-bytes if such uploads are wanted.";
    /// The body stopped coming.
    BodyTimeout, "body_timeout", REQUEST_TIMEOUT, Client, true,
        "The body of the request did not arrive in time.",
        "The client or its network is slow or gone; --body-timeout is how long a pause may last.";
    /// No node can take the request.
    NodeUnavailable, "node_unavailable", SERVICE_UNAVAILABLE, Backend, true,
        "The service is not available at the moment.",
        "Check that a load balancing node is configured for this path, running and reachable.";
    /// The node has as many connections as it may have.
    NodeBusy, "node_busy", SERVICE_UNAVAILABLE, Backend, true,
        "The service is busy at the moment. Please try again.",
        "Raise maxConnections of the node when its backend can take more, or add a node.";
    /// The node did not answer in time.
    NodeTimeout, "node_timeout", GATEWAY_TIMEOUT, Backend, true,
        "The service did not answer in time.",
        "Look at the load on the node; --response-timeout is how long an answer may take.";
    /// The node broke the connection or answered nonsense.
    NodeFailed, "node_failed", BAD_GATEWAY, Backend, true,
        "The service gave no valid answer.",
        "Look at the node's own log; the detail says what the gateway saw.";
    /// The gateway is shutting down.
    Draining, "draining", SERVICE_UNAVAILABLE, Gateway, true,
        "The gateway is restarting. Please try again.",
        "Nothing: another node, or this one after its restart, will answer.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set may grow; an id that disappears breaks scripts, dashboards and the manual.
    #[test]
    fn ids_are_unique_and_the_public_set_is_complete() {
        let ids: Vec<_> = Reason::ALL.iter().map(|r| r.id()).collect();
        insta::assert_snapshot!(ids.join(" "));
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len());
    }

    /// The manual has an entry for each reason, in the same order and words.
    #[test]
    fn the_manual_explains_every_reason() {
        let manual = include_str!("../../../docs/manual/troubleshooting.md");
        let entries: Vec<_> = manual.split("\n## ").skip(1).collect();
        let ids: Vec<_> = entries
            .iter()
            .filter_map(|entry| entry.lines().next())
            .collect();
        assert_eq!(ids, Reason::ALL.iter().map(|r| r.id()).collect::<Vec<_>>());
        for (reason, entry) in Reason::ALL.iter().zip(entries) {
            for part in [
                reason.client_sentence(),
                reason.remedy(),
                reason.status().as_str(),
            ] {
                assert!(entry.contains(part), "{reason}: {part}");
            }
        }
    }

    #[test]
    fn sentences_of_the_refusals() {
        let text: String = Reason::ALL
            .iter()
            .map(|r| {
                format!(
                    "{} {}\n  client: {}\n  remedy: {}\n",
                    r.status().as_u16(),
                    r.id(),
                    r.client_sentence(),
                    r.remedy()
                )
            })
            .collect();
        insta::assert_snapshot!(text);
    }
}
