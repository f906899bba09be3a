-- How often the computation of a month was asked for, as of which question it was last computed, and when its job was ordered.

CREATE TABLE computation (
    month text PRIMARY KEY,
    asked bigint NOT NULL DEFAULT 0,
    answered bigint NOT NULL DEFAULT 0,
    ordered_at timestamptz,
    computed_at timestamptz
);
