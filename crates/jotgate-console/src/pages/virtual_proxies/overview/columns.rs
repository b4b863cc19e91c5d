//! The columns of the overview: the real system's, and some that can be added.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Description,
    Prefix,
    Cookie,
    Default,
    Method,
    Linked,
    Tags,
    Modified,
    Timeout,
    Nodes,
    Hosts,
    Id,
}

impl Column {
    pub(super) const ALL: [Self; 12] = [
        Self::Description,
        Self::Prefix,
        Self::Cookie,
        Self::Default,
        Self::Method,
        Self::Linked,
        Self::Tags,
        Self::Modified,
        Self::Timeout,
        Self::Nodes,
        Self::Hosts,
        Self::Id,
    ];

    /// Whether it is shown where nobody has chosen.
    pub(super) const fn is_usual(self) -> bool {
        !matches!(self, Self::Timeout | Self::Nodes | Self::Hosts | Self::Id)
    }

    pub(super) fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.code() == code)
    }

    /// Those that are chosen, in their order; the usual ones where none is. The description leads to the
    /// virtual proxy and is always there.
    pub(super) fn chosen(codes: &[String]) -> Vec<Self> {
        let named: Vec<_> = codes.iter().filter_map(|code| Self::of(code)).collect();
        let is_chosen = |column: &Self| match named.is_empty() {
            true => column.is_usual(),
            false => *column == Self::Description || named.contains(column),
        };
        Self::ALL.into_iter().filter(is_chosen).collect()
    }

    /// Its name in addresses.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Prefix => "prefix",
            Self::Cookie => "cookie",
            Self::Default => "default",
            Self::Method => "method",
            Self::Linked => "linked",
            Self::Tags => "tags",
            Self::Modified => "modified",
            Self::Timeout => "timeout",
            Self::Nodes => "nodes",
            Self::Hosts => "hosts",
            Self::Id => "id",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Description => "Description",
            Self::Prefix => "Prefix",
            Self::Cookie => "Session cookie header name",
            Self::Default => "Is default virtual proxy",
            Self::Method => "Authentication method",
            Self::Linked => "Linked to proxy service",
            Self::Tags => "Tags",
            Self::Modified => "Last modified",
            Self::Timeout => "Session inactivity timeout",
            Self::Nodes => "Load balancing nodes",
            Self::Hosts => "Host allow list",
            Self::Id => "ID",
        }
    }
}
