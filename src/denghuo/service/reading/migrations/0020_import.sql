-- How senders' names are ours (读数映射): each change is another version of its code. words: the YAML file.
CREATE TABLE mapping (
    code text NOT NULL,
    version int NOT NULL,
    title text NOT NULL,
    words text NOT NULL,
    saved_by text NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);

-- Files of readings (读数导入). phase: sending, reading, taking or done; halted: stopped, refused or lapsed, where it goes no further.
-- words: the mapping as the import uses it. scope: of who began it. epoch: which job goes on. pieces: how often what was read is kept.
CREATE TABLE import (
    import_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_name text NOT NULL,
    size_bytes bigint NOT NULL,
    content text NOT NULL,
    format text,
    mapping_code text,
    mapping_version int,
    words text NOT NULL,
    spread boolean NOT NULL,
    attended boolean NOT NULL,
    org text NOT NULL,
    scope text[] NOT NULL,
    changed int,
    phase text NOT NULL DEFAULT 'sending' CHECK (phase IN ('sending', 'reading', 'taking', 'done')),
    halted text CHECK (halted IN ('stopped', 'refused', 'lapsed')),
    trouble jsonb,
    epoch int NOT NULL DEFAULT 1,
    digest text,
    sent_bytes bigint NOT NULL DEFAULT 0,
    read_bytes bigint NOT NULL DEFAULT 0,
    pieces int NOT NULL DEFAULT 0,
    values bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    estimated bigint NOT NULL DEFAULT 0,
    handed bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    taken bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    corrected bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    energy jsonb NOT NULL DEFAULT '{}',
    begun_by text NOT NULL,
    begun_at timestamptz NOT NULL,
    -- When the present step was begun or taken up again, and how much of it was done by then: from these its pace is told.
    paced_at timestamptz NOT NULL,
    paced_from bigint NOT NULL DEFAULT 0,
    touched_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX import_open ON import (file_name) WHERE phase <> 'done' AND (halted IS NULL OR halted = 'stopped');
ALTER TABLE import ENABLE ROW LEVEL SECURITY;
CREATE POLICY import_visible ON import USING (denghuo.visible(org, NULL));

-- The datasets that were made of a file, in their order.
CREATE TABLE import_piece (
    import_no int NOT NULL REFERENCES import,
    piece_no int NOT NULL,
    ref jsonb NOT NULL,
    digest text NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    PRIMARY KEY (import_no, piece_no)
);

-- What could not be read. What was read and not taken stands in refused_read under the digest of its piece.
CREATE TABLE import_refusal (
    refusal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_no int NOT NULL REFERENCES import,
    line bigint NOT NULL,
    field text NOT NULL,
    value text NOT NULL,
    what_zh text NOT NULL,
    what_en text NOT NULL,
    remedy_zh text NOT NULL,
    remedy_en text NOT NULL
);
CREATE INDEX import_refusal_import ON import_refusal (import_no, refusal_no);
