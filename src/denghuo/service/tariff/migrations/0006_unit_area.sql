-- By which area's tariffs the customers of a unit are billed from a day on (单位价区). A unit without an entry has the area of the
-- unit above it; an entry without an area gives that back. What held until `replaced_at` is still told as known then.

CREATE TABLE unit_area (
    org text NOT NULL,
    area text,
    from_day date NOT NULL,
    assigned_by text NOT NULL,
    assigned_at timestamptz NOT NULL,
    replaced_at timestamptz
);
CREATE UNIQUE INDEX unit_area_stands ON unit_area (org, from_day) WHERE replaced_at IS NULL;
