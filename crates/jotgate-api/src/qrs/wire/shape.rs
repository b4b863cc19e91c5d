//! What an entity looks like on the wire: names, types and limits of its properties.
//!
//! The tables are those of Qlik's interface description QRS 38.22.0, in its order, with the
//! properties that Jotgate adds at the end.

/// The members that every entity has and no client decides.
pub(in crate::qrs) const METADATA: [Property; 4] = [
    read_only("id", Kind::Guid),
    read_only("createdDate", Kind::Date),
    read_only("modifiedDate", Kind::Date),
    read_only("modifiedByUserName", Kind::Text { max: 1024 }),
];

/// Members that clients send back because they read them; they are ignored.
pub(in crate::qrs) const READ_ONLY: [&str; 6] = [
    "id",
    "createdDate",
    "modifiedDate",
    "modifiedByUserName",
    "schemaPath",
    "privileges",
];

/// An object of the interface.
#[derive(Debug)]
pub(in crate::qrs) struct Shape {
    /// What `schemaPath` says.
    pub(in crate::qrs) name: &'static str,
    /// Whether it begins with id, dates and author.
    pub(in crate::qrs) metadata: bool,
    /// The other properties, in the order in which they are written.
    pub(in crate::qrs) properties: &'static [Property],
    /// What the condensed form shows.
    pub(in crate::qrs) condensed: Condensed,
}

/// Which of the properties the condensed form shows, beside the id and the privileges.
#[derive(Debug)]
pub(in crate::qrs) enum Condensed {
    /// All but these.
    AllBut(&'static [&'static str]),
    /// These.
    Only(&'static [&'static str]),
}

/// A property of an object.
#[derive(Debug)]
pub(in crate::qrs) struct Property {
    /// Its name, in the interface and in the document.
    pub(in crate::qrs) name: &'static str,
    /// What it holds.
    pub(in crate::qrs) kind: Kind,
    /// Whether what a client sends for it is ignored.
    pub(in crate::qrs) read_only: bool,
}

/// What a property holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::qrs) enum Kind {
    /// True or false.
    Boolean,
    /// A date with three fraction digits and `Z`.
    Date,
    /// A number here, a name in the document.
    Enumeration(&'static Enumeration),
    /// An id.
    Guid,
    /// Objects of a known shape.
    Items(&'static Shape),
    /// A whole number.
    Number {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// An object of a known shape.
    Object(&'static Shape),
    /// Objects of any shape, kept as clients write them.
    Opaque,
    /// Another entity: condensed here, an id in the document.
    Reference(Target),
    /// Other entities.
    References(Target),
    /// Text that is accepted and never shown.
    Secret {
        /// The most characters.
        max: usize,
    },
    /// Text.
    Text {
        /// The most characters.
        max: usize,
    },
    /// Texts.
    Texts {
        /// The most characters of each.
        max: usize,
    },
}

/// Numbers with names.
#[derive(Debug)]
pub(in crate::qrs) struct Enumeration {
    /// What `about/api/enums` calls it.
    pub(in crate::qrs) name: &'static str,
    /// Number and name of each value.
    pub(in crate::qrs) values: &'static [(u8, &'static str)],
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug)]
pub(in crate::qrs) enum Target {
    /// A property that administrators invented.
    CustomProperty,
    /// A machine.
    Node,
    /// The cluster of all machines. There is one, and no document of it.
    ServiceCluster,
    /// A word that entities are marked with.
    Tag,
    /// A virtual proxy.
    VirtualProxy,
}

impl Target {
    /// What the entity looks like; nothing for the cluster, of which there is no document.
    pub(in crate::qrs) const fn shape(self) -> Option<&'static Shape> {
        match self {
            Self::CustomProperty => Some(&super::CUSTOM_PROPERTY_DEFINITION),
            Self::Node => Some(&super::SERVER_NODE_CONFIGURATION),
            Self::ServiceCluster => None,
            Self::Tag => Some(&super::TAG),
            Self::VirtualProxy => Some(&super::VIRTUAL_PROXY_CONFIG),
        }
    }
}

impl Shape {
    /// The properties in the order in which they are written, the common ones first.
    pub(in crate::qrs) fn all(&self) -> impl Iterator<Item = &'static Property> + use<> {
        let common: &'static [Property] = if self.metadata { &METADATA } else { &[] };
        common.iter().chain(self.properties)
    }

    /// The property of that name, in any case.
    pub(in crate::qrs) fn property(&self, name: &str) -> Option<&'static Property> {
        self.all()
            .find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// Whether the condensed form shows `property`.
    pub(in crate::qrs) fn is_condensed(&self, property: &Property) -> bool {
        if METADATA.iter().any(|common| common.name == property.name) {
            return property.name == "id";
        }
        match self.condensed {
            Condensed::AllBut(names) => !names.contains(&property.name),
            Condensed::Only(names) => names.contains(&property.name),
        }
    }
}

const fn read_only(name: &'static str, kind: Kind) -> Property {
    Property {
        name,
        kind,
        read_only: true,
    }
}

/// The same, but what a client sends for it is ignored.
pub(super) const fn only_shown(property: Property) -> Property {
    read_only(property.name, property.kind)
}

const fn property(name: &'static str, kind: Kind) -> Property {
    Property {
        name,
        kind,
        read_only: false,
    }
}

pub(super) const fn boolean(name: &'static str) -> Property {
    property(name, Kind::Boolean)
}

pub(super) const fn date(name: &'static str) -> Property {
    property(name, Kind::Date)
}

pub(super) const fn enumeration(name: &'static str, of: &'static Enumeration) -> Property {
    property(name, Kind::Enumeration(of))
}

pub(super) const fn items(name: &'static str, of: &'static Shape) -> Property {
    property(name, Kind::Items(of))
}

pub(super) const fn number(name: &'static str, min: u32, max: u32) -> Property {
    property(name, Kind::Number { min, max })
}

pub(super) const fn object(name: &'static str, of: &'static Shape) -> Property {
    property(name, Kind::Object(of))
}

pub(super) const fn opaque(name: &'static str) -> Property {
    property(name, Kind::Opaque)
}

pub(super) const fn reference(name: &'static str, to: Target) -> Property {
    property(name, Kind::Reference(to))
}

pub(super) const fn references(name: &'static str, to: Target) -> Property {
    property(name, Kind::References(to))
}

pub(super) const fn secret(name: &'static str, max: usize) -> Property {
    property(name, Kind::Secret { max })
}

pub(super) const fn text(name: &'static str, max: usize) -> Property {
    property(name, Kind::Text { max })
}

pub(super) const fn texts(name: &'static str, max: usize) -> Property {
    property(name, Kind::Texts { max })
}

#[cfg(test)]
mod tests;
