-- What each gateway says of itself every few seconds, for people who look at another one. Not logged:
-- nobody waits for it to be on disk, and after a crash of the server every gateway says it again.
CREATE UNLOGGED TABLE reports (
    gateway  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version  TEXT             NOT NULL,
    revision BIGINT           NOT NULL,
    problem  TEXT             NOT NULL,
    at       TIMESTAMPTZ      NOT NULL
);
