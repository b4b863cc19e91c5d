//! The table of User: what filters and orders may name.

use super::shape::{Condensed, Shape, boolean, opaque, text, texts};

/// Somebody who has signed in, or whom an administrator has named.
pub(in crate::qrs) static USER: Shape = Shape {
    name: "User",
    metadata: true,
    properties: &[
        opaque("customProperties"),
        text("userId", 255),
        text("userDirectory", 255),
        text("userDirectoryConnectorName", 255),
        text("name", 255),
        texts("roles", 255),
        opaque("attributes"),
        boolean("inactive"),
        boolean("removedExternally"),
        boolean("blacklisted"),
        boolean("deleteProhibited"),
        opaque("tags"),
    ],
    condensed: Condensed::Only(&[
        "userId",
        "userDirectory",
        "userDirectoryConnectorName",
        "name",
    ]),
};
