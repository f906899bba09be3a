-- When a front sent an order that must not be sent twice: whoever takes it up after that only reads what became of it.
ALTER TABLE terminal_order ADD COLUMN sent_at timestamptz;
