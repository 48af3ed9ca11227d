"""Compiles a module in a child process that can be killed.

The compiler's time and memory grow much faster than a module's size: 312 KiB can cost minutes and gigabytes, and fuel
does not cover it. So it runs where the kernel bounds both, and where a fault of the compiler takes nothing down with
it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import Category, Fault, SandboxError, ServerError
from edge.sandbox.compile_child import COST, ExitCode, arguments_for
from edge_sdk.wasm import printable

if TYPE_CHECKING:
    from edge.settings import SandboxLimits

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# Isolated mode ignores PYTHONPATH and the working directory, so the child is told where the package is.
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from edge.sandbox.compile_child import main; main(sys.argv[2:])"
_MESSAGE_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """Machine code of one module, for the engine of the same limits.

    Attributes:
        artefact: serialized code. To load it is to trust it: it must come from `compile_module` and nowhere else.
        compile_s: CPU seconds of the compiling child, its start (about 0.1 s) included.
        peak_memory_bytes: most memory the child had resident, the interpreter's own (about 30 MB) included.
    """

    artefact: bytes
    compile_s: float
    peak_memory_bytes: int


class ModuleCompileError(ServerError):
    """A module cannot be compiled, or not at a bearable cost."""

    reason = "MODULE_INVALID"
    fault = Fault.ORGANIZATION
    category = Category.INVALID
    default_advice = "Correct the module and build it again."


def compile_module(wasm: bytes, limits: SandboxLimits) -> CompiledModule:
    """Returns the machine code of a module; blocks for up to `limits.compile_s_max`.

    Raises:
        ModuleCompileError: MODULE_INVALID if the compiler refuses it, COMPILE_TOO_SLOW or COMPILE_TOO_LARGE if it goes
            over a limit, COMPILE_CRASHED if the compiler breaks on it.
        SandboxError: if the child cannot be started.
    """
    with _start(limits) as process:
        try:
            output, complaint = process.communicate(wasm, timeout=limits.compile_s_max)
        except subprocess.TimeoutExpired as error:
            raise _too_slow(limits) from error
        finally:
            _kill(process)
    if process.returncode != ExitCode.COMPILED:
        raise _failure(process.returncode, complaint.decode(errors="replace"), limits)
    compile_s, peak_memory_bytes = COST.unpack_from(output)
    return CompiledModule(output[COST.size :], compile_s, peak_memory_bytes)


def _start(limits: SandboxLimits) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, and numbers as arguments
            [sys.executable, "-I", "-B", "-c", _CHILD, str(_PACKAGE_ROOT), *arguments_for(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"RUST_BACKTRACE": "0"},
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxError(f"The compiler's process cannot be started: {error}.") from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the child and whatever it may have started, unless it has ended by itself."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _failure(returncode: int, complaint: str, limits: SandboxLimits) -> ServerError:
    """Returns what the child's end means."""
    shown = printable(" ".join(complaint.split()), chars_max=_MESSAGE_CHARS_MAX)
    match returncode:
        case ExitCode.INVALID:
            return ModuleCompileError(f"The compiler refuses the module: {shown}.")
        case ExitCode.OUT_OF_MEMORY:
            return _too_large(limits)
        case _ if returncode >= 0:
            return SandboxError(f"The compiler's process ended with code {returncode}: {shown[-200:]}.")
    ended_by = -returncode
    if ended_by == signal.SIGXCPU:
        return _too_slow(limits)
    # The compiler aborts when an allocation fails; SIGKILL is the system being out of memory.
    if ended_by == signal.SIGKILL or (ended_by == signal.SIGABRT and complaint.startswith("memory allocation of ")):
        return _too_large(limits)
    return ModuleCompileError(
        f"The compiler was ended by signal {ended_by} at this module.",
        reason="COMPILE_CRASHED",
        advice="Simplify the module; show it to the operator, for the compiler should not break.",
    )


def _too_slow(limits: SandboxLimits) -> ModuleCompileError:
    return ModuleCompileError(
        f"Compiling the module takes more than {limits.compile_s_max:g} s.",
        reason="COMPILE_TOO_SLOW",
        advice="Split functions with many locals and branches; inline less.",
    )


def _too_large(limits: SandboxLimits) -> ModuleCompileError:
    return ModuleCompileError(
        f"Compiling the module takes more than {limits.compile_memory_bytes_max} bytes of memory.",
        reason="COMPILE_TOO_LARGE",
        advice="Split functions with many locals and branches; inline less.",
    )
