"""The child process that compiles one module: the binary on stdin, the artefact on stdout, and nothing else.

`edge.sandbox.compile` starts it and explains why. It limits itself before it loads the compiler or reads a byte, so
that it stays bounded even if its parent is gone.
"""

from __future__ import annotations

import errno
import math
import resource
import struct
import sys
import time
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.sandbox.engine import Target
    from edge.settings import SandboxLimits

# What precedes the artefact on stdout: CPU seconds and peak memory in bytes.
COST: Final = struct.Struct("<dQ")

# How the compiler spells a mapping that the kernel refused; a refused allocation aborts it instead.
_OUT_OF_MEMORY = f"(os error {errno.ENOMEM})"
_STATUS_FILE = Path("/proc/self/status")


class ExitCode(IntEnum):
    """How the child ended, if it ended by itself."""

    COMPILED = 0
    INVALID = 3
    """The compiler refused the module; its message is on stderr."""
    OUT_OF_MEMORY = 4


def arguments_for(limits: SandboxLimits, target: Target) -> tuple[str, ...]:
    """Returns the command line that gives the child its limits and what to compile for."""
    return (str(limits.compile_s_max), str(limits.compile_memory_bytes_max), str(limits.stack_bytes_max), target.value)


def main(arguments: Sequence[str]) -> NoReturn:
    """Compiles what stdin holds under the limits of `arguments_for`, and exits with an `ExitCode`."""
    cpu_s_max, memory_bytes_max, stack_bytes_max, target = arguments
    _limit_self(float(cpu_s_max), int(memory_bytes_max))
    sys.exit(_compile(int(stack_bytes_max), target))


def _limit_self(cpu_s_max: float, memory_bytes_max: int) -> None:
    cpu_s = math.ceil(cpu_s_max)
    _lower(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)
    _lower(resource.RLIMIT_AS, memory_bytes_max, memory_bytes_max)
    _lower(resource.RLIMIT_CORE, 0, 0)
    _lower(resource.RLIMIT_FSIZE, 0, 0)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Sets a limit, unless the process was started under a lower one."""
    inherited = resource.getrlimit(kind)[1]
    if inherited != resource.RLIM_INFINITY:
        soft, hard = min(soft, inherited), min(hard, inherited)
    resource.setrlimit(kind, (soft, hard))


def _compile(stack_bytes_max: int, target: str) -> ExitCode:
    # Loaded here, under the limits. If it does not even load, that is not the module's doing.
    import wasmtime  # noqa: PLC0415

    from edge.sandbox.engine import EngineConfiguration, Target, build_engine  # noqa: PLC0415

    engine = build_engine(EngineConfiguration(max_wasm_stack=stack_bytes_max), Target(target))
    wasm = sys.stdin.buffer.read()
    try:
        # `Module` would take bytes that are not a binary for WebAssembly text; `validate` does not.
        wasmtime.Module.validate(engine, wasm)
        artefact = wasmtime.Module(engine, wasm).serialize()
    except wasmtime.WasmtimeError as error:
        sys.stderr.write(str(error))
        return ExitCode.OUT_OF_MEMORY if _OUT_OF_MEMORY in str(error) else ExitCode.INVALID
    except MemoryError:
        return ExitCode.OUT_OF_MEMORY
    sys.stdout.buffer.write(COST.pack(time.process_time(), _peak_memory_bytes()))
    sys.stdout.buffer.write(artefact)
    sys.stdout.buffer.flush()
    return ExitCode.COMPILED


def _peak_memory_bytes() -> int:
    # Not `ru_maxrss`: Linux carries that over from the parent, whose own peak would be reported as the module's.
    for line in _STATUS_FILE.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
