"""Tariffs (电价): prices and the rules of their use as dated documents with sources; owns their versions and publication."""
