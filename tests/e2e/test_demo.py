"""`edge demo`, the first thing anyone runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(240)


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", "demo", *arguments], capture_output=True, text=True, timeout=220, check=False
    )


def test_a_day_of_a_neighbourhood() -> None:
    """A whole day: all who consented get the action, nobody else does, everything is counted, the log verifies."""
    done = demo("--households", "40", "--duration", "5", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["households"] == 40
    assert result["readings"] == 40 * 24 * 60
    assert result["households_with_actions"] == result["households_consenting"] == 24
    assert result["households_with_actions_but_no_consent"] == 0
    assert result["actions_delivered"] >= 24
    assert result["evaluations"] > 0
    assert result["faults"] == 0
    assert result["releases"] == 0
    assert result["audit_ok"] is True
    assert result["bytes_in"] > result["readings"]
    assert result["bytes_out"] > 0
    assert 0 < result["reading_to_action_ms"]["p50"] <= result["reading_to_action_ms"]["p99"]


def test_it_tells_its_story_line_by_line_into_a_pipe() -> None:
    """Without a terminal it prints what happens as lines, in its order, with nothing that only a terminal knows."""
    done = demo("--households", "30", "--duration", "1", "--speed", "7200")
    assert done.returncode == 0, done.stderr
    milestones = ("edge running", "module refused", "module approved", "households decided", "audit log verified")
    places = [done.stdout.index(milestone) for milestone in milestones]
    assert places == sorted(places)
    assert "\x1b" not in done.stdout
