-- Why a roll-out halted is told in the reader's language; what a person said is told as he said it. Both tongues stood in one text
-- before.

ALTER TABLE roll_out RENAME COLUMN note TO note_zh;
ALTER TABLE roll_out ADD COLUMN note_en text NOT NULL DEFAULT '';
UPDATE roll_out SET note_en = note_zh;
UPDATE roll_out SET note_zh = regexp_replace(note_zh, '^失败 failed (\d+) > (\d+)$', '失败 \1 台，超过允许的 \2 台'),
 note_en = regexp_replace(note_en, '^失败 failed (\d+) > (\d+)$', '\1 failed, where \2 were allowed')
WHERE note_zh LIKE '失败 failed %';
UPDATE roll_out SET note_zh = '申请人已撤回', note_en = 'Withdrawn by who asked' WHERE note_zh = '申请人已撤回 Withdrawn by who asked';
