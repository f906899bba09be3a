-- A published price table may be corrected (更正): the corrected one is an issue of its own, and from its publication on its versions
-- hold instead of those they replace. Nothing is overwritten: what held until `replaced_at` is still told as known then.

ALTER TABLE version ADD COLUMN replaced_at timestamptz;
ALTER TABLE version DROP CONSTRAINT version_status_check;
ALTER TABLE version ADD CONSTRAINT version_status_check CHECK (status IN ('draft', 'published', 'replaced', 'withdrawn'));
ALTER TABLE version DROP CONSTRAINT version_check1;
ALTER TABLE version ADD CONSTRAINT version_published CHECK ((status IN ('published', 'replaced')) = (published_by IS NOT NULL));
ALTER TABLE version ADD CONSTRAINT version_replaced CHECK ((status = 'replaced') = (replaced_at IS NOT NULL));

ALTER TABLE price_table_version DROP CONSTRAINT price_table_version_area_month_fkey;
ALTER TABLE price_table_version DROP CONSTRAINT price_table_version_pkey;
ALTER TABLE price_table DROP CONSTRAINT price_table_pkey;
ALTER TABLE price_table ADD COLUMN issue int NOT NULL DEFAULT 1 CHECK (issue > 0);
ALTER TABLE price_table ALTER COLUMN issue DROP DEFAULT;
ALTER TABLE price_table ADD COLUMN replaced_at timestamptz;
ALTER TABLE price_table ADD PRIMARY KEY (area, month, issue);
ALTER TABLE price_table DROP CONSTRAINT price_table_status_check;
ALTER TABLE price_table ADD CONSTRAINT price_table_status_check CHECK (status IN ('draft', 'published', 'replaced'));
ALTER TABLE price_table DROP CONSTRAINT price_table_check1;
ALTER TABLE price_table ADD CONSTRAINT price_table_published
    CHECK ((status IN ('published', 'replaced')) = (published_by IS NOT NULL));
ALTER TABLE price_table ADD CONSTRAINT price_table_replaced CHECK ((status = 'replaced') = (replaced_at IS NOT NULL));
CREATE UNIQUE INDEX price_table_stands ON price_table (area, month) WHERE status = 'published';

ALTER TABLE price_table_version ADD COLUMN issue int NOT NULL DEFAULT 1;
ALTER TABLE price_table_version ALTER COLUMN issue DROP DEFAULT;
ALTER TABLE price_table_version ADD PRIMARY KEY (area, month, issue, code);
ALTER TABLE price_table_version ADD FOREIGN KEY (area, month, issue) REFERENCES price_table ON DELETE CASCADE;
