-- Clocks of meters, or of their terminals, that were measured off, or right after that: seconds ahead (negative: behind).
CREATE TABLE meter_clock (
    meter_no text NOT NULL,
    measured_at timestamptz NOT NULL,
    offset_s bigint NOT NULL,
    PRIMARY KEY (meter_no, measured_at)
);
