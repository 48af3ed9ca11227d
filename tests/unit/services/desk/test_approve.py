"""What the operator reads and signs with `edge module approve`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from edge.domain.approval import Approval
from edge.domain.module import digest_of
from edge.sandbox.assemble import assemble
from edge.trust.documents import open_document
from edge_sdk.manifest import SECTION
from edge_sdk.wasm import custom_section, embed_custom_section

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Desk

ABI = (
    '(memory (export "memory") 1) (func (export "edge_inputs") (result i32) i32.const 0)'
    ' (func (export "evaluate") (result i32) i32.const 0)'
)


async def approve(desk: Desk, *options: str, answer: str = "y\n") -> subprocess.CompletedProcess[str]:
    """Runs `edge module approve` and answers its question."""
    key = desk.folder / "key"
    if not key.exists():
        desk.key.save(key)
    digest = desk.liar.module.digest
    words = [sys.executable, "-m", "edge", "module", "approve", digest, "--key", key, "--as", desk.folder, *options]
    return await asyncio.to_thread(
        subprocess.run, words, input=answer, capture_output=True, text=True, timeout=60, check=False
    )


def signed(desk: Desk) -> Approval:
    """The one approval that was submitted."""
    (envelope_json,) = desk.liar.submitted
    document = open_document(envelope_json, desk.key.verify_key)
    assert isinstance(document, Approval)
    return document


async def test_what_is_signed_is_what_was_checked(desk: Desk) -> None:
    """The operator reads both examinations and signs, for this edge alone, what the code and its own policy say: a
    trigger that the edge calls by another name is approved under the name inside the code.
    """
    desk.liar.module.name = "something-harmless"
    done = await approve(desk)
    assert done.returncode == 0, done.stderr
    facts = desk.liar.report()["facts"]
    for value in (facts["dry_run"]["fuel_worst"], facts["compile"]["peak_memory_bytes"], facts["leak"]["bits_per_day"]):
        assert str(value) in done.stdout.split("The edge's own report")[1]
    approval = signed(desk)
    assert (approval.trigger, approval.organization, approval.edges) == ("pulse", "acme", ("street-1",))
    assert (approval.module_digest, approval.version) == (digest_of(desk.liar.wasm), 1)
    assert approval.report_digest == digest_of(desk.liar.module.report.canonical_json)


async def test_for_every_edge_when_asked(desk: Desk) -> None:
    """An approval for all edges is signed when that is asked for; with --json one object is printed."""
    done = await approve(desk, "--all-edges", "--json")
    assert json.loads(done.stdout)["digest"] == desk.liar.module.digest
    assert signed(desk).edges == ("*",)


async def test_nothing_is_signed_without_a_yes(desk: Desk) -> None:
    """An operator who reads and does not agree has signed nothing; nor has one whose edge lied."""
    assert (await approve(desk, answer="n\n")).returncode == 1
    desk.liar.module.report.digest = "sha256:" + "0" * 64
    done = await approve(desk, "--yes")
    assert done.returncode == 1
    assert "reason: ANSWER_FALSE" in done.stderr
    assert "whose: edge" in done.stderr
    assert desk.liar.submitted == []


async def test_code_that_is_not_admissible_is_not_signed(desk: Desk, module: Callable[..., bytes]) -> None:
    """A module that imports something gets no signature, though the edge says it found nothing, and nobody reads."""
    spying = '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'
    desk.liar.wasm = embed_custom_section(
        assemble(f"(module {spying} {ABI})", "spy.wat"), SECTION, custom_section(module(), SECTION) or b""
    )
    desk.liar.module.digest = digest_of(desk.liar.wasm)
    desk.liar.tell({**desk.liar.report(), "module_digest": desk.liar.module.digest})
    done = await approve(desk, "--yes", "--all-edges")
    assert done.returncode == 1
    assert "reason: ANSWER_FALSE" in done.stderr
    assert "fd_write" in done.stderr
    assert desk.liar.submitted == []
