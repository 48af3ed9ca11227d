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
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import Category, Fault, SandboxError, ServerError
from edge.sandbox.compile_child import COST, ExitCode, arguments_for
from edge.sandbox.engine import Target
from edge.sandbox.expose import NOTHING_EXPOSED, ExposedState
from edge_sdk.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.settings import SandboxLimits

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# Isolated mode ignores PYTHONPATH and the working directory, so the child is told where the package is.
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from edge.sandbox.compile_child import main; main(sys.argv[2:])"
_MESSAGE_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """Code of one module, for the engine of the same limits and target.

    Attributes:
        artefact: serialized code. To load it is to trust it: it must come from a `Compiler` and nowhere else.
        compile_s: CPU seconds of the compiling child, its start (about 0.1 s) included.
        peak_memory_bytes: most memory the child had resident, the interpreter's own (about 30 MB) included.
        exposed: what `expose` exported of the module before it was compiled.
    """

    artefact: bytes
    compile_s: float
    peak_memory_bytes: int
    exposed: ExposedState = NOTHING_EXPOSED


class ModuleCompileError(ServerError):
    """A module cannot be compiled, or not at a bearable cost."""

    reason = "MODULE_INVALID"
    fault = Fault.ORGANIZATION
    category = Category.INVALID
    default_advice = "Correct the module and build it again."


class CompilerStoppedError(ServerError):
    """A compilation was given up because the edge is stopping. That says nothing about the module."""

    reason = "EDGE_STOPPING"
    category = Category.UNAVAILABLE
    default_advice = "Try again when the edge is back."


class Compiler:
    """Compiles modules under one set of limits for one target, each in a child of its own, until it is stopped."""

    def __init__(self, limits: SandboxLimits, target: Target = Target.NATIVE) -> None:
        self._limits = limits
        self._target = target
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        # Between a look at `_stopped` and a change of `_children`: no child is started that `stop` does not see.
        self._lock = threading.Lock()

    def compile(self, wasm: bytes) -> CompiledModule:
        """Returns the machine code of a module; blocks for up to `compile_s_max`.

        Raises:
            ModuleCompileError: MODULE_INVALID if the compiler refuses it, COMPILE_TOO_SLOW or COMPILE_TOO_LARGE if it
                goes over a limit, COMPILE_CRASHED if the compiler breaks on it.
            CompilerStoppedError: the compiler was stopped meanwhile or before.
            SandboxError: if the child cannot be started.
        """
        with self._child() as process:
            try:
                output, complaint = process.communicate(wasm, timeout=self._limits.compile_s_max)
            except subprocess.TimeoutExpired as error:
                raise _too_slow(self._limits) from error
            finally:
                _kill(process)
        if process.returncode != ExitCode.COMPILED:
            if self._stopped:
                raise _stopped()
            raise _failure(process.returncode, complaint.decode(errors="replace"), self._limits)
        compile_s, peak_memory_bytes = COST.unpack_from(output)
        return CompiledModule(output[COST.size :], compile_s, peak_memory_bytes)

    def stop(self) -> None:
        """Ends every compilation that is under way, at once, and begins none any more."""
        with self._lock:
            self._stopped = True
            for process in self._children:
                _kill(process)

    @contextmanager
    def _child(self) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:
            if self._stopped:
                raise _stopped()
            process = _start(self._limits, self._target)
            self._children.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._children.remove(process)


def _start(limits: SandboxLimits, target: Target) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, and numbers as arguments
            [sys.executable, "-I", "-B", "-c", _CHILD, str(_PACKAGE_ROOT), *arguments_for(limits, target)],
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


def _stopped() -> CompilerStoppedError:
    return CompilerStoppedError("The edge is stopping and compiles nothing any more.")


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
