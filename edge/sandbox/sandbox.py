"""The sandbox as a whole: one engine, its ticker and the limits, shared by all guests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from edge.errors import SandboxError
from edge.sandbox.compile import CompiledModule, Compiler
from edge.sandbox.engine import Target, make_engine
from edge.sandbox.expose import expose
from edge.sandbox.guest import Guest
from edge.sandbox.ticker import Ticker
from edge.settings import SandboxLimits

if TYPE_CHECKING:
    from types import TracebackType


class Sandbox:
    """Compiles and loads modules under one set of limits, from its making until `close`.

    Args:
        limits: the defaults if None.
        target: native code, or the interpreter that it is checked against; code of one is not loaded by the other.
    """

    def __init__(self, limits: SandboxLimits | None = None, target: Target = Target.NATIVE) -> None:
        self.limits = limits or SandboxLimits()
        self._compiler = Compiler(self.limits, target)
        self._engine = make_engine(self.limits, target)
        self._ticker = Ticker(self._engine)
        self._ticker.start()
        self._closed = False

    def compile(self, wasm: bytes) -> CompiledModule:
        """Returns the machine code of a module that passed `check_structure`; blocks while a child compiles it.

        Raises:
            ModuleCompileError: if it cannot be compiled at a bearable cost.
            CompilerStoppedError: the compiler was stopped meanwhile or before.
            SandboxError: if the compiler cannot be started, or the module was never admitted.
        """
        exposed_wasm, exposed = expose(wasm)
        return replace(self._compiler.compile(exposed_wasm), exposed=exposed)

    def stop_compiling(self) -> None:
        """Ends every compilation that is under way, at once, and begins none any more. Guests go on."""
        self._compiler.stop()

    def load(
        self, compiled: CompiledModule, *, input_samples: int, actions: int, limits: SandboxLimits | None = None
    ) -> Guest:
        """Returns the guest of a module that this sandbox, or one of the same limits, compiled.

        Args:
            compiled: its machine code.
            input_samples: f64 samples of its input block.
            actions: number of its declared actions.
            limits: lower ones than the sandbox's, if its approval names them. `stack_bytes_max` stays the sandbox's.

        Raises:
            SandboxError: if it was compiled for another engine, does not fit the limits, or the sandbox is closed.
        """
        if self._closed:
            raise SandboxError("The sandbox is closed.")
        return Guest.load(self._engine, compiled, limits or self.limits, input_samples=input_samples, actions=actions)

    def close(self) -> None:
        """Stops the compiler, and the ticker, the second line behind fuel. Guests must not be evaluated any more."""
        self._closed = True
        self._compiler.stop()
        self._ticker.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
