"""Faults of whole processes have the edges of `tests/e2e/`. Those of disks exist where a disk can be made."""

from __future__ import annotations

import os
import subprocess
import tempfile

from tests.e2e.conftest import make_site, site

__all__ = ["make_site", "site"]


def _may_make_disks() -> bool:
    """Says whether this process may mount a file system in memory and lock files in it: root, Linux 6.6 or newer."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False).returncode:
            return False
        try:
            return subprocess.run(["chattr", "+i", folder], capture_output=True, check=False).returncode == 0
        finally:
            subprocess.run(["umount", folder], check=True)


collect_ignore = [] if _may_make_disks() else ["test_disk.py"]
