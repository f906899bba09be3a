-- Reading books (抄表册): which points a reader walks, in which order, and who walks them; by date, changed by two persons. A point
-- that was never put into a book stands in that of its route.
CREATE TABLE book_change (
    change_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    book text NOT NULL,
    org text NOT NULL,
    point_nos text[] NOT NULL,
    reader text,
    effective_from date NOT NULL,
    effective_to date,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused')),
    decided_by text,
    decided_at timestamptz,
    remark text,
    CHECK (reader IS NOT NULL OR cardinality(point_nos) > 0),
    CHECK (effective_to >= effective_from),
    CHECK (decided_by IS DISTINCT FROM proposed_by),
    CHECK ((state = 'proposed') = (decided_by IS NULL))
);
ALTER TABLE book_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY book_change_visible ON book_change USING (denghuo.visible(org, ''));

-- Where a point stands from a day on: the newest row that has begun counts. Rows are added when a change is approved.
CREATE TABLE book_point (
    point_no text NOT NULL,
    effective_from date NOT NULL,
    change_no int NOT NULL,
    book text NOT NULL,
    place int NOT NULL CHECK (place > 0),
    org text NOT NULL,
    PRIMARY KEY (point_no, effective_from, change_no)
);
CREATE INDEX book_point_book ON book_point (book);
ALTER TABLE book_point ENABLE ROW LEVEL SECURITY;
CREATE POLICY book_point_visible ON book_point USING (denghuo.visible(org, ''));

-- Who walks a book: of those whose days hold the day asked for, the one approved last; so a substitute goes before.
CREATE TABLE book_reader (
    book text NOT NULL,
    effective_from date NOT NULL,
    effective_to date,
    change_no int NOT NULL PRIMARY KEY,
    reader text NOT NULL,
    org text NOT NULL,
    approved_at timestamptz NOT NULL
);
CREATE INDEX book_reader_book ON book_reader (book);
ALTER TABLE book_reader ENABLE ROW LEVEL SECURITY;
CREATE POLICY book_reader_visible ON book_reader USING (denghuo.visible(org, ''));
