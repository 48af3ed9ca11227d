"""Faults of whole processes have the edges of `tests/e2e/`."""

from __future__ import annotations

from tests.e2e.conftest import make_site, site

__all__ = ["make_site", "site"]
