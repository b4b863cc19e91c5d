-- What administrators revoked, until it is over. Which columns are filled follows from the kind.
CREATE TABLE revocations (
    id             TEXT    NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL, -- token, token_id, user
    token          TEXT,             -- SHA-256 of the token, in hexadecimal digits
    virtual_proxy  TEXT,             -- of a token_id
    jti            TEXT,             -- of a token_id
    user_directory TEXT,             -- of a user
    user_id        TEXT,             -- of a user
    issued_before  INTEGER,          -- of a user: seconds since the Unix epoch
    until          INTEGER,          -- seconds since the Unix epoch; NULL: for ever
    at             INTEGER NOT NULL, -- milliseconds since the Unix epoch
    author         TEXT    NOT NULL,
    note           TEXT    NOT NULL
) STRICT;

CREATE INDEX revocations_until ON revocations (until);
