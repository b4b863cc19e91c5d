-- Everybody who has signed in, or whom an administrator has named. There may be millions.
CREATE TABLE users (
    id          TEXT    NOT NULL PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE, -- directory and id in the form in which users are compared
    directory   TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    roles       TEXT    NOT NULL, -- names with commas between them
    attributes  TEXT    NOT NULL, -- JSON: [[name, value], ...] of the newest sign-in
    blocked     INTEGER NOT NULL, -- 0 or 1
    created     INTEGER NOT NULL, -- milliseconds since the Unix epoch, as below
    modified    INTEGER NOT NULL,
    modified_by TEXT    NOT NULL,
    last_seen   INTEGER           -- NULL: never signed in
) STRICT;

-- The few that requests must know of.
CREATE INDEX users_with_standing ON users (key) WHERE blocked <> 0 OR roles <> '';

-- Passwords of the users in the directory INTERNAL.
CREATE TABLE passwords (
    user_id TEXT    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash    TEXT    NOT NULL, -- argon2id, in PHC string format
    changed INTEGER NOT NULL
) STRICT;
