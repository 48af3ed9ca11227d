"""The one engine that compiles and runs every module, and what it is set to.

A guest must be a pure function that gives the same outcome on every edge. So whatever is not deterministic, or not
needed by a function from numbers to a number, is switched off: less to attack, and less for an auditor to reason about.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from importlib.metadata import version
from typing import TYPE_CHECKING

import wasmtime

from edge.domain.recording import Conditions

if TYPE_CHECKING:
    from edge.settings import SandboxLimits


class Target(StrEnum):
    """What modules are compiled for."""

    NATIVE = "native"
    """The machine's own code: what an edge runs."""
    INTERPRETER = "pulley64"
    """Bytecode that wasmtime interprets: a second opinion on what the native code came to, on any machine."""


@dataclass(frozen=True, slots=True)
class EngineConfiguration:
    """The settings of an engine, each named as its property of `wasmtime.Config`, which can be set but not read.

    `wasm_reference_types` is missing on purpose: switching it off aborts the process (wasmtime 50), so it stays on.
    """

    max_wasm_stack: int

    consume_fuel: bool = True
    epoch_interruption: bool = True
    cranelift_nan_canonicalization: bool = True
    # The compiling child is limited in CPU and memory: one thread makes its cost the same on every machine.
    parallel_compilation: bool = False

    wasm_bulk_memory: bool = True
    wasm_multi_value: bool = True
    wasm_simd: bool = True
    wasm_custom_page_sizes: bool = True
    # For the host's own modules; a guest with two memories is refused by its structure.
    wasm_multi_memory: bool = True

    wasm_threads: bool = False
    shared_memory: bool = False
    wasm_relaxed_simd: bool = False
    wasm_memory64: bool = False
    gc_support: bool = False
    wasm_gc: bool = False
    wasm_function_references: bool = False
    wasm_exceptions: bool = False
    wasm_tail_call: bool = False
    wasm_component_model: bool = False
    wasm_stack_switching: bool = False
    wasm_wide_arithmetic: bool = False


def configuration_for(limits: SandboxLimits) -> EngineConfiguration:
    """Returns what an engine under these limits is set to."""
    return EngineConfiguration(max_wasm_stack=limits.stack_bytes_max)


def build_engine(configuration: EngineConfiguration, target: Target = Target.NATIVE) -> wasmtime.Engine:
    """Returns an engine set to exactly this configuration."""
    config = wasmtime.Config()
    if target is not Target.NATIVE:
        config.target = target.value
    for field in fields(configuration):
        setattr(config, field.name, getattr(configuration, field.name))
    return wasmtime.Engine(config)


def make_engine(limits: SandboxLimits, target: Target = Target.NATIVE) -> wasmtime.Engine:
    """Returns the engine that every module under these limits is compiled for and run by."""
    return build_engine(configuration_for(limits), target)


def conditions_of(limits: SandboxLimits) -> Conditions:
    """Returns what an evaluation under these limits can depend on."""
    return Conditions(
        fuel_max=limits.fuel_max,
        memory_bytes_max=limits.memory_bytes_max,
        table_elements_max=limits.table_elements_max,
        stack_bytes_max=limits.stack_bytes_max,
        engine={"wasmtime": version("wasmtime"), **asdict(configuration_for(limits))},
    )


def limits_under(conditions: Conditions, limits: SandboxLimits) -> SandboxLimits:
    """Returns `limits` with those of `conditions` in place of its own."""
    return replace(
        limits,
        fuel_max=conditions.fuel_max,
        memory_bytes_max=conditions.memory_bytes_max,
        table_elements_max=conditions.table_elements_max,
        stack_bytes_max=conditions.stack_bytes_max,
    )
