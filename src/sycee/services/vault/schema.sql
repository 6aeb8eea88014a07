-- Card numbers, sealed; the keys that seal them, wrapped; and who has asked for numbers.

CREATE TABLE IF NOT EXISTS data_keys (
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created BIGINT NOT NULL,
    -- How often it has sealed. Counted up in the unit that keeps what it sealed.
    uses BIGINT NOT NULL CHECK (uses >= 0),
    -- The version of the key encryption key by which it is wrapped.
    kek BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (merchant, kind, version)
);

CREATE INDEX IF NOT EXISTS data_keys_by_kek ON data_keys (kek);

CREATE TABLE IF NOT EXISTS cards (
    token TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    bin TEXT NOT NULL,
    last4 TEXT NOT NULL,
    key_version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    UNIQUE (merchant, fingerprint)
);

-- Numbers that were given out. Rows are only ever added.
CREATE TABLE IF NOT EXISTS accesses (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    token TEXT NOT NULL,
    rail TEXT NOT NULL,
    purpose TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS accesses_of_token ON accesses (token, id);
