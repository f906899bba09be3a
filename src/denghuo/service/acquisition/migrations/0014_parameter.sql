-- Roll-outs set parameters besides clocks and times of use (参数下发).
ALTER TABLE roll_out DROP CONSTRAINT roll_out_kind_check;
ALTER TABLE roll_out ADD CHECK (kind IN ('check_clock', 'set_clock', 'set_times', 'set_parameter'));
