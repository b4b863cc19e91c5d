//! The tables of tags and custom properties.

use super::shape::{Condensed, Property, Shape, Target, items, reference, references, text, texts};

/// A word that entities are marked with.
pub(in crate::qrs) static TAG: Shape = Shape {
    name: "Tag",
    metadata: true,
    properties: &[text("name", 255)],
    condensed: Condensed::AllBut(&[]),
};

/// A property that administrators invented.
pub(in crate::qrs) static CUSTOM_PROPERTY_DEFINITION: Shape = Shape {
    name: "CustomPropertyDefinition",
    metadata: true,
    properties: &[
        text("name", 100),
        text("valueType", 255),
        texts("choiceValues", 1024),
        texts("objectTypes", 255),
        text("description", 512),
    ],
    condensed: Condensed::Only(&["name", "valueType", "choiceValues"]),
};

static CUSTOM_PROPERTY_VALUE: Shape = Shape {
    name: "CustomPropertyValue",
    metadata: true,
    properties: &[
        text("value", 1024),
        reference("definition", Target::CustomProperty),
    ],
    condensed: Condensed::AllBut(&[]),
};

/// The tags of an entity.
pub(super) const fn tags() -> Property {
    references("tags", Target::Tag)
}

/// The custom properties of an entity.
pub(super) const fn custom_properties() -> Property {
    items("customProperties", &CUSTOM_PROPERTY_VALUE)
}
