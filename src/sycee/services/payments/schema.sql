-- What the payments service remembers. A row's body is the contract's Struct as MessagePack; the
-- columns beside it are what rows are found by. Ids sort by time, so they are the order of lists.

CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    email TEXT,
    is_deleted BIGINT NOT NULL CHECK (is_deleted IN (0, 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS customers_of_merchant ON customers (merchant, id);
CREATE INDEX IF NOT EXISTS customers_by_email ON customers (merchant, email, id)
WHERE email IS NOT NULL;

CREATE TABLE IF NOT EXISTS methods (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    customer TEXT,
    type TEXT NOT NULL,
    is_detached BIGINT NOT NULL CHECK (is_detached IN (0, 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS methods_of_customer ON methods (customer, id)
WHERE customer IS NOT NULL;

CREATE TABLE IF NOT EXISTS setups (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    customer TEXT,
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS setups_of_merchant ON setups (merchant, id);
CREATE INDEX IF NOT EXISTS setups_of_customer ON setups (customer, id)
WHERE customer IS NOT NULL;

CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    customer TEXT,
    status TEXT NOT NULL CHECK (
        status IN (
            'requires_payment_method', 'requires_confirmation', 'requires_action', 'processing',
            'requires_capture', 'succeeded', 'canceled'
        )
    ),
    attempt TEXT,
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS payments_of_merchant ON payments (merchant, id);
CREATE INDEX IF NOT EXISTS payments_of_customer ON payments (customer, id)
WHERE customer IS NOT NULL;

-- One try to move money. Recorded before the rail is asked; open until its outcome is known.
CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    payment TEXT NOT NULL,
    is_open BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    started BIGINT NOT NULL,
    -- Counts up over all that are closed, in the order in which they are.
    closing BIGINT UNIQUE CHECK ((closing IS NULL) = (is_open = 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS attempts_open ON attempts (id) WHERE is_open = 1;
CREATE INDEX IF NOT EXISTS attempts_of_payment ON attempts (payment, id);

CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    payment TEXT NOT NULL,
    created BIGINT NOT NULL,
    customer TEXT,
    amount BIGINT NOT NULL CHECK (amount > 0),
    captured BIGINT NOT NULL CHECK (captured BETWEEN 0 AND amount),
    refunded BIGINT NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    -- Equal for the same card, amount and currency; of charges that succeeded.
    twin TEXT,
    -- When the authorization lapses; of charges that are held.
    lapses BIGINT,
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS charges_twins ON charges (merchant, twin, created)
WHERE twin IS NOT NULL;
CREATE INDEX IF NOT EXISTS charges_lapsing ON charges (lapses) WHERE lapses IS NOT NULL;

CREATE INDEX IF NOT EXISTS charges_of_merchant ON charges (merchant, id);
CREATE INDEX IF NOT EXISTS charges_of_payment ON charges (payment, id);
CREATE INDEX IF NOT EXISTS charges_of_customer ON charges (customer, id)
WHERE customer IS NOT NULL;

CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    payment TEXT NOT NULL,
    charge TEXT NOT NULL,
    created BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (
        status IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')
    ),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS refunds_of_merchant ON refunds (merchant, id);
CREATE INDEX IF NOT EXISTS refunds_of_charge ON refunds (charge, id);

CREATE TABLE IF NOT EXISTS balance_transactions (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    rail TEXT NOT NULL,
    created BIGINT NOT NULL,
    type TEXT NOT NULL,
    currency TEXT NOT NULL,
    net BIGINT NOT NULL,
    source TEXT NOT NULL,
    available_on BIGINT NOT NULL,
    -- The maturing that moves it from pending to available; empty when it began there.
    maturing TEXT,
    is_matured BIGINT NOT NULL CHECK (is_matured IN (0, 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS balance_transactions_of_merchant
ON balance_transactions (merchant, id);
CREATE INDEX IF NOT EXISTS balance_transactions_of_source ON balance_transactions (source);
CREATE INDEX IF NOT EXISTS balance_transactions_due
ON balance_transactions (available_on) WHERE is_matured = 0 AND maturing IS NULL;
CREATE INDEX IF NOT EXISTS balance_transactions_maturing
ON balance_transactions (maturing) WHERE is_matured = 0;

-- Money of one merchant, mode and currency on its way from pending to available. Recorded before
-- the ledger is told; open until it was.
CREATE TABLE IF NOT EXISTS maturings (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    livemode BIGINT NOT NULL CHECK (livemode IN (0, 1)),
    rail TEXT NOT NULL,
    currency TEXT NOT NULL,
    net BIGINT NOT NULL,
    is_open BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    -- How far endings of attempts had come when the ledger had moved the money.
    closing BIGINT CHECK ((closing IS NULL) = (is_open = 1))
);

CREATE INDEX IF NOT EXISTS maturings_open ON maturings (id) WHERE is_open = 1;

-- Idempotency keys: the request's hash, and its outcome once that is known.
CREATE TABLE IF NOT EXISTS keys (
    merchant TEXT NOT NULL,
    key TEXT NOT NULL,
    hash BYTEA NOT NULL,
    created BIGINT NOT NULL,
    outcome BYTEA,
    PRIMARY KEY (merchant, key)
);

CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created);

-- A payer's bank wants a payment back. A rail's case is one dispute, however often it is told.
CREATE TABLE IF NOT EXISTS disputes (
    id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    payment TEXT NOT NULL,
    charge TEXT NOT NULL,
    created BIGINT NOT NULL,
    rail_case TEXT NOT NULL UNIQUE,
    amount BIGINT NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (
        status IN (
            'needs_response', 'under_review', 'won', 'lost',
            'warning_needs_response', 'warning_under_review', 'warning_closed'
        )
    ),
    -- When the chance to answer lapses; of those that need an answer.
    lapses BIGINT,
    -- Whether the rail has yet to be told what the merchant says.
    is_unsent BIGINT NOT NULL CHECK (is_unsent IN (0, 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS disputes_of_merchant ON disputes (merchant, id);
CREATE INDEX IF NOT EXISTS disputes_of_payment ON disputes (payment, id);
CREATE INDEX IF NOT EXISTS disputes_lapsing ON disputes (lapses) WHERE lapses IS NOT NULL;
CREATE INDEX IF NOT EXISTS disputes_unsent ON disputes (id) WHERE is_unsent = 1;

-- Money that a dispute moves. Recorded before the ledger is told; open until it was. The id is made
-- of the dispute's, so each step of a dispute moves money once.
CREATE TABLE IF NOT EXISTS dispute_moves (
    id TEXT PRIMARY KEY,
    payment TEXT NOT NULL,
    is_open BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    -- How far endings of attempts had come when the ledger had moved the money.
    closing BIGINT CHECK ((closing IS NULL) = (is_open = 1)),
    body BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS dispute_moves_open ON dispute_moves (id) WHERE is_open = 1;
CREATE INDEX IF NOT EXISTS dispute_moves_of_payment ON dispute_moves (payment, id);

-- Limits of merchants. Every version stays: it says what was in force, and who set it.
CREATE TABLE IF NOT EXISTS velocity_limits (
    merchant TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (merchant, version)
);

-- How far a limit is used in one period: payments that are open or succeeded.
CREATE TABLE IF NOT EXISTS velocity_counts (
    key TEXT PRIMARY KEY,
    ends BIGINT NOT NULL,
    count BIGINT NOT NULL CHECK (count >= 0),
    amount BIGINT NOT NULL CHECK (amount >= 0)
);

CREATE INDEX IF NOT EXISTS velocity_counts_by_age ON velocity_counts (ends);

-- What searches look through: the latest state of payments, charges and customers, a moment late.
-- Texts are folded: a search does not tell large letters from small ones. Made anew from the rows
-- they tell of when search_progress is emptied.
CREATE TABLE IF NOT EXISTS search_documents (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    merchant TEXT NOT NULL,
    created BIGINT NOT NULL,
    amount BIGINT,
    currency TEXT,
    status TEXT,
    customer TEXT,
    email TEXT,
    name TEXT,
    phone TEXT,
    card_brand TEXT,
    card_last4 TEXT,
    card_fingerprint TEXT,
    card_exp_month BIGINT,
    card_exp_year BIGINT,
    postal_code TEXT,
    is_refunded TEXT,
    is_disputed TEXT
);

CREATE INDEX IF NOT EXISTS search_documents_of_merchant
ON search_documents (merchant, kind, created, id);
CREATE INDEX IF NOT EXISTS search_documents_by_status
ON search_documents (merchant, kind, status, created, id) WHERE status IS NOT NULL;
CREATE INDEX IF NOT EXISTS search_documents_by_amount
ON search_documents (merchant, kind, amount, created, id) WHERE amount IS NOT NULL;
CREATE INDEX IF NOT EXISTS search_documents_by_customer
ON search_documents (merchant, kind, customer, created, id) WHERE customer IS NOT NULL;
CREATE INDEX IF NOT EXISTS search_documents_by_email
ON search_documents (merchant, kind, email, created, id) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS search_documents_by_card
ON search_documents (merchant, kind, card_fingerprint, created, id)
WHERE card_fingerprint IS NOT NULL;

CREATE TABLE IF NOT EXISTS search_metadata (
    document TEXT NOT NULL,
    key TEXT NOT NULL,
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (document, key)
);

CREATE INDEX IF NOT EXISTS search_metadata_by_value
ON search_metadata (merchant, kind, key, value, document);

-- How far the rows of before have been looked through, by kind.
CREATE TABLE IF NOT EXISTS search_progress (
    kind TEXT PRIMARY KEY,
    position TEXT NOT NULL
);
