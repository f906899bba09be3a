-- Special terms (专用条款): losses, transformers and their states, parts, households. Nearly all rows have none.
ALTER TABLE terms ADD COLUMN special jsonb CHECK (special IS NULL OR jsonb_typeof(special) = 'object');
