//! The edit page's sections and fields: the real system's words where it has them.
//!
//! Names are those of the document, so an error of a save finds its field. What is not here (SAML and OIDC,
//! which are stored only) stays as it is.

/// A part of the page.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of the document.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    /// The authentication methods that it is for, by a beginning of their names; empty: any.
    pub(super) only: &'static str,
}

/// What is typed into a field.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Several lines.
    Area,
    /// Yes or no, with the words beside the box.
    Check(&'static str),
    /// One of these values.
    Choice(&'static [(&'static str, &'static str)]),
    /// The same, for numbers.
    NumberChoice(&'static [(&'static str, &'static str)]),
    /// Header lines, as rows.
    Headers,
    /// A list of texts, as rows.
    Lines(&'static str),
    /// Nodes of the site.
    Nodes,
    /// A whole number, with its unit.
    Number(&'static str),
    /// Objects, as rows.
    Rows(&'static [Column]),
    /// Tags of the site.
    Tags,
    /// One line.
    Text,
    /// Any of these values.
    Ticks(&'static [&'static str]),
}

/// A property of the objects in rows.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Cell,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Area,
    /// A custom property of the site.
    Definition,
    /// The row's own id.
    Id,
    Text,
    YesNo,
}

const fn field(name: &'static str, label: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        label,
        help,
        kind,
        only: "",
    }
}

const fn jwt(name: &'static str, label: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        label,
        help,
        kind,
        only: "JWT",
    }
}

const fn header(name: &'static str, label: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        label,
        help,
        kind,
        only: "Header",
    }
}

const fn column(name: &'static str, label: &'static str, kind: Cell) -> Column {
    Column { name, label, kind }
}

const ID: Column = column("id", "", Cell::Id);

const SAME_SITE: Kind = Kind::Choice(&[
    ("NoAttribute", "No attribute"),
    ("None", "None"),
    ("Lax", "Lax"),
    ("Strict", "Strict"),
]);

