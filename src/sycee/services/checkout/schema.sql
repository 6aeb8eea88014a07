-- What checkout remembers. A row's body is the contract's Struct as MessagePack; the columns beside
-- it are what rows are found by. Ids sort by time, so they are the order of lists.

CREATE TABLE IF NOT EXISTS products (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    is_active BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    url TEXT,
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS products_of_merchant ON products (merchant, id);

-- The reference refuses to delete a product that has prices, also when both happen at once.
CREATE TABLE IF NOT EXISTS prices (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    product TEXT NOT NULL REFERENCES products (id),
    currency TEXT NOT NULL,
    is_active BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    lookup_key TEXT,
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS prices_of_merchant ON prices (merchant, id);
CREATE INDEX IF NOT EXISTS prices_of_product ON prices (product, id);
CREATE UNIQUE INDEX IF NOT EXISTS prices_by_key ON prices (merchant, livemode, lookup_key)
WHERE lookup_key IS NOT NULL;

-- Idempotency keys with the answers that their requests got.
CREATE TABLE IF NOT EXISTS keys (
    merchant TEXT NOT NULL,
    key TEXT NOT NULL,
    hash BYTEA NOT NULL,
    created BIGINT NOT NULL,
    outcome BYTEA NOT NULL,
    PRIMARY KEY (merchant, key)
);

CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created);
