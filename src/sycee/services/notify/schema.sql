-- Events as they were published, endpoints, and what is on its way from one to the other.

CREATE TABLE IF NOT EXISTS events (
    merchant TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    created BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (merchant, id)
);

-- body is the endpoint without its secret, which stands beside it under a seal.
CREATE TABLE IF NOT EXISTS endpoints (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    body BYTEA NOT NULL,
    secret BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS endpoints_of_merchant ON endpoints (merchant, id);

-- How often an endpoint's keys were replaced; one that is absent here has those of its creation.
-- Under its seal, the former secret signs beside the one of the endpoint until previous_until.
CREATE TABLE IF NOT EXISTS rotations (
    endpoint TEXT PRIMARY KEY,
    generation BIGINT NOT NULL CHECK (generation > 1),
    previous_secret BYTEA,
    previous_until BIGINT,
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);

-- What was answered to the creation of an endpoint, or of new keys, with an idempotency key. body
-- is the answer without the secret, which stands beside it under a seal.
CREATE TABLE IF NOT EXISTS creations (
    merchant TEXT NOT NULL,
    key TEXT NOT NULL,
    created BIGINT NOT NULL,
    request_hash BYTEA NOT NULL,
    body BYTEA NOT NULL,
    secret BYTEA NOT NULL,
    PRIMARY KEY (merchant, key)
);

CREATE INDEX IF NOT EXISTS creations_by_time ON creations (created);

-- next_at of a pending delivery is when it is due; while it is being sent, when its lease ends.
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts BIGINT NOT NULL,
    queued BIGINT NOT NULL,
    next_at BIGINT,
    last_status BIGINT,
    last_error TEXT,
    UNIQUE (endpoint, event),
    CHECK ((status = 'pending') = (next_at IS NOT NULL))
);

-- Attempts that ended. They outlive a delivery that was removed, until their time is over.
CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    delivery TEXT NOT NULL,
    began BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    status BIGINT,
    answer TEXT NOT NULL,
    error TEXT,
    key_generation BIGINT NOT NULL,
    CHECK ((status IS NULL) = (error IS NOT NULL))
);

CREATE INDEX IF NOT EXISTS attempts_of_delivery ON attempts (delivery, id);
CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (began);

-- Whose leases end when. A life is one start of a deliverer; a row goes when its time is over.
CREATE TABLE IF NOT EXISTS leases (
    until BIGINT NOT NULL,
    life TEXT NOT NULL,
    PRIMARY KEY (until, life)
);

CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (endpoint, next_at)
    WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_dead ON deliveries (merchant, id) WHERE status = 'dead';
CREATE INDEX IF NOT EXISTS deliveries_of_merchant ON deliveries (merchant, id);
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
