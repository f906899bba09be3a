-- Proof of issue (账单核验): what a bill was rated by, and the hash tree of each issue run.

-- What rating was given beside the registers (terms, days, use of the tier year). Bills rated before this stand without it.
ALTER TABLE bill ADD COLUMN rating jsonb;

-- Tariff documents as they were when bills were first rated by them, without the end that a successor sets later.
CREATE TABLE rated_tariff (
    code text NOT NULL,
    version int NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (code, version)
);

-- One row per issue run, written with the issue; `root` and `nodes` follow once, by a job, and never change. `nodes` are the hashes of
-- the tree, level by level from the leaves, 32 bytes each. `secret` makes the salts of the run's leaves.
CREATE TABLE issue_run (
    month text NOT NULL,
    run_no int NOT NULL,
    issued_on date NOT NULL,
    bills int NOT NULL,
    secret bytea NOT NULL CHECK (length(secret) = 32),
    root bytea CHECK (length(root) = 32),
    nodes bytea,
    sealed_at timestamptz,
    PRIMARY KEY (month, run_no)
);
-- Proofs read a few hashes of many: slices of plain storage are read without the rest.
ALTER TABLE issue_run ALTER COLUMN nodes SET STORAGE EXTERNAL;
CREATE INDEX issue_run_day ON issue_run (issued_on, month, run_no);
CREATE INDEX issue_run_pending ON issue_run (issued_on, month, run_no) WHERE root IS NULL;
CREATE INDEX bill_run ON bill (month, run_no, bill_no) WHERE run_no IS NOT NULL;

-- Where a bill's leaf lies in the tree of its run. Read only for a bill that the caller has been shown.
CREATE TABLE bill_leaf (
    bill_no text PRIMARY KEY,
    place int NOT NULL
);

-- Runs issued before this are sealed with the next one. gen_random_uuid is the one source of randomness of every server's core.
INSERT INTO issue_run (month, run_no, issued_on, bills, secret)
SELECT month, run_no, min(issued_on), count(*), decode(
    replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
FROM bill WHERE run_no IS NOT NULL GROUP BY month, run_no;
