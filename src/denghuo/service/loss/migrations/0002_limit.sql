-- The limit of an area's rate, and where on a feeder its loss arises.

ALTER TABLE area_month ADD COLUMN limit_e2 int;
ALTER TABLE feeder_month ADD COLUMN area_loss_wh bigint, ADD COLUMN line_loss_wh bigint;
