-- The books in PostgreSQL. What is recorded is only ever added; what follows from it (balances, what
-- became of pending transfers, closed accounts) is kept by the triggers below, in the statement that
-- adds, and by nobody else. So whoever writes, the rules that the schema knows hold.
--
-- Numbers of 128 bits that name something are UUIDs, whose order is that of the numbers; amounts
-- are NUMERIC. user_data_64 is kept as the signed number of the same 64 bits.

CREATE TABLE IF NOT EXISTS schema_version (
    version BIGINT NOT NULL
);

-- Who may record (epoch), whether he lives (beat), and the last time and sequence given away.
CREATE TABLE IF NOT EXISTS writer (
    is_only BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (is_only),
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    holder TEXT NOT NULL,
    beat BIGINT NOT NULL,
    timestamp BIGINT NOT NULL CHECK (timestamp >= 0),
    sequence BIGINT NOT NULL CHECK (sequence >= 0)
) WITH (fillfactor = 10);

CREATE TABLE IF NOT EXISTS accounts (
    sequence BIGINT NOT NULL UNIQUE CHECK (sequence > 0),
    timestamp BIGINT NOT NULL UNIQUE CHECK (timestamp > 0),
    id UUID PRIMARY KEY CHECK (
        id <> '00000000-0000-0000-0000-000000000000' AND id <> 'ffffffff-ffff-ffff-ffff-ffffffffffff'
    ),
    user_data_128 UUID NOT NULL,
    user_data_64 BIGINT NOT NULL,
    user_data_32 BIGINT NOT NULL CHECK (user_data_32 BETWEEN 0 AND 4294967295),
    ledger BIGINT NOT NULL CHECK (ledger BETWEEN 1 AND 4294967295),
    code INTEGER NOT NULL CHECK (code BETWEEN 1 AND 65535),
    flags INTEGER NOT NULL CHECK (flags BETWEEN 0 AND 63 AND flags & 6 <> 6),
    is_closed BOOLEAN NOT NULL,
    entries BIGINT NOT NULL DEFAULT 0,
    debits_pending NUMERIC(39, 0) NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
    debits_posted NUMERIC(39, 0) NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_pending NUMERIC(39, 0) NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
    credits_posted NUMERIC(39, 0) NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    CONSTRAINT debits_fit
        CHECK (debits_pending + debits_posted <= 340282366920938463463374607431768211455),
    CONSTRAINT credits_fit
        CHECK (credits_pending + credits_posted <= 340282366920938463463374607431768211455),
    CONSTRAINT debits_must_not_exceed_credits
        CHECK (flags & 2 = 0 OR debits_pending + debits_posted <= credits_posted),
    CONSTRAINT credits_must_not_exceed_debits
        CHECK (flags & 4 = 0 OR credits_pending + credits_posted <= debits_posted)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS transfers (
    sequence BIGINT PRIMARY KEY CHECK (sequence > 0),
    timestamp BIGINT NOT NULL UNIQUE CHECK (timestamp > 0),
    id UUID NOT NULL UNIQUE CHECK (
        id <> '00000000-0000-0000-0000-000000000000' AND id <> 'ffffffff-ffff-ffff-ffff-ffffffffffff'
    ),
    debit_account_id UUID NOT NULL,
    credit_account_id UUID NOT NULL CHECK (credit_account_id <> debit_account_id),
    pending_id UUID CHECK ((pending_id IS NULL) = (flags & 12 = 0)),
    user_data_128 UUID NOT NULL,
    user_data_64 BIGINT NOT NULL,
    user_data_32 BIGINT NOT NULL CHECK (user_data_32 BETWEEN 0 AND 4294967295),
    timeout_s BIGINT NOT NULL CHECK (timeout_s BETWEEN 0 AND CASE flags & 2 WHEN 2 THEN 4294967295 ELSE 0 END),
    ledger BIGINT NOT NULL CHECK (ledger BETWEEN 1 AND 4294967295),
    code INTEGER NOT NULL CHECK (code BETWEEN 1 AND 65535),
    flags INTEGER NOT NULL CHECK (
        flags BETWEEN 0 AND 511
        AND flags & 12 <> 12
        AND (flags & 12 = 0 OR flags & 242 = 0)
        AND (flags & 192 = 0 OR flags & 2 = 2)
    ),
    amount NUMERIC(39, 0) NOT NULL
        CHECK (amount BETWEEN 0 AND 340282366920938463463374607431768211455)
);
CREATE INDEX IF NOT EXISTS transfers_debits ON transfers (debit_account_id, timestamp);
CREATE INDEX IF NOT EXISTS transfers_credits ON transfers (credit_account_id, timestamp);
CREATE UNIQUE INDEX IF NOT EXISTS transfers_resolutions ON transfers (pending_id)
    WHERE pending_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS transfers_closing_debits ON transfers (debit_account_id, timestamp)
    WHERE flags & 64 = 64;
CREATE INDEX IF NOT EXISTS transfers_closing_credits ON transfers (credit_account_id, timestamp)
    WHERE flags & 128 = 128;

-- What became of pending transfers: 1 nothing yet, 2 posted, 3 voided, 4 expired.
CREATE TABLE IF NOT EXISTS pendings (
    id UUID PRIMARY KEY,
    status SMALLINT NOT NULL CHECK (status BETWEEN 1 AND 4),
    due BIGINT CHECK (due > 0),
    ended_at BIGINT CHECK ((ended_at IS NULL) = (status = 1))
);
CREATE INDEX IF NOT EXISTS pendings_due ON pendings (due) WHERE status = 1 AND due IS NOT NULL;

CREATE TABLE IF NOT EXISTS expiries (
    sequence BIGINT PRIMARY KEY CHECK (sequence > 0),
    timestamp BIGINT NOT NULL UNIQUE CHECK (timestamp > 0),
    pending_id UUID NOT NULL UNIQUE,
    debit_account_id UUID NOT NULL,
    credit_account_id UUID NOT NULL,
    amount NUMERIC(39, 0) NOT NULL
);
CREATE INDEX IF NOT EXISTS expiries_debits ON expiries (debit_account_id, timestamp);
CREATE INDEX IF NOT EXISTS expiries_credits ON expiries (credit_account_id, timestamp);

-- Ids of transfers that failed for a passing reason and never come to be.
CREATE TABLE IF NOT EXISTS burned (
    id UUID PRIMARY KEY
);

-- An account's balances now and then, so that no instant is far from one that is known.
CREATE TABLE IF NOT EXISTS milestones (
    account_id UUID NOT NULL,
    timestamp BIGINT NOT NULL,
    debits_pending NUMERIC(39, 0) NOT NULL,
    debits_posted NUMERIC(39, 0) NOT NULL,
    credits_pending NUMERIC(39, 0) NOT NULL,
    credits_posted NUMERIC(39, 0) NOT NULL,
    PRIMARY KEY (account_id, timestamp)
);

INSERT INTO writer (epoch, holder, beat, timestamp, sequence)
    SELECT 0, 'nobody', 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM writer);

