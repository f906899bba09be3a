"""Kernel: the vocabulary that all four modules share. It does no I/O."""
