-- Every estimate is written anew each day: with room on its page the new row needs no entries in the indexes.
ALTER TABLE estimate SET (fillfactor = 50);
