from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from edge.errors import Category, Fault, SandboxError
from edge.sandbox.assemble import assemble
from edge.sandbox.compile import (
    _CHILD,
    _PACKAGE_ROOT,
    CompiledModule,
    Compiler,
    CompilerStoppedError,
    ModuleCompileError,
    _failure,
)
from edge.sandbox.compile_child import arguments_for
from edge.sandbox.engine import Target
from edge.settings import SandboxLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1024 * 1024
LIMITS = SandboxLimits()


def compile_module(wasm: bytes, limits: SandboxLimits) -> CompiledModule:
    """Compiles with a compiler of its own."""
    return Compiler(limits).compile(wasm)


def bomb(local_count: int, block_count: int) -> bytes:
    """Returns a module whose compilation costs about the product of both numbers, far beyond its size."""
    blocks = (
        f"(block local.get {n % local_count} br_if 0 local.get {n * 7 % local_count} i32.const 1 i32.add"
        f" local.set {n * 13 % local_count})"
        for n in range(block_count)
    )
    return assemble(f"(module (func (local {'i32 ' * local_count}) {' '.join(blocks)}))", "bomb")


def test_compiles_and_measures() -> None:
    """A small module gives an artefact, and costs little more than the compiler's start."""
    compiled = compile_module(assemble("(module)", "test"), LIMITS)
    assert compiled.artefact.startswith(b"\x7fELF")
    assert 0 < compiled.compile_s < 10
    assert 10 * MIB < compiled.peak_memory_bytes < 200 * MIB


def test_memory_of_the_parent_is_not_counted() -> None:
    """A parent that once used much memory does not make its children look large."""
    ballast = bytearray(300 * MIB)
    ballast[::4096] = b"\1" * len(ballast[::4096])
    assert compile_module(assemble("(module)", "test"), LIMITS).peak_memory_bytes < 200 * MIB


def test_same_module_same_artefact() -> None:
    """Compiling is a function of the module, so an artefact can be known by its digest."""
    wasm = assemble('(module (func (export "f") (result f64) f64.const 1))', "test")
    assert compile_module(wasm, LIMITS).artefact == compile_module(wasm, LIMITS).artefact


def test_cost_grows_faster_than_size() -> None:
    """The bomb is one: ten times the module takes far more than ten times the memory beyond the compiler's own."""
    base = compile_module(bomb(1, 1), LIMITS).peak_memory_bytes
    small = compile_module(bomb(50, 150), LIMITS).peak_memory_bytes - base
    large = compile_module(bomb(500, 1_500), LIMITS).peak_memory_bytes - base
    assert large > 15 * max(small, 1)


def test_too_slow() -> None:
    """A bomb is stopped when its time is over."""
    with pytest.raises(ModuleCompileError) as error:
        compile_module(bomb(2_000, 8_000), SandboxLimits(compile_s_max=0.5))
    assert error.value.reason == "COMPILE_TOO_SLOW"
    assert error.value.message == "Compiling the module takes more than 0.5 s."


def test_no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that was stopped is gone and reaped when the error arrives."""
    children: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            children.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with pytest.raises(ModuleCompileError):
        compile_module(bomb(2_000, 8_000), SandboxLimits(compile_s_max=0.2))
    (child,) = children
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_stopped() -> None:
    """Stopping ends a long compilation at once, which is no verdict on the module, and lets none begin."""
    compiler = Compiler(SandboxLimits(compile_s_max=60))
    with ThreadPoolExecutor(1) as thread:
        compiling = thread.submit(compiler.compile, bomb(2_000, 8_000))
        wait_until(lambda: compiler._children)
        (child,) = compiler._children
        began_s = time.monotonic()
        compiler.stop()
        with pytest.raises(CompilerStoppedError):
            compiling.result()
    assert time.monotonic() - began_s < 1
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(CompilerStoppedError):
        compiler.compile(assemble("(module)", "test"))


def wait_until(true: Callable[[], object]) -> None:
    """Returns when something has become true."""
    for _ in range(1_000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it never became true")


def test_child_bounds_itself() -> None:
    """Without a parent that watches the clock, the child is still stopped when its processor time is over."""
    limits = SandboxLimits(compile_s_max=0.5)
    command = [sys.executable, "-I", "-B", "-c", _CHILD, str(_PACKAGE_ROOT), *arguments_for(limits, Target.NATIVE)]
    orphan = subprocess.run(command, input=bomb(2_000, 8_000), capture_output=True, check=False)
    assert orphan.returncode == -signal.SIGXCPU
    assert orphan.stdout == b""


@pytest.mark.parametrize(
    ("returncode", "complaint", "reason"),
    [
        (-signal.SIGXCPU, "", "COMPILE_TOO_SLOW"),
        (-signal.SIGKILL, "", "COMPILE_TOO_LARGE"),
        (-signal.SIGABRT, "memory allocation of 17056 bytes failed", "COMPILE_TOO_LARGE"),
        (-signal.SIGABRT, "thread 'main' panicked", "COMPILE_CRASHED"),
        (-signal.SIGSEGV, "", "COMPILE_CRASHED"),
        (1, "ModuleNotFoundError", "SANDBOX_FAILED"),
    ],
)
def test_every_end_has_a_reason(returncode: int, complaint: str, reason: str) -> None:
    """However the child ends, the module is refused for what the end means, or the edge takes the blame."""
    assert _failure(returncode, complaint, LIMITS).reason == reason


def test_too_large() -> None:
    """A bomb is stopped when it asks for more memory than it may."""
    with pytest.raises(ModuleCompileError) as error:
        compile_module(bomb(1_000, 4_000), SandboxLimits(compile_memory_bytes_max=200 * MIB))
    assert error.value.reason == "COMPILE_TOO_LARGE"


def test_invalid() -> None:
    """What the compiler says about an invalid module is passed on, on one line, as the organization's fault."""
    with pytest.raises(ModuleCompileError) as error:
        compile_module(assemble("(module (func (result i32) f32.const 1))", "test"), LIMITS)
    assert error.value.reason == "MODULE_INVALID"
    assert error.value.fault is Fault.ORGANIZATION
    assert error.value.category is Category.INVALID
    assert "type mismatch" in error.value.message
    assert error.value.message.isprintable()


def test_invalid_with_a_hostile_name() -> None:
    """A name that the compiler repeats cannot drive the reader's terminal, nor fill a screen."""
    name = r"\1b[2J" + "x" * 10_000
    wat = f'(module (func $f) (export "{name}" (func $f)) (export "{name}" (func $f)))'
    with pytest.raises(ModuleCompileError) as error:
        compile_module(assemble(wat, "test"), LIMITS)
    assert error.value.message.isprintable()
    assert len(error.value.message) < 600


def test_no_room_for_the_compiler_itself() -> None:
    """A limit under which not even the compiler loads is no fault of the module."""
    with pytest.raises(SandboxError):
        compile_module(assemble("(module)", "test"), SandboxLimits(compile_memory_bytes_max=20 * MIB))


def test_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that cannot be started is no fault of the module either."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SandboxError, match="cannot be started"):
        compile_module(assemble("(module)", "test"), LIMITS)


def test_does_not_depend_on_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the working directory nor the environment changes what the child runs."""
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    (tmp_path / "wasmtime.py").write_text("raise SystemExit('the wrong compiler')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert compile_module(assemble("(module)", "test"), LIMITS).artefact
