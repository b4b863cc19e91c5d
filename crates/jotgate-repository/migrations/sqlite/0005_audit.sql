-- Who did what: a chain in which each row seals the one before. Rows are only ever added.
CREATE TABLE audit (
    sequence     INTEGER NOT NULL PRIMARY KEY, -- from 1, without gaps
    at           INTEGER NOT NULL, -- milliseconds since the Unix epoch
    actor        TEXT    NOT NULL,
    actor_kind   TEXT    NOT NULL, -- what stands behind the name
    source       TEXT    NOT NULL, -- where the actor asked from
    action       TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL, -- what it was done to
    subject_id   TEXT    NOT NULL,
    subject_name TEXT    NOT NULL,
    revision     INTEGER,          -- of the configuration, when it was changed
    before       TEXT,             -- JSON: the fields that changed, secrets masked; NULL: nothing
    after        TEXT,             -- was there, or nothing is there any more
    outcome      TEXT    NOT NULL, -- done, refused, failed
    reason       TEXT    NOT NULL,
    previous     BLOB    NOT NULL, -- the mac of the row before
    mac          BLOB    NOT NULL  -- HMAC-SHA-256 over everything above; the key is not in here
) STRICT;

CREATE INDEX audit_at ON audit (at);

-- A fence against mistakes. Whoever can write the file can take it down; the chain is for that.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit trail are only added');
END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit trail are only added');
END;
