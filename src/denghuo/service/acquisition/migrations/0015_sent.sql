-- Notices of disconnection that the notice service sent are recorded by themselves, each once.
ALTER TABLE disconnection_notice ADD COLUMN sent_no bigint;
CREATE UNIQUE INDEX disconnection_notice_sent ON disconnection_notice (sent_no);
