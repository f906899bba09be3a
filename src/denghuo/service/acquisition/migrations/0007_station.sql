-- Stations of gateway meters (IEC 60870-5-104) that the front dials.

ALTER TABLE terminal DROP CONSTRAINT terminal_protocol_check;
ALTER TABLE terminal ADD CHECK (protocol IN ('gdw3761', 'dlt698', 'dlms', 'hdlc', 'iec104'));
-- the energy of one count, which the messages of a station do not say
ALTER TABLE terminal ADD COLUMN count_wh bigint CHECK (count_wh > 0);
ALTER TABLE terminal ADD CHECK ((count_wh IS NOT NULL) = (protocol = 'iec104'));
