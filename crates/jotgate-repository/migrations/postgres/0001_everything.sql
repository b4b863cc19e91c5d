-- The tables of SQLite's migrations 1 to 5, with the same columns and meanings: see there.
-- COLLATE "C" compares bytes, as SQLite does.

-- How many changes there were of what nodes keep in memory. Its one row is the writers' lock.
CREATE TABLE fleet (
    single BOOLEAN NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    number BIGINT  NOT NULL,
    -- The schema that a program must know at least. A migration that takes away what older ones need
    -- raises it, a version after the one that no longer needs it.
    oldest BIGINT  NOT NULL
);
INSERT INTO fleet (number, oldest) VALUES (0, 1);

CREATE TABLE documents (
    kind     TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    revision BIGINT           NOT NULL,
    json     TEXT             NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE revisions (
    revision BIGINT NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    author   TEXT   NOT NULL,
    note     TEXT   NOT NULL
);

CREATE TABLE changes (
    revision    BIGINT           NOT NULL REFERENCES revisions (revision) ON DELETE CASCADE,
    position    BIGINT           NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    json_before TEXT,
    json_after  TEXT,
    PRIMARY KEY (revision, position)
);

CREATE TABLE settings (
    key   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT             NOT NULL
);

CREATE TABLE revocations (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind           TEXT             NOT NULL,
    token          TEXT,
    virtual_proxy  TEXT,
    jti            TEXT,
    user_directory TEXT,
    user_id        TEXT,
    issued_before  BIGINT,
    until          BIGINT,
    at             BIGINT           NOT NULL,
    author         TEXT             NOT NULL,
    note           TEXT             NOT NULL
);
CREATE INDEX revocations_until ON revocations (until);

CREATE TABLE users (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    key         TEXT COLLATE "C" NOT NULL UNIQUE,
    directory   TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    roles       TEXT COLLATE "C" NOT NULL,
    attributes  TEXT             NOT NULL,
    blocked     BIGINT           NOT NULL,
    created     BIGINT           NOT NULL,
    modified    BIGINT           NOT NULL,
    modified_by TEXT             NOT NULL,
    last_seen   BIGINT
);
CREATE INDEX users_with_standing ON users (key) WHERE blocked <> 0 OR roles <> '';

CREATE TABLE passwords (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash    TEXT             NOT NULL,
    changed BIGINT           NOT NULL
);

CREATE TABLE api_keys (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name            TEXT             NOT NULL,
    hash            TEXT             NOT NULL UNIQUE,
    actions         TEXT             NOT NULL,
    virtual_proxies TEXT             NOT NULL,
    created         BIGINT           NOT NULL,
    created_by      TEXT             NOT NULL,
    expires         BIGINT           NOT NULL,
    last_used       BIGINT,
    last_used_from  TEXT
);

CREATE TABLE audit (
    sequence     BIGINT           NOT NULL PRIMARY KEY,
    at           BIGINT           NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    actor_kind   TEXT             NOT NULL,
    source       TEXT             NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT             NOT NULL,
    subject_id   TEXT COLLATE "C" NOT NULL,
    subject_name TEXT COLLATE "C" NOT NULL,
    revision     BIGINT,
    before       TEXT,
    after        TEXT,
    outcome      TEXT             NOT NULL,
    reason       TEXT             NOT NULL,
    previous     BYTEA            NOT NULL,
    mac          BYTEA            NOT NULL
);
CREATE INDEX audit_at ON audit (at);

-- A fence against mistakes, as in SQLite.
CREATE FUNCTION jotgate_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of the audit trail are only added';
END;
$$;
CREATE TRIGGER audit_is_only_added BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION jotgate_only_added();
