-- Terminals that speak over an MQTT broker (消息服务器), and the front's connection to it.

ALTER TABLE terminal DROP CONSTRAINT terminal_protocol_check;
ALTER TABLE terminal ADD CHECK (protocol IN ('gdw3761', 'dlt698', 'dlms', 'hdlc', 'iec104', 'dlt645', 'mqtt'));
ALTER TABLE terminal DROP CONSTRAINT terminal_check;
ALTER TABLE terminal ADD CHECK ((endpoint IS NOT NULL) = (protocol NOT IN ('gdw3761', 'dlt698', 'mqtt')));

-- One front at a time holds the connection: the broker knows one session, which keeps what nobody took yet.
CREATE TABLE broker (
    address text PRIMARY KEY,
    node text NOT NULL,
    state text NOT NULL CHECK (state IN ('online', 'offline', 'refused')),
    -- what the broker or the network said when it ended or refused
    said text NOT NULL DEFAULT '',
    since timestamptz NOT NULL,
    heard_at timestamptz,
    losses bigint NOT NULL DEFAULT 0,
    messages_in bigint NOT NULL DEFAULT 0,
    messages_out bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0
);
