-- What is held was neither received as good nor filled: it has no method.
UPDATE curve_exception SET method = 'none' WHERE status = 'held';
