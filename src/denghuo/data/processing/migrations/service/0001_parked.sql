-- Events that a consumer could not take after several tries: kept here with the reason, so that the ones behind them go on.
CREATE TABLE relay_parked (
    consumer text NOT NULL,
    event_id text NOT NULL,
    event jsonb NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
