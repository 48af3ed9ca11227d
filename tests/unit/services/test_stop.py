"""Stopping an edge that is in the middle of something long."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from edge_sdk.errors import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import NewStreet

LOCALS, BLOCKS = 2_000, 8_000
ROOMY = {"locals_max": LOCALS, "function_body_bytes_max": 1_000_000, "compile_s_max": 60.0}


def bomb_body() -> str:
    """The body of a function within these limits whose compilation takes most of a minute."""
    blocks = "".join(
        f"(block local.get {n % LOCALS} br_if 0 local.get {n * 7 % LOCALS} i32.const 1 i32.add"
        f" local.set {n * 13 % LOCALS})"
        for n in range(BLOCKS)
    )
    return f"(local {'i32 ' * LOCALS}) {blocks} (i32.const 0)"


async def test_while_a_module_is_compiled(new_street: NewStreet, module: Callable[..., bytes], tmp_path: Path) -> None:
    """A compilation that would go on for a minute ends with the edge; its upload is told why, and is not kept."""
    street = new_street(tmp_path / "street", sandbox=ROOMY, server={"shutdown_s_max": 2.0})
    await street.start()
    await street.set_policy()
    uploading = asyncio.create_task(street.upload(module(bomb_body())))
    compiler = street.app._sandbox._compiler
    while not compiler._children:
        assert not uploading.done()
        await asyncio.sleep(0.01)
    (child,) = compiler._children
    began_s = time.monotonic()
    await street.app.stop()
    assert time.monotonic() - began_s < 3
    assert child.returncode is not None
    with pytest.raises(RpcError) as caught:
        await uploading
    assert (caught.value.status, caught.value.reason) == ("UNAVAILABLE", "EDGE_STOPPING")
    await street._stack.aclose()
    street._clients.clear()
    await street.start()
    assert await (await street.organization()).modules() == []
    await street.stop()
