"""Every sample in this folder is refused or contained exactly as its first lines say, for no more than they say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from edge.sandbox.evaluation import FaultCode
from edge.settings import SandboxLimits
from tests.hostile.sample import FOLDER, Sample, expand, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = samples()
REFUSED = [sample for sample in SAMPLES if sample.refused]
CONTAINED = [sample for sample in SAMPLES if not sample.refused]


@pytest.fixture(scope="module")
def tried() -> Iterator[Callable[[Sample], dict[str, Any]]]:
    """Tries a sample in a process of its own, once."""
    answers: dict[str, dict[str, Any]] = {}
    command = [sys.executable, "-m", "tests.hostile.trial"]
    root = FOLDER.parents[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def answer(sample: Sample) -> dict[str, Any]:
            if sample.name not in answers:
                process.stdin.write(f"{sample.name}\n")
                process.stdin.flush()
                answers[sample.name] = json.loads(process.stdout.readline())
            return answers[sample.name]

        yield answer
        process.stdin.close()


def test_repetitions() -> None:
    """A sample stays short to read: what is repeated is written once, inside one another too, with numbers."""
    text = "(a\n;; repeat 2\n[{n}\n  ;; repeat 3\n{n} {n*5%7}\n  ;; end\n]\n;; end\n)\n"
    inner = "0 0\n1 5\n2 3\n"
    assert expand(text) == f"(a\n[0\n{inner}]\n[1\n{inner}]\n)\n"


def test_there_are_samples() -> None:
    """The folder has not been emptied by accident."""
    assert len(SAMPLES) >= 100
    assert len(REFUSED) >= 40
    assert len(CONTAINED) >= 40


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_says_what_must_become_of_it(sample: Sample) -> None:
    """Each has a verdict, the most time and memory it may take, and a claim; one that is about costs says both."""
    assert {"verdict", "time", "memory", "proves"} <= set(sample.claims)
    assert sample.refused or sample.fault in FaultCode.__members__
    assert 0 < sample.cpu_s_max <= SandboxLimits().compile_s_max + 2
    assert 0 < sample.memory_bytes_max <= SandboxLimits().compile_memory_bytes_max


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_refused_where_and_why_it_says(sample: Sample, tried: Callable[[Sample], dict[str, Any]]) -> None:
    """The check that the sample names refuses it for that reason and for no other; what it says is safe to show."""
    findings = tried(sample)["findings"]
    assert {(finding["check"], finding["reason"]) for finding in findings} == {sample.refused}
    assert all(f"{finding['message']}{finding['advice']}".isprintable() for finding in findings)


@pytest.mark.parametrize("sample", CONTAINED, ids=lambda sample: sample.name)
def test_contained_as_it_says(sample: Sample, tried: Callable[[Sample], dict[str, Any]]) -> None:
    """It is admitted, gives each household the fault or outcome it names, every time, one by one as in a batch, and
    harms no other guest.
    """
    trial = tried(sample)
    assert trial["findings"] == []
    assert trial["faults"] == [[sample.fault] * 3] * 4
    assert trial["outcomes"] == [[sample.outcome] * 3] * 4
    assert trial["fuel"][0] == trial["fuel"][1]
    assert trial["fuel_total"] == [sum(trial["fuel"][0])] * 4
    assert max(trial["fuel"][0]) <= sample.limits.fuel_max
    assert trial["neighbour"] == [1, 0, 0]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_costs_no_more_than_it_says(sample: Sample, tried: Callable[[Sample], dict[str, Any]]) -> None:
    """Examining it, and evaluating it for a household where it comes to that, stays within its time and memory."""
    trial = tried(sample)
    assert trial["cpu_s"] <= sample.cpu_s_max
    assert trial["memory_bytes"] <= sample.memory_bytes_max
