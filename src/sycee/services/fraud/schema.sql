-- Block lists, and every judgement with its reasons.

CREATE TABLE IF NOT EXISTS blocks (
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    created BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (merchant, kind, value)
);

CREATE TABLE IF NOT EXISTS judgements (
    attempt TEXT PRIMARY KEY,
    judged BIGINT NOT NULL,
    merchant TEXT NOT NULL,
    card TEXT NOT NULL,
    customer TEXT,
    ip TEXT,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('approve', 'challenge', 'review', 'decline')),
    score BIGINT NOT NULL CHECK (score BETWEEN 0 AND 1000),
    reasons BYTEA NOT NULL
);

CREATE INDEX IF NOT EXISTS judgements_by_time ON judgements (judged);
