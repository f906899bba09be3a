"""Composition root and command line of Denghuo (灯火): binds services and modules to a store and runs them."""

from denghuo.main.command import main
from denghuo.main.composition import MODULES, SERVICES

__all__ = ["MODULES", "SERVICES", "main"]
