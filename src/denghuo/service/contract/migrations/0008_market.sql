-- Who is settled by the market is asked each month, and each time market prices change; few of the rows are of them.
CREATE INDEX terms_market ON terms (account_no) WHERE settlement_mode = 'market';
CREATE INDEX terms_past_market ON terms_past (account_no) WHERE settlement_mode = 'market';
