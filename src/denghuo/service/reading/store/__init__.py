"""Queries on the reading schema."""

from denghuo.service.reading.store.pages import ReadingPages
from denghuo.service.reading.store.routes import RouteStore, in_force, known
from denghuo.service.reading.store.write import ReadingStore

__all__ = ["ReadingPages", "ReadingStore", "RouteStore", "in_force", "known"]
