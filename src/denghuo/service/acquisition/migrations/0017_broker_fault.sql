-- Why there is no connection to a broker, as a code whose text names what to look at.
ALTER TABLE broker ADD COLUMN fault text CHECK (fault IN (
    'not_reached', 'lost', 'certificate', 'host_name', 'tls', 'sign_in', 'rights', 'declined'));
