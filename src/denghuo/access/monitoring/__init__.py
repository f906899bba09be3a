"""Monitoring (安全审计): who did what, when, on whom, with which result."""
