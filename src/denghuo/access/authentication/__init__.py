"""Authentication (身份认证): passwords, one-time codes, waits after failures, sessions."""