-- The fence. A transaction that records begins here: it keeps the writer's row locked until its end,
-- and is refused when another writer has taken over since. SQLSTATE SY001.
CREATE OR REPLACE FUNCTION fence(mine BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM writer WHERE epoch = mine FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'epoch % is over: another writer has taken over', mine USING ERRCODE = 'SY001';
    END IF;
    PERFORM set_config('sycee.epoch', mine::TEXT, TRUE);
END $$;

CREATE OR REPLACE FUNCTION advance(to_timestamp BIGINT, to_sequence BIGINT) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE writer SET timestamp = to_timestamp, sequence = to_sequence, beat = beat + 1
        WHERE timestamp <= to_timestamp AND sequence <= to_sequence;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'time and sequence only grow' USING ERRCODE = 'SY002';
    END IF;
END $$;

-- SQLSTATE SY002 is a rule of the books that would be broken; SY003 of an id that was used up.
CREATE OR REPLACE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what is recorded is never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'SY002';
END $$;

CREATE OR REPLACE FUNCTION refuse_by_hand() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% of % is refused: it follows from what is recorded', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'SY002';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION check_fence() RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM writer WHERE epoch::TEXT = current_setting('sycee.epoch', TRUE)
    ) THEN
        RAISE EXCEPTION 'only a writer that holds the fence records' USING ERRCODE = 'SY001';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION accounts_opened() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_fence();
    IF EXISTS (
        SELECT 1 FROM opened
        WHERE debits_pending <> 0 OR debits_posted <> 0 OR credits_pending <> 0
            OR credits_posted <> 0 OR entries <> 0 OR is_closed <> (flags & 32 <> 0)
    ) THEN
        RAISE EXCEPTION 'an account opens with nothing on it' USING ERRCODE = 'SY002';
    END IF;
    IF (SELECT MIN(timestamp) FROM opened) <= (
        SELECT timestamp FROM accounts WHERE sequence < (SELECT MIN(sequence) FROM opened)
        ORDER BY sequence DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'accounts open one after the other' USING ERRCODE = 'SY002';
    END IF;
    RETURN NULL;
END $$;

-- How many entries an account has between two of its milestones.
CREATE OR REPLACE FUNCTION entries_of_milestone() RETURNS BIGINT LANGUAGE sql IMMUTABLE AS
    'SELECT 512::BIGINT';

-- Everything is found by key: no plan may read a whole table because a batch is large.
CREATE OR REPLACE FUNCTION transfers_recorded() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    ways INTEGER;
    first BIGINT;
    last BIGINT;
    missing BIGINT;
BEGIN
    PERFORM check_fence();
    SELECT BIT_OR(flags), MIN(timestamp), MAX(timestamp) INTO ways, first, last FROM recorded;
    IF ways IS NULL THEN
        RETURN NULL;
    END IF;
    IF first <= (
        SELECT timestamp FROM transfers WHERE sequence < (SELECT MIN(sequence) FROM recorded)
        ORDER BY sequence DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'transfers are recorded one after the other' USING ERRCODE = 'SY002';
    END IF;
    IF EXISTS (SELECT 1 FROM burned)
        AND EXISTS (SELECT 1 FROM recorded JOIN burned USING (id)) THEN
        RAISE EXCEPTION 'a transfer that failed never comes to be' USING ERRCODE = 'SY003';
    END IF;
    IF ways & ~257 = 0 THEN
        WITH moved AS MATERIALIZED (
            SELECT id, ledger, COUNT(*) AS entries, SUM(debit) AS debits, SUM(credit) AS credits
            FROM (
                SELECT debit_account_id AS id, ledger, amount AS debit, 0::NUMERIC AS credit
                FROM recorded
                UNION ALL
                SELECT credit_account_id, ledger, 0, amount FROM recorded
            ) AS sides GROUP BY id, ledger
        ), changed AS (
            UPDATE accounts SET
                entries = accounts.entries + moved.entries,
                debits_posted = debits_posted + moved.debits,
                credits_posted = credits_posted + moved.credits
            FROM moved
            WHERE accounts.id = moved.id AND accounts.ledger = moved.ledger AND NOT is_closed
            RETURNING accounts.*, moved.entries AS added
        ), kept AS (
            INSERT INTO milestones
            SELECT id, last, debits_pending, debits_posted, credits_pending, credits_posted
            FROM changed
            WHERE ways & 256 = 0 AND entries / entries_of_milestone()
                > (entries - added) / entries_of_milestone()
        )
        SELECT (SELECT COUNT(*) FROM moved) - (SELECT COUNT(*) FROM changed) INTO missing;
        IF missing > 0 THEN
            RAISE EXCEPTION 'an account is missing, closed, or of another ledger'
                USING ERRCODE = 'SY002';
        END IF;
        RETURN NULL;
    END IF;
    INSERT INTO pendings (id, status, due)
        SELECT id, 1, CASE WHEN timeout_s > 0 THEN timestamp + timeout_s * 1000000000 END
        FROM recorded WHERE flags & 2 = 2;
    -- The questions are scalar, one for each row, because they must not become joins: a planner
    -- that thinks no pending transfer is open would compare all of them with each row.
    WITH ends AS MATERIALIZED (
        SELECT pending_id AS id, CASE WHEN flags & 4 = 4 THEN 2 ELSE 3 END AS status, timestamp
        FROM recorded AS r
        WHERE flags & 12 <> 0 AND (
            SELECT status = 1 AND (due IS NULL OR due > r.timestamp)
            FROM pendings WHERE id = r.pending_id
        ) AND (
            SELECT r.debit_account_id = p.debit_account_id
                AND r.credit_account_id = p.credit_account_id
                AND r.ledger = p.ledger AND r.code = p.code
                AND r.amount <= p.amount AND (r.flags & 8 = 0 OR r.amount = p.amount)
                AND r.timestamp > p.timestamp
            FROM transfers AS p WHERE p.id = r.pending_id
        )
    ), ended AS (
        UPDATE pendings SET status = ends.status, ended_at = ends.timestamp
        FROM ends WHERE pendings.id = ends.id RETURNING 1
    )
    SELECT (SELECT COUNT(*) FROM recorded WHERE flags & 12 <> 0) - (SELECT COUNT(*) FROM ended)
        INTO missing;
    IF missing > 0 THEN
        RAISE EXCEPTION 'a pending transfer is missing, has ended, or is another'
            USING ERRCODE = 'SY002';
    END IF;
    WITH moves AS MATERIALIZED (
        SELECT r.debit_account_id, r.credit_account_id, r.ledger,
            CASE WHEN r.flags & 2 = 2 THEN r.amount WHEN p.id IS NULL THEN 0 ELSE -p.amount END
                AS pending,
            CASE WHEN r.flags & 10 = 0 THEN r.amount ELSE 0 END AS posted,
            CASE WHEN r.flags & 8 = 8 THEN -p.flags ELSE r.flags END AS closing,
            CASE WHEN r.flags & 8 = 8 THEN 0 ELSE 1 END AS active
        FROM recorded AS r LEFT JOIN transfers AS p ON p.id = r.pending_id
    ), moved AS MATERIALIZED (
        SELECT id, ledger, COUNT(*) AS entries, SUM(dp) AS dp, SUM(dd) AS dd, SUM(cp) AS cp,
            SUM(cc) AS cc, SUM(closing) AS closing, SUM(active) AS active
        FROM (
            SELECT debit_account_id AS id, ledger, pending AS dp, posted AS dd,
                0::NUMERIC AS cp, 0::NUMERIC AS cc, active,
                SIGN(closing) * SIGN(ABS(closing) & 64) AS closing
            FROM moves
            UNION ALL
            SELECT credit_account_id, ledger, 0, 0, pending, posted, active,
                SIGN(closing) * SIGN(ABS(closing) & 128)
            FROM moves
        ) AS sides GROUP BY id, ledger
    ), changed AS (
        UPDATE accounts SET
            entries = accounts.entries + moved.entries,
            debits_pending = debits_pending + moved.dp,
            debits_posted = debits_posted + moved.dd,
            credits_pending = credits_pending + moved.cp,
            credits_posted = credits_posted + moved.cc,
            is_closed = is_closed::INTEGER + moved.closing > 0
        FROM moved
        WHERE accounts.id = moved.id AND accounts.ledger = moved.ledger
            AND NOT (is_closed AND moved.closing >= 0 AND moved.active > 0)
        RETURNING accounts.*, moved.entries AS added
    ), kept AS (
        INSERT INTO milestones
        SELECT id, last, debits_pending, debits_posted, credits_pending, credits_posted
        FROM changed
        WHERE ways & 256 = 0 AND entries / entries_of_milestone()
            > (entries - added) / entries_of_milestone()
    )
    SELECT (SELECT COUNT(*) FROM moved) - (SELECT COUNT(*) FROM changed) INTO missing;
    IF missing > 0 THEN
        RAISE EXCEPTION 'an account is missing, closed, or of another ledger'
            USING ERRCODE = 'SY002';
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION transfers_recorded() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION transfers_recorded() SET enable_hashjoin = off;
ALTER FUNCTION transfers_recorded() SET enable_mergejoin = off;
ALTER FUNCTION transfers_recorded() SET enable_seqscan = off;

CREATE OR REPLACE FUNCTION transfers_expired() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    missing BIGINT;
BEGIN
    PERFORM check_fence();
    WITH ends AS MATERIALIZED (
        SELECT pending_id AS id, timestamp FROM expired AS e
        WHERE (
            SELECT status = 1 AND due <= e.timestamp FROM pendings WHERE id = e.pending_id
        ) AND (
            SELECT e.debit_account_id = p.debit_account_id
                AND e.credit_account_id = p.credit_account_id AND e.amount = p.amount
            FROM transfers AS p WHERE p.id = e.pending_id
        )
    ), ended AS (
        UPDATE pendings SET status = 4, ended_at = ends.timestamp
        FROM ends WHERE pendings.id = ends.id RETURNING 1
    )
    SELECT (SELECT COUNT(*) FROM expired) - (SELECT COUNT(*) FROM ended) INTO missing;
    IF missing > 0 THEN
        RAISE EXCEPTION 'a pending transfer is missing, not due, has ended, or is another'
            USING ERRCODE = 'SY002';
    END IF;
    WITH moved AS (
        SELECT id, SUM(debit) AS debit, SUM(credit) AS credit, BOOL_OR(reopens) AS reopens
        FROM (
            SELECT e.debit_account_id AS id, e.amount AS debit, 0::NUMERIC AS credit,
                p.flags & 64 <> 0 AS reopens
            FROM expired AS e JOIN transfers AS p ON p.id = e.pending_id
            UNION ALL
            SELECT e.credit_account_id, 0, e.amount, p.flags & 128 <> 0
            FROM expired AS e JOIN transfers AS p ON p.id = e.pending_id
        ) AS sides GROUP BY id
    )
    UPDATE accounts SET
        debits_pending = debits_pending - moved.debit,
        credits_pending = credits_pending - moved.credit,
        is_closed = is_closed AND NOT moved.reopens
    FROM moved WHERE accounts.id = moved.id;
    RETURN NULL;
END $$;
ALTER FUNCTION transfers_expired() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION transfers_expired() SET enable_hashjoin = off;
ALTER FUNCTION transfers_expired() SET enable_mergejoin = off;
ALTER FUNCTION transfers_expired() SET enable_seqscan = off;

CREATE OR REPLACE FUNCTION ids_burned() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_fence();
    IF EXISTS (SELECT 1 FROM failed JOIN transfers USING (id)) THEN
        RAISE EXCEPTION 'a transfer that was recorded has not failed' USING ERRCODE = 'SY002';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER opened AFTER INSERT ON accounts
    REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION accounts_opened();
CREATE OR REPLACE TRIGGER by_hand BEFORE UPDATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_by_hand();
CREATE OR REPLACE TRIGGER kept BEFORE DELETE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE OR REPLACE TRIGGER recorded AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION transfers_recorded();
CREATE OR REPLACE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE OR REPLACE TRIGGER expired AFTER INSERT ON expiries
    REFERENCING NEW TABLE AS expired FOR EACH STATEMENT EXECUTE FUNCTION transfers_expired();
CREATE OR REPLACE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON expiries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE OR REPLACE TRIGGER failed AFTER INSERT ON burned
    REFERENCING NEW TABLE AS failed FOR EACH STATEMENT EXECUTE FUNCTION ids_burned();
CREATE OR REPLACE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON burned
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE OR REPLACE TRIGGER by_hand BEFORE INSERT OR UPDATE ON pendings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_by_hand();
CREATE OR REPLACE TRIGGER kept BEFORE DELETE OR TRUNCATE ON pendings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE OR REPLACE TRIGGER by_hand BEFORE INSERT ON milestones
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_by_hand();
CREATE OR REPLACE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON milestones
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
