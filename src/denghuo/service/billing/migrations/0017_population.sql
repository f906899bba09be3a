-- A tariff tried on all contracts of up to twelve months (全体用户测算批次). `months`: what came of each month that is done, with the
-- reference of its figures by contract; done: how many are. `result`: all months together, once they are. epoch: which job goes on.
CREATE TABLE population_run (
    run_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    version int NOT NULL,
    first_month text NOT NULL,
    last_month text NOT NULL,
    state text NOT NULL DEFAULT 'running',
    epoch int NOT NULL DEFAULT 1,
    done int NOT NULL DEFAULT 0,
    months jsonb NOT NULL DEFAULT '[]',
    result jsonb,
    trouble jsonb,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    resumed_at timestamptz NOT NULL,
    resumed_done int NOT NULL DEFAULT 0,
    busy_ms bigint NOT NULL DEFAULT 0,
    ended_at timestamptz
);
-- Who tries a tariff on the same months meets the run that is under way.
CREATE UNIQUE INDEX population_run_open ON population_run (code, version, first_month, last_month)
    WHERE state IN ('running', 'stopped', 'failed');