/// Every section, in the real system's order.
#[rustfmt::skip] // a table
pub(super) const SECTIONS: &[Section] = &[
    Section { id: "identification", title: "Identification", lead: "All of it is needed.", fields: &[
        field("description", "Description", Kind::Text, "What administrators call it. At most 500 characters."),
        field("prefix", "Prefix", Kind::Text, "The path that leads here, such as portal for https://gateway/portal/. Lower-case letters, digits and - . _ ~; only the default virtual proxy has none."),
        field("sessionInactivityTimeout", "Session inactivity timeout", Kind::Number("minutes"), "After so long without a request a session is over. 1 to 71582."),
        field("sessionCookieHeaderName", "Session cookie header name", Kind::Text, "Each virtual proxy has its own: X-Qlik-Session-portal for the prefix portal. Over plain HTTP -HTTP is added."),
    ] },
    Section { id: "authentication", title: "Authentication", lead: "How users prove who they are.", fields: &[
        field("anonymousAccessMode", "Anonymous access mode", Kind::Choice(&[
            ("NoAnonymousUser", "No anonymous user"), ("AllowAnonymous", "Allow anonymous user"), ("AlwaysAnonymous", "Always anonymous user"),
        ]), "Whether users may come without credentials."),
        field("authenticationMethod", "Authentication method", Kind::Choice(&[
            ("Ticket", "Ticket"), ("HeaderStaticUserDirectory", "Header authentication static user directory"),
            ("HeaderDynamicUserDirectory", "Header authentication dynamic user directory"), ("SAML", "SAML (stored, cannot be linked)"),
            ("JWT", "JWT"), ("OIDC", "OIDC (stored, cannot be linked)"),
        ]), "JWT: a server of yours signs a token, and its first use opens a session."),
        jwt("jwtPublicKeyCertificate", "JWT certificate", Kind::Area, "The certificate or public key that tokens are checked with, in PEM form, with its BEGIN and END lines. Several may stand below each other: old and new overlap during a rotation. Never the private key."),
        jwt("jwtAttributeUserId", "JWT attribute for user ID", Kind::Text, "The claim that names the user, such as userId or sub. Upper and lower case count."),
        jwt("jwtAttributeUserDirectory", "JWT attribute for user directory", Kind::Text, "The claim that names the directory, or a fixed one in brackets: [example]."),
        jwt("jwtAttributeMap", "JWT attribute mapping", Kind::Rows(&[
            ID, column("jwtAttribute", "JWT attribute", Cell::Text), column("senseAttribute", "Qlik Sense attribute", Cell::Text), column("isMandatory", "Mandatory", Cell::YesNo),
        ]), "Claims that become attributes of the user. A token that lacks a mandatory one is refused."),
        jwt("jwtAudience", "JWT audience", Kind::Text, "The aud that tokens must have. Empty: it is not compared."),
        jwt("jwtIssuer", "JWT issuer", Kind::Text, "The iss that tokens must have. Empty: it is not compared."),
        jwt("jwtJwksUri", "JWKS address", Kind::Text, "Where the issuer publishes its keys. Only https, except on this machine."),
        jwt("jwtDiscovery", "Discovery", Kind::Check("The JWKS address comes from the issuer's discovery document"), "Then only the issuer is needed: the address changes when the issuer changes it."),
        jwt("jwtIssuers", "Further issuers", Kind::Rows(&[
            column("issuer", "Issuer", Cell::Text), column("audience", "Audience", Cell::Text), column("jwksUri", "JWKS address", Cell::Text),
            column("discovery", "Discovery", Cell::YesNo), column("publicKeyCertificate", "Certificate", Cell::Area),
        ]), "Each has its own keys and audience; the other rules are shared."),
        jwt("jwtAlgorithms", "Algorithms", Kind::Ticks(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]), "Tokens that are signed in another way are refused."),
        jwt("jwtRequireExpiration", "Expiration", Kind::Check("A token without exp is refused"), "Without it, whoever finds a token can use it for ever."),
        jwt("jwtMaxLifetimeSeconds", "Longest lifetime of a token", Kind::Number("seconds"), "From iat to exp. 0: any."),
        jwt("jwtClockSkewSeconds", "Clock tolerance", Kind::Number("seconds"), "By how much the clocks of both sides may differ."),
        jwt("jwtSingleUse", "Single use", Kind::Check("A token is accepted once, by its jti"), "Whoever copies a token that was used cannot use it again. Portals then sign a new one for each sign-in."),
        jwt("privateClaims", "Private claims", Kind::Lines("salary"), "Their values are masked wherever requests are shown."),
        header("headerAuthenticationHeaderName", "Header authentication header name", Kind::Text, "The header in which the server in front names the user."),
        header("headerAuthenticationStaticUserDirectory", "Header authentication static user directory", Kind::Text, "The directory of all users, for the static method."),
        header("headerAuthenticationDynamicUserDirectory", "Header authentication dynamic user directory", Kind::Text, "The pattern of the header's value, for the dynamic method: $ud\\\\$id."),
        header("headerAuthenticationTrustedAddresses", "Trusted addresses", Kind::Lines("10.0.0.7 or 10.0.0.0/24"), "Only from here the header counts."),
        field("windowsAuthenticationEnabledDevicePattern", "Windows authentication pattern", Kind::Text, "Kept for Qlik's clients."),
        field("authenticationModuleRedirectUri", "Authentication module redirect URI", Kind::Text, "Where a browser without a session is sent to sign in."),
    ] },
    Section { id: "load-balancing", title: "Load balancing", lead: "Where requests are forwarded to.", fields: &[
        field("loadBalancingServerNodes", "Load balancing nodes", Kind::Nodes, "At least one is needed to serve anything."),
        field("useStickyLoadBalancing", "Sticky load balancing", Kind::Check("A session stays with the node that served it first"), "For backends that keep something of a user in memory."),
        field("loadBalancingAlgorithm", "Algorithm", Kind::Choice(&[
            ("RoundRobin", "Round robin"), ("MemoryAllocation", "Memory allocation (served as round robin)"), ("LeastRequests", "Fewest requests"),
        ]), "How the next node is chosen."),
    ] },
    Section { id: "advanced", title: "Advanced", lead: "Cookies, origins and headers.", fields: &[
        field("extendedSecurityEnvironment", "Extended security environment", Kind::Check("Backends are told system, browser and address of the client"), "Rules of the backend can then use them."),
        field("sessionCookieDomain", "Session cookie domain", Kind::Text, "Empty: this host only. For a mashup on another host, the domain that both share."),
        field("hasSecureAttributeHttps", "Has secure attribute (https)", Kind::Check("Secure on cookies over HTTPS"), "Browsers then never send the cookie without encryption. Needed with SameSite None."),
        field("sameSiteAttributeHttps", "SameSite attribute (https)", SAME_SITE, "None where the portal is of another site; that needs Secure."),
        field("hasSecureAttributeHttp", "Has secure attribute (http)", Kind::Check("Secure on cookies over plain HTTP"), "Browsers drop such a cookie when it comes over plain HTTP: only behind a server that adds the encryption."),
        field("sameSiteAttributeHttp", "SameSite attribute (http)", SAME_SITE, "From which sites browsers send the cookie along over plain HTTP. None is not taken without Secure."),
        field("cookiePartitioned", "Partitioned cookie", Kind::Check("Survives in frames where third-party cookies are blocked"), "Needs SameSite None and Secure."),
        field("websocketCrossOriginWhiteList", "Host allow list", Kind::Lines("portal.example.com"), "Hosts whose pages may open WebSockets and ask across sites. The gateway's own names are on it by themselves."),
        field("corsAllowedOrigins", "CORS origins", Kind::Lines("https://portal.example.com"), "Origins whose pages may read answers, with credentials."),
        field("additionalResponseHeaders", "Additional response headers", Kind::Headers, "On every answer; what protects the pages of administrators stays. For CORS the origins above do the same with less."),
        field("csrfProtection", "CSRF protection", Kind::NumberChoice(&[
            ("0", "Origin check"), ("1", "Origin check, and WebSockets need the qlik-csrf-token"),
        ]), "Whether a WebSocket that relies on a cookie must prove that it comes from a page of yours."),
        field("sessionMaxLifetime", "Longest session", Kind::Number("minutes"), "A session ends then, whatever happens. 0: never."),
        field("sessionEndsWithToken", "End of the token", Kind::Check("A session ends with the exp of its token"), "Without it, a session outlives the token that opened it."),
        field("maxSessionsPerUser", "Sessions per user", Kind::Number("sessions"), "The oldest one gives way. 0: any number."),
        field("backendHeaders", "Headers to backends", Kind::Rows(&[
            column("name", "Name", Cell::Text), column("value", "Value", Cell::Text),
        ]), "Beside the identity headers: text with {userId}, {userDirectory} and {attribute.NAME}."),
    ] },
    Section { id: "access", title: "Access and limits", lead: "Who is let in, and how much at once.", fields: &[
        field("allowAdministration", "Administration", Kind::Check("Users with a role administer through this virtual proxy"), "Whoever holds its keys can then become an administrator."),
        field("accessRule", "Access rule", Kind::Text, "Which users are let in. Empty: everybody who authenticates."),
        field("boundUserDirectories", "Bound user directories", Kind::Lines("example"), "Only this virtual proxy, and others that list them, may assert these."),
        field("requestsPerSecond", "Requests per second", Kind::Number("requests"), "0: any number."),
        field("requestsPerSecondPerUser", "Requests per second of a user", Kind::Number("requests"), "0: any number."),
        field("maxRequestsInFlight", "Requests at the same time", Kind::Number("requests"), "0: any number."),
        field("maxSocketsPerSession", "WebSockets of a session", Kind::Number("sockets"), "0: any number."),
    ] },
    Section { id: "integration", title: "Integration", lead: "External modules are stored; a virtual proxy that needs one cannot be linked.", fields: &[
        field("sessionModuleBaseUri", "Session module base URI", Kind::Text, "Where an external session module would be. Leave it empty."),
        field("loadBalancingModuleBaseUri", "Load balancing module base URI", Kind::Text, "Where an external load balancing module would be. Leave it empty."),
    ] },
    Section { id: "client-link", title: "Client authentication link", lead: "Kept for Qlik's clients.", fields: &[
        field("magicLinkHostUri", "Client authentication link host URI", Kind::Text, "The address that the link of a client begins with."),
        field("magicLinkFriendlyName", "Client authentication link friendly name", Kind::Text, "What a client shows for this server."),
    ] },
    Section { id: "tags", title: "Tags", lead: "", fields: &[field("tags", "Tags", Kind::Tags, "Words to find it by, in the overview and over QRS.")] },
    Section { id: "custom-properties", title: "Custom properties", lead: "", fields: &[
        field("customProperties", "Custom properties", Kind::Rows(&[
            ID, column("definition", "Property", Cell::Definition), column("value", "Value", Cell::Text),
        ]), "Values of properties that are defined for virtual proxies. A row without a value is dropped."),
    ] },
];

/// Every field.
pub(super) fn all() -> impl Iterator<Item = &'static Field> {
    SECTIONS.iter().flat_map(|section| section.fields)
}
