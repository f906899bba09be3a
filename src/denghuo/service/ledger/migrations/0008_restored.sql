-- That a balance came up again after it was used up is told as well, after what was told before.
ALTER TABLE balance_warning DROP CONSTRAINT balance_warning_level_check;
ALTER TABLE balance_warning ADD CHECK (level IN ('low', 'exhausted', 'restored'));
