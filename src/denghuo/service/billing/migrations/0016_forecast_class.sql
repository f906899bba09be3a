-- The tariff class of an account whose forecast was compared with its bill; what was measured before has none and counts in all.
ALTER TABLE forecast_check ADD COLUMN tariff_class text;
