-- The simulated acquirer's own book: what it was ordered to do, and what it answered. No card data.

CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    operation TEXT NOT NULL
        CHECK (operation IN ('authorize', 'pay', 'capture', 'void', 'refund', 'verify')),
    token TEXT NOT NULL,
    original TEXT,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    arrived BIGINT NOT NULL,
    answer BYTEA NOT NULL
);

CREATE TABLE IF NOT EXISTS set_up (
    token TEXT PRIMARY KEY
);

-- What it tells without being asked, until that is acknowledged.
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY,
    is_acknowledged BIGINT NOT NULL CHECK (is_acknowledged IN (0, 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS notices_to_tell ON notices (id) WHERE is_acknowledged = 0;
