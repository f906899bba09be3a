-- Gateways to buses of DL/T 645 meters (串口服务器) that the front dials.

ALTER TABLE terminal DROP CONSTRAINT terminal_protocol_check;
ALTER TABLE terminal ADD CHECK (protocol IN ('gdw3761', 'dlt698', 'dlms', 'hdlc', 'iec104', 'dlt645'));
