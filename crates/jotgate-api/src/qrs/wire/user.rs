//! The table of users.

use super::label::{custom_properties, tags};
use super::shape::{Condensed, Shape, boolean, items, only_shown, opaque, text, texts};

/// A user. Custom properties, tags and favorites are there because clients ask for them, and empty.
pub(in crate::qrs) static USER: Shape = Shape {
    name: "User",
    metadata: true,
    properties: &[
        only_shown(custom_properties()),
        text("userId", 255),
        text("userDirectory", 255),
        only_shown(text("userDirectoryConnectorName", 255)),
        text("name", 255),
        texts("roles", 255),
        only_shown(items("attributes", &ATTRIBUTE)),
        only_shown(boolean("inactive")),
        only_shown(boolean("removedExternally")),
        boolean("blacklisted"),
        only_shown(boolean("deleteProhibited")),
        only_shown(tags()),
        only_shown(opaque("favorites")),
    ],
    condensed: Condensed::Only(&[
        "userId",
        "userDirectory",
        "userDirectoryConnectorName",
        "name",
    ]),
};

/// What the newest sign-in told of the user.
static ATTRIBUTE: Shape = Shape {
    name: "UserAttribute",
    metadata: false,
    properties: &[
        text("attributeType", 4096),
        text("attributeValue", 4096),
        text("externalId", 4096),
    ],
    condensed: Condensed::AllBut(&[]),
};
