"""Queries on the acquisition schema, by subject."""
