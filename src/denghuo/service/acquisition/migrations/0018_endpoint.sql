-- What is dialled has a network address of its own: two in use at one would talk into each other. Of records that shared one until
-- now the first stays in use, the others are taken out of it.
UPDATE terminal t SET state = 'stopped' WHERE state <> 'stopped' AND EXISTS (
    SELECT FROM terminal e WHERE lower(e.endpoint) = lower(t.endpoint) AND e.state <> 'stopped'
        AND (e.recorded_at, e.terminal_no) < (t.recorded_at, t.terminal_no));
CREATE UNIQUE INDEX terminal_endpoint ON terminal (lower(endpoint)) WHERE state <> 'stopped';
