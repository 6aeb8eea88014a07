-- What accounting remembers: names and bounds of accounts, what transactions are, and seals.
-- Balances are the ledger's. An owner is written as merchant and mode: 'acct_1/live'.

CREATE TABLE IF NOT EXISTS metadata (
    key BYTEA PRIMARY KEY CHECK (LENGTH(key) = 16),
    text TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts (
    id BYTEA PRIMARY KEY CHECK (LENGTH(id) = 16),
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('asset', 'expense', 'liability', 'equity', 'income')),
    lower_minor BIGINT,
    upper_minor BIGINT CHECK (upper_minor >= lower_minor),
    metadata TEXT NOT NULL,
    opened BIGINT NOT NULL CHECK (opened > 0),
    is_open BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    UNIQUE (owner, name, currency)
);

CREATE TABLE IF NOT EXISTS transactions (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    digest BYTEA NOT NULL CHECK (LENGTH(digest) = 32),
    effective BIGINT,
    metadata BYTEA NOT NULL REFERENCES metadata (key),
    template TEXT,
    version BIGINT,
    arguments TEXT,
    attempt BIGINT NOT NULL CHECK (attempt > 0),
    state TEXT NOT NULL CHECK (state IN ('open', 'posted', 'refused')),
    recorded BIGINT CHECK ((recorded IS NULL) = (state <> 'posted')),
    counts BIGINT CHECK ((counts IS NULL) = (state <> 'posted')),
    body BYTEA CHECK ((body IS NULL) = (state = 'open')),
    PRIMARY KEY (owner, id)
);

CREATE INDEX IF NOT EXISTS transactions_by_time ON transactions (owner, recorded, id)
WHERE recorded IS NOT NULL;
CREATE INDEX IF NOT EXISTS transactions_by_effect ON transactions (owner, counts, id)
WHERE counts IS NOT NULL;
CREATE INDEX IF NOT EXISTS transactions_open ON transactions (owner, id) WHERE state = 'open';

-- The chain that each attempt sent to the ledger, written before it is sent.
CREATE TABLE IF NOT EXISTS attempts (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    chain BYTEA NOT NULL,
    PRIMARY KEY (owner, id, attempt),
    FOREIGN KEY (owner, id) REFERENCES transactions (owner, id)
);

-- Which transaction a transfer of the ledger belongs to.
CREATE TABLE IF NOT EXISTS transfers (
    id BYTEA PRIMARY KEY CHECK (LENGTH(id) = 16),
    owner TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    FOREIGN KEY (owner, transaction_id) REFERENCES transactions (owner, id)
);

-- Transfers in two phases, written before the ledger has the first.
CREATE TABLE IF NOT EXISTS promises (
    transfer BYTEA PRIMARY KEY CHECK (LENGTH(transfer) = 16),
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    body BYTEA NOT NULL,
    UNIQUE (owner, id)
);

CREATE TABLE IF NOT EXISTS templates (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    digest BYTEA NOT NULL CHECK (LENGTH(digest) = 32),
    body BYTEA NOT NULL,
    PRIMARY KEY (owner, name, version)
);

CREATE TABLE IF NOT EXISTS periods (
    owner TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number > 0),
    name TEXT NOT NULL,
    ending BIGINT NOT NULL,
    seal BYTEA CHECK (LENGTH(seal) = 32),
    body BYTEA CHECK ((body IS NULL) = (seal IS NULL)),
    PRIMARY KEY (owner, number),
    UNIQUE (owner, name),
    UNIQUE (owner, ending)
);

-- What a seal covers, one hash per transaction, so that a difference can be named.
CREATE TABLE IF NOT EXISTS sealed (
    owner TEXT NOT NULL,
    number BIGINT NOT NULL,
    place BIGINT NOT NULL,
    transaction_id TEXT NOT NULL,
    digest BYTEA NOT NULL CHECK (LENGTH(digest) = 32),
    PRIMARY KEY (owner, number, place),
    FOREIGN KEY (owner, number) REFERENCES periods (owner, number)
);

CREATE TABLE IF NOT EXISTS imports (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (owner, id)
);
