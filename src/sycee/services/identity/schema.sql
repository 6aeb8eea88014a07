-- Merchants and their API keys. A key's secret is not here, only its keyed hash.

CREATE TABLE IF NOT EXISTS merchants (
    id TEXT PRIMARY KEY,
    created BIGINT NOT NULL,
    body BYTEA NOT NULL
);

CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL REFERENCES merchants (id),
    digest BYTEA NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('secret', 'publishable', 'read_only', 'operator')),
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT
);

CREATE INDEX IF NOT EXISTS api_keys_of_merchant ON api_keys (merchant, id);
