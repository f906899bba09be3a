"""Which events raise an alarm."""

SILENT_KINDS: tuple[str, ...] = ("other",)
"""Kinds that are kept and raise no alarm: what a protocol records besides faults (parameters changed, switches turned)."""
