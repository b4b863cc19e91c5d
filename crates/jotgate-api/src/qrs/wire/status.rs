//! The tables of what is only read: the cluster, and the state of services.

use super::shape::{
    Condensed, Enumeration, Shape, Target, date, enumeration, object, reference, text,
};

/// The cluster of all machines.
pub(in crate::qrs) static SERVICE_CLUSTER: Shape = Shape {
    name: "ServiceCluster",
    metadata: true,
    properties: &[text("name", 128), object("settings", &SETTINGS)],
    condensed: Condensed::Only(&["name"]),
};

/// Where the files of apps are in the real system; nothing of it is here.
static SETTINGS: Shape = Shape {
    name: "ServiceCluster.Settings",
    metadata: false,
    properties: &[],
    condensed: Condensed::AllBut(&[]),
};

/// Whether a service of a machine runs.
pub(in crate::qrs) static SERVICE_STATUS: Shape = Shape {
    name: "ServiceStatus",
    metadata: true,
    properties: &[
        reference("serverNodeConfiguration", Target::Node),
        enumeration("serviceType", &SERVICE_TYPE),
        enumeration("serviceState", &SERVICE_STATE),
        date("timestamp"),
    ],
    condensed: Condensed::Only(&[]),
};

static SERVICE_TYPE: Enumeration = Enumeration {
    name: "ServiceTypeEnum",
    values: &[
        (0, "Repository"),
        (1, "Proxy"),
        (2, "Scheduler"),
        (3, "Engine"),
        (4, "AppMigration"),
        (5, "Printing"),
    ],
};

static SERVICE_STATE: Enumeration = Enumeration {
    name: "ServiceStateEnum",
    values: &[
        (0, "Initializing"),
        (1, "CertificatesNotInstalled"),
        (2, "Running"),
        (3, "NoCommunication"),
        (4, "Disabled"),
        (5, "Unknown"),
    ],
};
