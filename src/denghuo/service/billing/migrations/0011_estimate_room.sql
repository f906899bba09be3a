-- The estimates of a running month are written anew every day: half of a page is left for them, so that no index row moves.
ALTER TABLE estimate SET (fillfactor = 50);
