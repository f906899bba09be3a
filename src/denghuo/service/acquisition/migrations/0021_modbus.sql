-- Modbus meters over TCP that the front dials. Which registers hold their energy no message says: it is in the record.

ALTER TABLE terminal DROP CONSTRAINT terminal_protocol_check;
ALTER TABLE terminal ADD CHECK (protocol IN ('gdw3761', 'dlt698', 'dlms', 'hdlc', 'iec104', 'dlt645', 'mqtt', 'modbus'));
ALTER TABLE terminal ADD COLUMN registers text;
ALTER TABLE terminal ADD CHECK ((registers IS NOT NULL) = (protocol = 'modbus'));
