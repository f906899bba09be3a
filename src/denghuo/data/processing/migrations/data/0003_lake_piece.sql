-- A file of the lake may hold only what came since an older one (see analysis/pieces.py): a running day grows without being written
-- anew for everything that comes.

ALTER TABLE lake_file
    -- The first version whose rows stand in the file: 1, the whole day.
    ADD COLUMN since int NOT NULL DEFAULT 1 CHECK (since BETWEEN 1 AND version),
    -- The first version whose file holds these rows too; null as long as the file is read.
    ADD COLUMN until int CHECK (until > version),
    -- Rows of the day at this version; null where the file holds all of them.
    ADD COLUMN day_rows bigint;

UPDATE lake_file f SET until = n.following
FROM (SELECT id, lead(version) OVER (PARTITION BY class, day, shard ORDER BY version) AS following FROM lake_file) n
WHERE n.id = f.id AND n.following IS NOT NULL;

CREATE INDEX lake_file_read ON lake_file (class, day) WHERE until IS NULL;
