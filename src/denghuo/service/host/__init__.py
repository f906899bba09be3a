"""Host: derives from a contract all that a service must not write itself.

Bindings (local, remote), routes, parsing, permission checks, idempotency, journal, problems and golden contract files.
"""
