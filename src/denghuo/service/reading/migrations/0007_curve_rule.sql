-- Rules of curves as they were set by class of meters; what ships is not in here. Of those that hold on a day the last published counts.
CREATE TABLE curve_rule (
    version int PRIMARY KEY CHECK (version > 0),
    code text NOT NULL,
    meter_class text NOT NULL,
    effect text NOT NULL,
    parameters jsonb NOT NULL,
    effective_from date NOT NULL,
    effective_to date,
    reason text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    CHECK (effective_to > effective_from),
    CHECK (published_by IS DISTINCT FROM drafted_by),
    CHECK ((published_by IS NULL) = (published_at IS NULL))
);
CREATE UNIQUE INDEX curve_rule_draft ON curve_rule (code, meter_class) WHERE published_by IS NULL;

-- The newest version in the rule book when a day was checked, and of each meter-day the versions of its rules that were set.
ALTER TABLE curve_check ADD COLUMN book int NOT NULL DEFAULT 0;
ALTER TABLE curve_exception ADD COLUMN versions jsonb NOT NULL DEFAULT '{}';
ALTER TABLE curve_exception DROP CONSTRAINT curve_exception_status_check;
ALTER TABLE curve_exception ADD CHECK (status IN ('estimated', 'held', 'valid'));
