"""Checks a bill file offline: the same fen from readings and prices, and the proof that this bill was issued.

A program of its own. It shares no line with the platform that made the bill, opens no connection, and needs Python alone (PyYAML
where a tariff is given as YAML). It is written to be read: one function for each rule, decimal arithmetic, the order in which a
bill is read.
"""
