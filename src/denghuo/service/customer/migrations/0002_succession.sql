-- Changes of customer (过户): the account of the old customer is closed with its debts, its bills and its history, and the new
-- customer has an account of their own at the same points. The two are linked, so that the place can be followed through its
-- customers.
ALTER TABLE account
    ADD COLUMN closed_on date,
    ADD COLUMN succeeds text UNIQUE REFERENCES account;
