from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.sandbox.assemble import assemble
from edge.sandbox.guest import Guest
from edge.sandbox.sandbox import Sandbox
from edge.services.pieces import evaluate_in_pieces

if TYPE_CHECKING:
    import pytest

WAT = """(module (memory (export "memory") 1) (func (export "edge_inputs") (result i32) i32.const 0)
  (func (export "evaluate") (result i32) i32.const 1))"""


async def test_whoever_stops_waits_for_one_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is cancelled nothing is evaluated but the one that is under way."""
    begun, evaluated, honest = threading.Event(), list[int](), Guest.evaluate

    def slowly(guest: Guest, inputs: Any) -> Any:
        evaluated.append(len(inputs))
        begun.set()
        time.sleep(0.1)
        return honest(guest, inputs)

    monkeypatch.setattr(Guest, "evaluate", slowly)
    thread = ThreadPoolExecutor(1)
    with Sandbox() as sandbox:
        guest = sandbox.load(sandbox.compile(assemble(WAT, "test")), input_samples=1, actions=1)
        evaluating = asyncio.create_task(evaluate_in_pieces(guest, np.zeros((100, 1)), thread))
        assert await asyncio.to_thread(begun.wait, 10)
        evaluating.cancel()
        thread.shutdown(cancel_futures=True)
    assert evaluated == [1]
