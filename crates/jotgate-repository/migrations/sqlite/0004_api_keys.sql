-- What programs prove themselves with. Only the hash of a key is kept.
CREATE TABLE api_keys (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    hash            TEXT    NOT NULL UNIQUE, -- SHA-256 of the key, in hexadecimal digits
    actions         TEXT    NOT NULL,        -- names with commas between them
    virtual_proxies TEXT    NOT NULL,        -- ids with commas between them
    created         INTEGER NOT NULL,        -- milliseconds since the Unix epoch, as below
    created_by      TEXT    NOT NULL,
    expires         INTEGER NOT NULL,
    last_used       INTEGER,
    last_used_from  TEXT
) STRICT;
