-- The journal: every batch that ever changed the books, each bound to the one before by its hash.

CREATE TABLE IF NOT EXISTS log (
    seq BIGINT PRIMARY KEY CHECK (seq > 0),
    timestamp BIGINT NOT NULL UNIQUE CHECK (timestamp > 0),
    hash BYTEA NOT NULL CHECK (LENGTH(hash) = 32),
    body BYTEA NOT NULL CHECK (LENGTH(body) > 0)
);
