"""Each switched-off proposal is refused by its switch, not by accident.

A sample `proposal_*.wat` names the settings it needs. The engine refuses it; with those settings on it is accepted;
with any one of them off it is refused again. So each setting does what its name says, which matters because
`wasmtime.Config` cannot be read back.
"""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import wasmtime
from wasmtime import component

from edge.sandbox.engine import EngineConfiguration, build_engine, configuration_for
from edge.settings import SandboxLimits
from tests.hostile.sample import Sample, samples

SAMPLES = samples("proposal_*.wat")
OURS = configuration_for(SandboxLimits())
# Allowances of a single evaluation, not proposals.
NOT_PROPOSALS = {"parallel_compilation"}


def needs(sample: Sample) -> frozenset[str]:
    return frozenset(sample.claims["needs"].split())


def accepts(configuration: EngineConfiguration, sample: Sample) -> bool:
    wasm = sample.wasm()
    engine = build_engine(configuration)
    try:
        if "wasm_component_model" in needs(sample):
            component.Component(engine, wasm)
            return True
        module = wasmtime.Module(engine, wasm)
        # Some settings, such as `shared_memory`, matter only here.
        with wasmtime.Store(engine) as store:
            store.set_fuel(1_000)
            store.set_epoch_deadline(1)
            wasmtime.Instance(store, module, [])
    except wasmtime.WasmtimeError:
        return False
    return True


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_refused_as_the_engine_is_set(sample: Sample) -> None:
    """The engine that everything runs on refuses a module of the proposal, whatever its structure check would say."""
    assert not accepts(OURS, sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_refused_because_of_its_switches(sample: Sample) -> None:
    """The sample is a valid module of its proposal: turning on what it needs, and no less, makes it accepted."""
    switches = needs(sample)
    assert accepts(replace(OURS, **dict.fromkeys(switches, True)), sample)
    for kept_off in switches:
        assert not accepts(replace(OURS, **dict.fromkeys(switches - {kept_off}, True)), sample)


def test_every_switched_off_setting_has_a_sample() -> None:
    """No setting of the engine is off without a module that shows what it refuses."""
    off = {field.name for field in fields(OURS) if getattr(OURS, field.name) is False}
    assert off - NOT_PROPOSALS == frozenset().union(*map(needs, SAMPLES))
