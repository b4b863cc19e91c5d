//! The table of ServerNodeConfiguration.

use super::label::{custom_properties, tags};
use super::shape::{
    Condensed, Property, Shape, Target, boolean, date, items, number, only_shown, opaque,
    reference, secret, text,
};

/// A machine with backends.
pub(in crate::qrs) static SERVER_NODE_CONFIGURATION: Shape = Shape {
    name: "ServerNodeConfiguration",
    metadata: true,
    properties: PROPERTIES,
    condensed: Condensed::Only(&[
        "name",
        "hostName",
        "temporaryfilepath",
        "roles",
        "serviceCluster",
    ]),
};

#[rustfmt::skip] // a table
static PROPERTIES: &[Property] = &[
    custom_properties(),
    text("name", 255),
    text("hostName", 255),
    boolean("isCentral"),
    // 0 production, 1 development, 2 both: a number in the document as well.
    number("nodePurpose", 0, 2),
    boolean("engineEnabled"),
    boolean("proxyEnabled"),
    boolean("printingEnabled"),
    boolean("schedulerEnabled"),
    boolean("failoverCandidate"),
    tags(),
    text("temporaryfilepath", 255),
    opaque("roles"),
    reference("serviceCluster", Target::ServiceCluster),
    // What Jotgate adds.
    items("services", &SERVICE),
    text("caCertificate", 100_000),
    text("clientCertificate", 100_000),
    secret("clientKey", 100_000),
    boolean("draining"),
    only_shown(date("drainingSince")),
    number("maxConnections", 0, 1_000_000),
];

static SERVICE: Shape = Shape {
    name: "ServerNodeConfiguration.Service",
    metadata: false,
    properties: &[
        text("path", 1024),
        text("uri", 1024),
        text("healthPath", 1024),
        boolean("http2"),
    ],
    condensed: Condensed::AllBut(&[]),
};
