"""What one organization uploads does not keep the operator from its switch."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from edge.sandbox.assemble import assemble
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Street

UPLOADS = 64
REPORT_BYTES_MAX = 100_000
HUGE_MEMORY = b"\0asm\1\0\0\0" + b"\x05\x0c\x01\x04" + b"\x80" * 9 + b"\x01"
"""Nothing but a memory of 2^63 pages."""


def noisy(number: int, imports: int = 60) -> bytes:
    """A module that is refused with as long a report as one can provoke: many imports, of long unprintable names."""
    name = "\\e2\\80\\ae" * 300
    lines = [f'(import "{name}" "{number}-{index}-{name}" (func))' for index in range(imports)]
    return assemble(f"(module {' '.join(lines)})", "noisy")


async def upload_all(street: Street) -> list[pb.Module]:
    return [await street.upload(noisy(number), "rival") for number in range(UPLOADS)]


async def command(street: Street, *arguments: object) -> Any:
    """Runs the command line as the operator, and returns the object that it prints."""
    identity = street.provisioned.operator_folder / "identities" / "operator"
    file = identity / "identity.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "address": f"127.0.0.1:{street.app.port}"}))
    words = [sys.executable, "-m", "edge", *map(str, arguments), "--as", str(identity), "--json"]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


async def test_the_switch_works_whatever_others_upload(street: Street, module: Callable[..., bytes]) -> None:
    """64 uploads whose reports would not fit one message together: the operator lists, stops and lets run as before,
    by the whole digest or its beginning, and each report can still be read.
    """
    async with street:
        await street.set_policy({"acme": "supplier", "rival": "supplier"})
        running = await street.run_module(module())
        uploads = await upload_all(street)
        assert all(len(upload.report.canonical_json) < REPORT_BYTES_MAX for upload in uploads)
        assert {upload.report.findings[-1].reason for upload in uploads} == {"FINDINGS_CUT"}
        operator = await street.operator()
        listed = await operator.modules()
        assert len(listed) == UPLOADS + 1
        assert sum(item.ByteSize() for item in listed) < 30_000
        assert (await operator.module(uploads[0].digest)).report == uploads[0].report
        assert len((await command(street, "module", "list"))["modules"]) == UPLOADS + 1
        for digest in (running.digest, running.digest[:20]):
            for verb, state in (("suspend", "suspended"), ("resume", "active")):
                assert (await command(street, "module", verb, digest))["state"] == state
        key = street.provisioned.operator_folder / "root.key"
        revoked = await command(street, "module", "revoke", running.digest[:20], "--key", key)
        assert revoked == {"digest": running.digest, "revocations_version": 1}
        assert (await operator.module(running.digest)).state == pb.MODULE_STATE_REVOKED


async def test_a_report_is_bounded(street: Street) -> None:
    """A module made of nothing but imports, exports and memories gets a report of tens of kilobytes, which says how
    many it leaves out; numbers that JSON cannot hold do not fail it.
    """
    async with street:
        await street.set_policy()
        many = await street.upload(noisy(0, imports=400))
        facts = json.loads(many.report.canonical_json)["facts"]["structure"]
        assert (len(facts["imports"]), facts["left_out"]) == (100, {"imports": 300, "exports": 0, "memory": 0})
        assert all(item["name"].isprintable() for item in facts["imports"])
        assert len(many.report.canonical_json) < REPORT_BYTES_MAX
        uploaded = await street.upload(HUGE_MEMORY)
        assert uploaded.state == pb.MODULE_STATE_REFUSED
        (memory,) = json.loads(uploaded.report.canonical_json)["facts"]["structure"]["memory"]
        assert memory["min_pages"] == 2**53 - 1
