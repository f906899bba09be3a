-- The journal of one service schema (applied in each, with search_path set to it). See processing/journal.py.

CREATE TABLE journal (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    post text NOT NULL DEFAULT '',
    channel text NOT NULL DEFAULT 'system',
    trace text NOT NULL DEFAULT '',
    operation text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    subject text NOT NULL,
    request jsonb NOT NULL,
    reply jsonb NOT NULL,
    events jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (at, seq)
) PARTITION BY RANGE (at);

-- Months get partitions of their own (see processing/housekeeping.py); what no partition covers is kept here all the same.
CREATE TABLE journal_rest PARTITION OF journal DEFAULT;

CREATE INDEX journal_key ON journal (operation, key);
CREATE INDEX journal_order ON journal (xid, seq) WHERE events <> '[]';
CREATE INDEX journal_actor ON journal (actor, at);

-- One key per person; a row without a key is a person who was erased.
CREATE TABLE personal_key (
    subject text PRIMARY KEY,
    wrapped bytea,
    erased_at timestamptz
);

-- How far each consumer has read this journal. The position is (xid, seq) and is bounded by pg_snapshot_xmin, because rows become
-- visible in the order of commits, not of their numbers.
CREATE TABLE relay_position (
    consumer text PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT '0',
    seq bigint NOT NULL DEFAULT 0
);
