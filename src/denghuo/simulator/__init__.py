"""Simulator (模拟终端): concentrators and meters that speak to a head-end from the other side, driven by a folder of the import.

A tool to try a head-end with, this one or another. What it knows of the protocols it knows by itself: it shares no code with the
platform's decoders, so that a mistake in one of them cannot hide in the other.
"""
