-- Whoever caused a parked event stays known, and somebody can ask that it be delivered again.
ALTER TABLE relay_parked ADD COLUMN actor text NOT NULL DEFAULT 'system', ADD COLUMN asked_at timestamptz;
