"""Frozen values and pure rules. No I/O."""
