-- A point may go over to another account: the meters of an account in a month are found by their installations.
CREATE INDEX installation_account ON installation (account_no);
