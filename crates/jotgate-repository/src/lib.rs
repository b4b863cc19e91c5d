//! Configuration on disk: documents, revisions, migrations
