"""Settings of what evaluates: when triggers run, what a module may be and may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from edge.settings_section import MIB, Section, positive


class EvaluationSection(Section):
    """When triggers run."""

    settle_s: Annotated[int, Field(ge=0, le=300)] = 5
    """How long after a slot its readings may still arrive."""
    catch_up_s_max: int = positive(900)
    """Slots missed by no more than this are evaluated after a restart; older ones are recorded as missed."""
    slot_s_max: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    """Of a trigger at one slot, all its evaluations together; beyond that it is given up and recorded as missed."""


class FaultsSection(Section):
    """When a module whose evaluations fault has to sit out."""

    share_max: Annotated[float, Field(ge=0, le=1)] = 0.1
    """A slot where a larger share of its evaluations faults is bad. With 1 none is, and no module is ever stopped."""
    sit_out_slots_max: int = positive(96, up_to=10_000)
    """After bad slots in a row it sits out 1, 2, 4, ... slots, but never more than this."""
    quarantine_after: int = positive(5, up_to=1_000)
    """After so many bad slots in a row it is quarantined."""


class ReplaySection(Section):
    """What is kept of evaluations so that they can be replayed. It holds readings a second time."""

    keep_days: Annotated[int, Field(ge=0, le=366)] = 7
    """UTC days before today whose recordings are kept; 0 keeps none at all."""
    bytes_per_day_max: int = positive(256 * MIB)
    """On disk. Beyond it what comes is not recorded, and says so."""
    evaluations_max: int = positive(20_000)
    """Of one replay."""


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What a module may be, what compiling it may cost, and what one evaluation may use.

    Attributes:
        module_bytes_max: the binary as uploaded.
        types_max: entries of the type section.
        params_max: parameters of one type; a block can have as many, and each branch to it carries them.
        results_max: results of one type; each call gives the compiler as many values, and is two bytes long.
        functions_max: functions the module defines.
        function_body_bytes_max: code of one function; the compiler's cost grows faster than this.
        locals_max: locals one function declares; with many blocks they are what makes a compile bomb.
        globals_max: globals the module defines.
        exports_max: entries of the export section.
        export_name_bytes_max: one name of the export section; every instance reads them all.
        element_segments_max: segments that fill the table; every instance runs them, and no fuel covers that.
        elements_max: of all element segments together; the same.
        table_elements_max: elements of the table, at the start and after any growth.
        memory_bytes_max: the memory, at the start and after any growth.
        data_segments_max: segments that fill the memory; every instance may have to copy each, and no fuel covers it.
        data_bytes_max: all data segments together.
        compile_s_max: wall-clock seconds of compilation, the child's start included.
        compile_memory_bytes_max: address space of the compiling child.
        fuel_max: fuel of one evaluation, unless the approval names less; as much again prepares the instance before it.
        evaluation_wall_s_max: wall-clock seconds of one evaluation: the second line behind fuel.
        stack_bytes_max: stack of one evaluation.
        input_samples_max: f64 samples of the input block.
    """

    # A plain value to the sandbox, checked like every other section when it is read from the file.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    module_bytes_max: Count = 1 * MIB
    types_max: Count = 1_000
    params_max: Count = 64
    results_max: Count = 16
    functions_max: Count = 2_000
    function_body_bytes_max: Count = 64 * 1024
    locals_max: Count = 1_000
    globals_max: Count = 64
    exports_max: Count = 64
    export_name_bytes_max: Count = 1_024
    element_segments_max: Count = 64
    elements_max: Count = 1_024
    table_elements_max: Count = 1_024
    memory_bytes_max: Count = 4 * MIB
    data_segments_max: Count = 1_000
    data_bytes_max: Count = 1 * MIB
    compile_s_max: Seconds = 20.0
    compile_memory_bytes_max: Count = 2_048 * MIB
    fuel_max: Count = 10_000_000
    evaluation_wall_s_max: Seconds = 1.0
    stack_bytes_max: Count = 256 * 1024
    input_samples_max: Count = 4_096


class AdmissionSection(Section):
    """What organizations may leave here."""

    modules_max: int = positive(200)
    """Uploads kept of one organization, refused ones included."""
    page_modules_max: int = positive(200, up_to=1_000)
    """In one answer of a list."""
