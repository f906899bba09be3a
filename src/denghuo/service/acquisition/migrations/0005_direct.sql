-- Direct meters (直连表) that the front dials itself.

ALTER TABLE terminal DROP CONSTRAINT terminal_protocol_check;
ALTER TABLE terminal ADD CHECK (protocol IN ('gdw3761', 'dlt698', 'dlms', 'hdlc'));
-- where it is dialled, host:port; terminals dial us and have none
ALTER TABLE terminal ADD COLUMN endpoint text;
ALTER TABLE terminal ADD CHECK ((endpoint IS NOT NULL) = (protocol NOT IN ('gdw3761', 'dlt698')));
