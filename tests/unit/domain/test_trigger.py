from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.domain.consent import SeriesTerms, Terms
from edge.domain.module import ReportSummary
from edge.domain.trigger import running_trigger

if TYPE_CHECKING:
    from edge.domain.module import Module


def test_terms_name_all_it_reads_and_does(module: Module) -> None:
    """What a household agrees to: each series, how far back and how finely it is read, and every kind of action."""
    trigger = running_trigger(module, 1_500)
    assert trigger is not None
    assert trigger.terms == Terms(
        organization="sunny",
        service="charging-advice",
        purpose="Advise when to charge.",
        series=frozenset({SeriesTerms("power_export", 3_600, 900), SeriesTerms("clock.tariff", 1_800, 1_800)}),
        action_kinds=frozenset({"recommendation", "appliance:ev_charger"}),
    )


def test_terms_of_a_series_that_is_read_twice(module: Module) -> None:
    """A series in several windows counts with the longest window and the finest resolution."""
    assert module.manifest is not None
    (first, *_) = module.manifest.input
    finer = first.model_copy(update={"window": "10m", "resolution": "5m"})
    manifest = module.manifest.model_copy(update={"input": (first, finer)})
    trigger = running_trigger(replace(module, manifest=manifest), 1_500)
    assert trigger is not None
    assert trigger.terms.series == {SeriesTerms("power_export", 3_600, 300)}


def test_key_outlives_a_version(module: Module) -> None:
    """A trigger is counted under its organization and name, whatever its digest."""
    first, second = running_trigger(module, 1_500), running_trigger(replace(module, digest="sha256:other"), 1_500)
    assert first is not None
    assert second is not None
    assert first.key == second.key == "sunny/ev-surplus"


@pytest.mark.parametrize(
    "change",
    [
        {"suspended": True},
        {"revoked": True},
        {"report": ReportSummary("sha256:00", 1, "MEMORY_COUNT")},
        {"approval": None},
        {"superseded_from_ms": 1_500},
    ],
    ids=lambda change: next(iter(change)),
)
def test_only_active_modules_run(module: Module, change: dict[str, object]) -> None:
    """A module that is suspended, revoked, refused, not approved or superseded is no trigger."""
    assert running_trigger(module, 1_500) is not None
    assert running_trigger(replace(module, **change), 1_500) is None  # type: ignore[arg-type]
