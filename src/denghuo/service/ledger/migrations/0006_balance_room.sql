-- What is estimated and judged each day is written anew each day: with room on its page a new row needs no entries in the indexes.
ALTER TABLE unbilled SET (fillfactor = 50);
ALTER TABLE fee_account SET (fillfactor = 50);
