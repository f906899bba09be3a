-- Tasks that gather many matters of one subject (a storm of alarms): how many, and when the first and the last came.

ALTER TABLE task ADD COLUMN count int CHECK (count > 0), ADD COLUMN first_at timestamptz, ADD COLUMN last_at timestamptz;
CREATE UNIQUE INDEX task_gathered ON task (kind, subject_noun, subject_id, role) WHERE count IS NOT NULL AND state <> 'done';
