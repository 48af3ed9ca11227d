from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from edge.cli.inspection import inspect_module
from edge.cli.output import plain
from edge.domain.event import EventKind
from edge.domain.module import digest_of
from edge.sandbox.assemble import assemble
from edge_sdk.errors import RpcError
from edge_sdk.manifest import SECTION
from edge_sdk.wasm import custom_section, embed_custom_section
from edge_sdk.wire.v1 import module_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import NewStreet, Street

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODULES_MAX = 25
ORGANIZATIONS = {"acme": "supplier", "rival": "supplier", "hoarder": "supplier", "helper": "service-provider"}
GUEST = """(module (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32) (i32.const 0))
  (func (export "evaluate") (result i32) (i32.const 0)))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(new_street: NewStreet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """An edge with two suppliers and a service provider; modules have up to 20,000 bytes."""
    sections = {"sandbox": {"module_bytes_max": 20_000}, "admission": {"modules_max": MODULES_MAX}}
    async with new_street(tmp_path_factory.mktemp("admit") / "street", **sections) as running:
        await running.set_policy(ORGANIZATIONS)
        yield running


def finding(module: pb.Module) -> tuple[str, str]:
    """Check and reason of the one finding of a module that was refused."""
    assert module.state == pb.MODULE_STATE_REFUSED
    assert not module.report.admissible
    (only,) = module.report.findings
    assert only.message.endswith(".")
    assert only.advice.endswith(".")
    assert module.admission == pb.AdmissionSummary(findings_count=1, first_reason=only.reason)
    return only.check, only.reason


async def test_admitted(street: Street, module: Callable[..., bytes]) -> None:
    """A good module waits for approval, with a report of what was measured whose digest is over its bytes."""
    wasm = module(name="good")
    uploaded = await street.upload(wasm)
    assert (uploaded.state, uploaded.digest) == (pb.MODULE_STATE_PENDING, digest_of(wasm))
    assert (uploaded.name, uploaded.version, uploaded.organization) == ("good", "1.0.0", "acme")
    assert not uploaded.HasField("approved_from_ms")
    assert uploaded.report.digest == digest_of(uploaded.report.canonical_json)
    facts = json.loads(uploaded.report.canonical_json)["facts"]
    assert facts["size_bytes"] == len(wasm)
    assert facts["manifest"]["trigger"]["name"] == "good"
    assert facts["leak"]["bits_per_day"] == "21.726"
    assert facts["dry_run"]["outcomes_seen"] == [0, 1]
    assert facts["compile"]["time_ms"] > 0
    assert facts["structure"]["imports"] == []
    assert uploaded.admission == pb.AdmissionSummary(admissible=True)
    assert await (await street.organization()).module(uploaded.digest) == uploaded
    assert await (await street.operator()).module(uploaded.digest, "acme") == uploaded


@pytest.mark.parametrize(
    ("wasm", "check", "reason"),
    [
        (b"", "structure", "MODULE_MALFORMED"),
        (b"this is no module", "structure", "MODULE_MALFORMED"),
        (assemble('(module (import "env" "clock" (func (result i64))))', "test"), "imports", "IMPORT_FORBIDDEN"),
        (assemble(GUEST, "test"), "manifest", "MANIFEST_MISSING"),
    ],
    ids=["empty", "text", "importing", "bare"],
)
async def test_refused_by_its_shape(street: Street, wasm: bytes, check: str, reason: str) -> None:
    """What is no module, imports or has no manifest is refused with the reason, and nothing dearer is tried."""
    uploaded = await street.upload(wasm)
    found = [(item.check, item.reason) for item in uploaded.report.findings]
    assert found[0] == (check, reason)
    assert plain(uploaded.report)["findings"] == inspect_module(wasm)["findings"], "the same words, wherever asked"
    assert uploaded.state == pb.MODULE_STATE_REFUSED
    assert "compile" not in json.loads(uploaded.report.canonical_json)["facts"]


async def test_refused_by_its_manifest(street: Street, module: Callable[..., bytes]) -> None:
    """An unknown series, and JSON that is not in canonical form, are refused before anything is compiled."""
    good = module(name="manifest")
    payload = custom_section(good, SECTION)
    assert payload is not None
    for bad in (payload.replace(b"power_import", b"power_imporT"), payload.replace(b",", b", ", 1), b"{", b""):
        uploaded = await street.upload(embed_custom_section(good, SECTION, bad))
        assert finding(uploaded) == ("manifest", "MANIFEST_INVALID")
        assert uploaded.name == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"series": "voltage_l1"},
        {"every": "5m"},
        {"action": [{"name": "half", "kind": "appliance", "appliance": "boiler", "command": {"on": False}}]},
        {"max_actions_per_day": 12},
    ],
)
async def test_refused_by_its_tier(street: Street, module: Callable[..., bytes], changes: dict[str, Any]) -> None:
    """A series, frequency, kind of action or leak bound beyond the tier is refused; a higher tier may have it."""
    wasm = module(name="tiers", **changes)
    assert finding(await street.upload(wasm, "helper")) == ("tier", "TIER_EXCEEDED")
    assert (await street.upload(wasm, "acme")).state == pb.MODULE_STATE_PENDING


async def test_refused_by_its_dry_run(street: Street, module: Callable[..., bytes]) -> None:
    """A module that faults on whatever it is tried with is refused; of one that faults at times the operator judges."""
    assert finding(await street.upload(module("(unreachable)", name="never"))) == ("dry_run", "DRY_RUN_FAULTS")
    often = module("(i32.trunc_f64_s (f64.load (i32.const 0)))", name="sometimes")
    uploaded = await street.upload(often)
    assert uploaded.state == pb.MODULE_STATE_PENDING
    assert json.loads(uploaded.report.canonical_json)["facts"]["dry_run"]["faults"] > 0


async def test_too_large(street: Street, module: Callable[..., bytes]) -> None:
    """What is larger than the edge would keep is refused outright and not kept."""
    wasm = module(name="large") + b"\x00" * 20_000
    with pytest.raises(RpcError) as caught:
        await street.upload(wasm)
    assert (caught.value.status, caught.value.reason) == ("RESOURCE_EXHAUSTED", "MODULE_TOO_LARGE")
    assert digest_of(wasm) not in [item.digest for item in await (await street.organization()).modules()]


async def test_organization_without_a_tier(street: Street, module: Callable[..., bytes]) -> None:
    """An organization that the policy does not name uploads nothing."""
    with pytest.raises(RpcError) as caught:
        await street.upload(module(), "stranger")
    assert (caught.value.status, caught.value.reason) == ("PERMISSION_DENIED", "ORGANIZATION_UNKNOWN")
    assert await (await street.organization("stranger")).modules() == []


async def test_the_same_bytes_of_two_organizations(street: Street, module: Callable[..., bytes]) -> None:
    """Two organizations may upload the same bytes; each sees its own, and an approval is of one of them."""
    wasm = module(name="shared")
    mine, theirs = await street.upload(wasm, "acme"), await street.upload(wasm, "rival")
    assert mine.digest == theirs.digest
    assert (await street.approve(mine)).state == pb.MODULE_STATE_ACTIVE
    assert (await (await street.organization("acme")).module(mine.digest)).state == pb.MODULE_STATE_ACTIVE
    assert (await (await street.organization("rival")).module(mine.digest)).state == pb.MODULE_STATE_PENDING
    owners = [item.organization for item in await (await street.operator()).modules() if item.digest == mine.digest]
    assert sorted(owners) == ["acme", "rival"]
    with pytest.raises(RpcError) as caught:
        await (await street.organization("helper")).module(mine.digest)
    assert caught.value.reason == "MODULE_NOT_FOUND"


async def test_upload_again(street: Street, module: Callable[..., bytes]) -> None:
    """An upload of what is here changes nothing, whether it waits, runs or is stopped: the report is the one that the
    operator signs, even while it signs.
    """
    wasm = module(name="again")
    first = await street.upload(wasm)
    entries = len(await street.entries())
    assert await street.upload(wasm) == first
    assert len(await street.entries()) == entries
    await street.approve(first)
    entries = len(await street.entries())
    again = await street.upload(wasm)
    assert (again.state, again.report) == (pb.MODULE_STATE_ACTIVE, first.report)
    await (await street.operator()).suspend(first.digest, "test")
    again = await street.upload(wasm)
    assert (again.state, again.report) == (pb.MODULE_STATE_SUSPENDED, first.report)
    assert len(await street.entries()) == entries + 1


async def test_refused_before_admitted_after(street: Street, module: Callable[..., bytes]) -> None:
    """What a tier refused is admitted when it is uploaded again under a policy that allows it."""
    wasm = module(name="patience", every="1m", max_actions_per_day=1)
    assert finding(await street.upload(wasm)) == ("tier", "TIER_EXCEEDED")
    await street.set_policy(ORGANIZATIONS, every_s_min=60)
    assert (await street.upload(wasm)).state == pb.MODULE_STATE_PENDING
    await street.set_policy(ORGANIZATIONS)


async def test_download(street: Street, module: Callable[..., bytes]) -> None:
    """The operator gets the bytes as uploaded, to inspect before signing; of what is not here it is told so."""
    wasm = module(name="download")
    uploaded = await street.upload(wasm)
    assert await (await street.operator()).download(uploaded.digest) == wasm
    with pytest.raises(RpcError) as caught:
        await (await street.operator()).download("sha256:00")
    assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "MODULE_NOT_FOUND")


async def test_what_was_refused_is_not_kept(street: Street, module: Callable[..., bytes]) -> None:
    """Of a refused module the report stays, not its bytes; uploaded again and admitted, it is all there."""
    wasm = module(name="kept-later", every="1m", max_actions_per_day=1)
    operator = await street.operator()
    uploaded = await street.upload(wasm)
    with pytest.raises(RpcError) as caught:
        await operator.download(uploaded.digest)
    assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "MODULE_REFUSED")
    await street.set_policy(ORGANIZATIONS, every_s_min=60)
    await street.upload(wasm)
    assert await operator.download(uploaded.digest) == wasm
    await street.set_policy(ORGANIZATIONS)


async def test_one_at_a_time(street: Street, module: Callable[..., bytes]) -> None:
    """Of one organization one upload is examined at a time; another organization's waits its turn."""
    wasm = module(name="hasty")
    uploads = [street.upload(wasm, organization) for organization in ("rival", "acme", "acme")]
    theirs, *mine = await asyncio.gather(*uploads, return_exceptions=True)
    assert isinstance(theirs, pb.Module)
    assert len([one for one in mine if isinstance(one, pb.Module)]) == 1
    (refused,) = [one for one in mine if isinstance(one, RpcError)]
    assert (refused.status, refused.reason) == ("RESOURCE_EXHAUSTED", "UPLOAD_UNDER_WAY")
    assert (await street.upload(wasm)).state == pb.MODULE_STATE_PENDING


async def test_as_many_as_there_may_be(street: Street, module: Callable[..., bytes]) -> None:
    """An organization has a limited number of uploads here, refused ones included; known ones can come again."""
    for number in range(MODULES_MAX):
        uploaded = await street.upload(b"no module %d" % number, "hoarder")
    with pytest.raises(RpcError) as caught:
        await street.upload(module(name="one-too-many"), "hoarder")
    assert (caught.value.status, caught.value.reason) == ("RESOURCE_EXHAUSTED", "MODULES_TOO_MANY")
    assert (await street.upload(b"no module %d" % number, "hoarder")).digest == uploaded.digest


async def test_recorded(street: Street, module: Callable[..., bytes]) -> None:
    """Each examination is in the audit log, with the digest of its report."""
    uploaded = await street.upload(module("(unreachable)", name="recorded"))
    expected = {
        "organization": "acme",
        "module": uploaded.digest,
        "report": uploaded.report.digest,
        "admissible": False,
    }
    assert expected in await street.events(EventKind.MODULE_UPLOADED)
