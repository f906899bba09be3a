-- A unit that has another price area: its facts have the name of the unit and the version -1.
ALTER TABLE replaced_fact DROP CONSTRAINT replaced_fact_subject_check;
ALTER TABLE replaced_fact ADD CONSTRAINT replaced_fact_subject_check
    CHECK (subject IN ('prices', 'days', 'spot_prices', 'areas'));
