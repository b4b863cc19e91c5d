-- The configuration: one row for each document as it is now.
CREATE TABLE documents (
    kind     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL, -- the one that wrote it
    json     TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

-- Every save, in order. The highest number is the revision of the configuration.
CREATE TABLE revisions (
    revision INTEGER NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL, -- milliseconds since the Unix epoch
    author   TEXT    NOT NULL,
    note     TEXT    NOT NULL
) STRICT;

-- What each save did to each document. NULL before: it was created. NULL after: it was deleted.
CREATE TABLE changes (
    revision    INTEGER NOT NULL REFERENCES revisions (revision) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    json_before TEXT,
    json_after  TEXT,
    PRIMARY KEY (revision, position)
) STRICT;

-- Small facts that are no documents, such as which gateway this process is.
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
