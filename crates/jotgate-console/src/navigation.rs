//! What the navigation leads to, in the words of the real system.

/// A heading and what is below it.
pub(crate) struct Group {
    pub(crate) heading: &'static str,
    pub(crate) links: &'static [Link],
}

/// A page.
pub(crate) struct Link {
    pub(crate) text: &'static str,
    /// Below `/qmc`.
    pub(crate) path: &'static str,
}

/// Every page that the navigation leads to.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        heading: "Watch",
        links: &[
            Link {
                text: "Overview",
                path: "/",
            },
            Link {
                text: "Live requests",
                path: "/requests",
            },
            Link {
                text: "Sessions",
                path: "/sessions",
            },
            Link {
                text: "History",
                path: "/history",
            },
            Link {
                text: "Audit",
                path: "/audit",
            },
        ],
    },
    Group {
        heading: "Configure system",
        links: &[
            Link {
                text: "Virtual proxies",
                path: "/virtual-proxies",
            },
            Link {
                text: "Set up a portal",
                path: "/start",
            },
            Link {
                text: "Nodes",
                path: "/nodes",
            },
            Link {
                text: "Proxies",
                path: "/proxies",
            },
            Link {
                text: "Token workbench",
                path: "/tokens",
            },
            Link {
                text: "Users",
                path: "/users",
            },
            Link {
                text: "API keys",
                path: "/api-keys",
            },
            Link {
                text: "Certificates",
                path: "/certificates",
            },
            Link {
                text: "Tags",
                path: "/tags",
            },
            Link {
                text: "Configuration file",
                path: "/configuration",
            },
            Link {
                text: "Settings",
                path: "/settings",
            },
        ],
    },
];
