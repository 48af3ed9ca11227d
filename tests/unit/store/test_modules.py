from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from edge.domain.approval import Approval, Mode
from edge.domain.module import Module, ModuleState, ReportSummary, digest_of
from edge.store.organizations import Suspension
from edge_sdk.manifest import Manifest, parse_toml

if TYPE_CHECKING:
    from edge.store.store import Store, Transaction

NOW_MS = 1_500
REPORT = b"{}"
SUMMARY = ReportSummary(digest_of(REPORT), 0, "")
REFUSED = ReportSummary(digest_of(b"\xff not even JSON"), 2, "MEMORY_COUNT")
MANIFEST = """
[trigger]
name = "{name}"
version = "1.0.0"
service = "charging-advice"
purpose = "Advise — 'now', \\"later\\"."
scope = "household"
every = "15m"
max_actions_per_day = 4

[[input]]
series = "power_export"
window = "1h"
resolution = "15m"

[[action]]
name = "go"
kind = "recommendation"
text = {{ en = "Go." }}
"""
EVERY = 100


def manifest(name: str = "ev-surplus") -> Manifest:
    """Returns a manifest of a trigger of this name."""
    return parse_toml(MANIFEST.format(name=name))


def module(code: bytes, organization: str = "sunny", name: str = "ev-surplus", uploaded_ms: int = 0) -> Module:
    """Returns an admitted module, as it is uploaded."""
    return Module(
        digest=digest_of(code),
        organization=organization,
        uploaded_ms=uploaded_ms,
        report=SUMMARY,
        manifest=manifest(name),
        approval=None,
        suspended=False,
        revoked=False,
        approval_version=0,
    )


def approval(of: Module, version: int, *, begins_ms: int = 1_000) -> Approval:
    """Returns an approval of a module, valid up to 2,000 ms."""
    return Approval(
        version=version,
        not_before_ms=begins_ms,
        not_after_ms=2_000,
        organization=of.organization,
        trigger=of.name,
        module_digest=of.digest,
        report_digest=of.report.digest,
        tier="supplier",
        fuel_max=1_000 + version,
    )


OLD, NEW, OTHER = module(b"old"), module(b"new", uploaded_ms=10), module(b"other", name="heat-pump")
THEIRS = module(b"old", organization="shady")


def insert(item: Module, code: bytes, transaction: Transaction) -> None:
    """Notes an upload."""
    transaction.modules.insert(item, REPORT, code)


def approve(item: Approval, transaction: Transaction) -> None:
    """Notes an approval."""
    transaction.modules.approve(item, f"envelope {item.version}".encode(), 0)


def get(store: Store, item: Module) -> Module:
    """Returns what the store knows of an upload."""
    found = store.read_now(lambda tables: tables.modules.get(item.digest, item.organization))
    assert found is not None
    return found


def state(store: Store, item: Module, now_ms: int = NOW_MS) -> ModuleState:
    """Returns where an upload stands."""
    return get(store, item).state(now_ms)


@pytest.fixture
async def full_store(store: Store) -> Store:
    """A store with three modules of one organization and one of another, which uploaded the same code."""
    for item, code in [(OLD, b"old"), (NEW, b"new"), (OTHER, b"other"), (THEIRS, b"old")]:
        await store.write(partial(insert, item, code))
    return store


async def test_kept_as_uploaded(full_store: Store) -> None:
    """An upload is read back whole, with its bytes; two organizations may have the same code."""
    for item, code in [(OLD, b"old"), (NEW, b"new"), (OTHER, b"other"), (THEIRS, b"old")]:
        assert get(full_store, item) == item
        assert full_store.read_now(lambda tables, digest=item.digest: tables.modules.wasm(digest)) == code  # type: ignore[misc]


async def test_lists(full_store: Store) -> None:
    """Modules are listed newest first, all of them, and by digest."""
    digests = sorted([OLD.digest, OTHER.digest])
    everyone = full_store.read_now(lambda tables: tables.modules.page(EVERY))
    assert [item.digest for item in everyone] == [NEW.digest, *sorted([*digests, OLD.digest])]
    same = full_store.read_now(lambda tables: tables.modules.with_digest(OLD.digest))
    assert [item.organization for item in same] == ["shady", "sunny"]
    assert full_store.read_now(lambda tables: tables.modules.count("sunny")) == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("organization", [None, "sunny", "shady", "nobody"])
async def test_pages(full_store: Store, limit: int, organization: str | None) -> None:
    """Page by page comes what the whole list has, each module once, whatever the length of a page."""
    everyone = full_store.read_now(lambda tables: tables.modules.page(EVERY))
    expected = [item for item in everyone if organization in (None, item.organization)]
    found: list[Module] = []
    while True:
        after = (found[-1].uploaded_ms, found[-1].digest, found[-1].organization) if found else None
        page = full_store.read_now(
            lambda tables, after=after: tables.modules.page(limit, organization=organization, after=after)  # type: ignore[misc]
        )
        assert len(page) <= limit
        if not page:
            break
        found += page
    assert found == expected


async def test_pages_while_others_upload(full_store: Store) -> None:
    """What is uploaded between two pages shifts nothing: the second goes on where the first ended."""
    first = full_store.read_now(lambda tables: tables.modules.page(2))
    after = (first[-1].uploaded_ms, first[-1].digest, first[-1].organization)
    await full_store.write(partial(insert, module(b"newest", uploaded_ms=99), b"newest"))
    rest = full_store.read_now(lambda tables: tables.modules.page(9, after=after))
    assert len({(item.digest, item.organization) for item in [*first, *rest]}) == 4


async def test_approvals_that_stand(full_store: Store) -> None:
    """Approved is what has an approval that no later version replaced, valid or not, suspended or not, not revoked."""
    for item, version in [(OLD, 1), (OTHER, 1), (THEIRS, 1), (NEW, 2)]:
        await full_store.write(partial(approve, approval(item, version)))
    await full_store.write(lambda transaction: transaction.modules.suspend(OTHER.digest, "sunny"))
    found = full_store.read_now(lambda tables: tables.modules.approved(NOW_MS))
    expected = [NEW, *sorted([OTHER, THEIRS], key=lambda item: item.digest)]
    assert found == [get(full_store, item) for item in expected]
    await full_store.write(lambda transaction: transaction.modules.revoke((OLD.digest, NEW.digest)))
    found = full_store.read_now(lambda tables: tables.modules.approved(NOW_MS))
    assert [item.digest for item in found] == [OTHER.digest]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE state.modules SET manifest = '{\"trigger\":{}}'::BLOB WHERE trigger = 'heat-pump'",
        "UPDATE state.modules SET manifest = '\\xFF'::BLOB WHERE trigger = 'heat-pump'",
        "UPDATE state.approvals SET payload = '{}'::BLOB WHERE trigger = 'heat-pump'",
    ],
    ids=["manifest of another release", "no JSON", "approval of another release"],
)
async def test_what_this_release_cannot_read(full_store: Store, damage: str) -> None:
    """A row that cannot be read is logged by name and shows as a module that does not run; the others are as before."""
    for item in (OTHER, NEW):
        await full_store.write(partial(approve, approval(item, 1)))
    await full_store.write(lambda transaction: transaction.modules._cursor.execute(damage))
    with capture_logs() as log:
        approved = full_store.read_now(lambda tables: tables.modules.approved(NOW_MS))
        everyone = full_store.read_now(lambda tables: tables.modules.page(EVERY))
    assert [item.digest for item in approved] == [NEW.digest]
    assert len(everyone) == 4
    assert (get(full_store, OTHER).manifest, state(full_store, OTHER)) == (None, ModuleState.PENDING)
    assert {(line["event"], line["module"]) for line in log} == {("stored_module_unreadable", OTHER.digest)}


async def test_not_there(full_store: Store) -> None:
    """What was not uploaded, or not by this organization, is None."""
    found = full_store.read_now(
        lambda tables: (
            tables.modules.get(NEW.digest, "shady"),
            tables.modules.get(digest_of(b"none"), "sunny"),
            tables.modules.wasm(digest_of(b"none")),
            tables.modules.approval_envelope("sunny", NEW.digest),
            tables.modules.report(NEW.digest, "shady"),
        )
    )
    assert found == (None, None, None, None, None)


async def test_without_manifest(store: Store) -> None:
    """An upload whose manifest could not be read is kept with its report, refused."""
    unreadable = replace(OLD, manifest=None, report=REFUSED)
    await store.write(lambda transaction: transaction.modules.insert(unreadable, b"\xff not even JSON", b""))
    assert get(store, unreadable) == unreadable
    assert state(store, unreadable) is ModuleState.REFUSED


async def test_examined_again(full_store: Store) -> None:
    """A new report replaces the old one of that organization's upload alone, with the manifest that it found."""
    refused = replace(OLD, report=REFUSED, manifest=None)
    await full_store.write(lambda transaction: transaction.modules.replace(refused, b"[]", b""))
    assert get(full_store, OLD) == refused
    reports = full_store.read_now(
        lambda tables: [tables.modules.report(OLD.digest, item.organization) for item in (OLD, THEIRS)]
    )
    assert reports == [b"[]", REPORT]
    assert get(full_store, THEIRS) == THEIRS


async def test_bytes_that_were_not_kept(full_store: Store) -> None:
    """Where one organization's upload is kept without its bytes, the same code of another's is found."""
    await full_store.write(lambda transaction: transaction.modules.replace(OLD, REPORT, b""))
    assert full_store.read_now(lambda tables: tables.modules.wasm(OLD.digest)) == b"old"
    await full_store.write(lambda transaction: transaction.modules.replace(OLD, REPORT, b"old"))
    assert full_store.read_now(lambda tables: tables.modules.wasm(OLD.digest)) == b"old"


async def test_approved(full_store: Store) -> None:
    """An approval makes its organization's module active while it is valid, and nobody else's."""
    await full_store.write(partial(approve, approval(OLD, 1)))
    assert get(full_store, OLD) == replace(OLD, approval=approval(OLD, 1), approval_version=1)
    times_ms = (999, 1_000, 1_999, 2_000)
    expected = [ModuleState.PENDING, ModuleState.ACTIVE, ModuleState.ACTIVE, ModuleState.EXPIRED]
    assert [state(full_store, OLD, now_ms) for now_ms in times_ms] == expected
    assert {state(full_store, item) for item in (NEW, OTHER, THEIRS)} == {ModuleState.PENDING}
    assert get(full_store, THEIRS) == THEIRS


async def test_superseded(full_store: Store) -> None:
    """Approving another version of a trigger replaces the one before; other triggers and organizations stay."""
    for item, version in [(OLD, 1), (OTHER, 1), (THEIRS, 1), (NEW, 2)]:
        await full_store.write(partial(approve, approval(item, version)))
    assert [state(full_store, item) for item in (OLD, NEW, OTHER, THEIRS)] == [
        ModuleState.SUPERSEDED,
        ModuleState.ACTIVE,
        ModuleState.ACTIVE,
        ModuleState.ACTIVE,
    ]
    assert [get(full_store, item).approval_version for item in (OLD, NEW, OTHER, THEIRS)] == [2, 2, 1, 1]


async def test_back_to_an_earlier_version(full_store: Store) -> None:
    """Approving the old code anew, with a higher version, makes it active again and the new one superseded."""
    for item, version in [(OLD, 1), (NEW, 2), (OLD, 10)]:
        await full_store.write(partial(approve, approval(item, version)))
    assert state(full_store, OLD) is ModuleState.ACTIVE
    assert state(full_store, NEW) is ModuleState.SUPERSEDED
    assert get(full_store, OLD).approval == approval(OLD, 10)
    envelopes = full_store.read_now(
        lambda tables: [tables.modules.approval_envelope("sunny", item.digest) for item in (OLD, NEW)]
    )
    assert envelopes == [b"envelope 10", b"envelope 2"]


async def test_the_next_version_comes_later(full_store: Store) -> None:
    """A newer approval takes the place of the older one when it begins, not when it comes."""
    await full_store.write(partial(approve, approval(OLD, 1)))
    await full_store.write(partial(approve, approval(NEW, 2, begins_ms=1_700)))
    for now_ms, expected in [(1_699, OLD), (1_700, NEW)]:
        standing = full_store.read_now(lambda tables, now=now_ms: tables.modules.approved(now))  # type: ignore[misc]
        active = [item.digest for item in standing if item.state(now_ms) is ModuleState.ACTIVE]
        assert active == [expected.digest]
    assert state(full_store, OLD, 1_700) is ModuleState.SUPERSEDED
    await full_store.write(partial(approve, approval(OLD, 3)))
    assert [state(full_store, item, 1_700) for item in (OLD, NEW)] == [ModuleState.ACTIVE, ModuleState.SUPERSEDED]


async def test_shadows(full_store: Store) -> None:
    """A shadow stands beside the active version, takes the place of an older shadow only, and acts once it is
    approved to; the shadow it replaced does not come back then.
    """
    third = module(b"third", uploaded_ms=20)
    await full_store.write(partial(insert, third, b"third"))
    versions = (OLD, NEW, third)
    history = [
        (OLD, 1, Mode.ACTIVE, ["active", "pending", "pending"]),
        (NEW, 2, Mode.SHADOW, ["active", "shadow", "pending"]),
        (third, 3, Mode.SHADOW, ["active", "superseded", "shadow"]),
        (third, 4, Mode.ACTIVE, ["superseded", "superseded", "active"]),
        (OLD, 5, Mode.SHADOW, ["shadow", "superseded", "active"]),
    ]
    for item, version, mode, expected in history:
        signed = approval(item, version).model_copy(update={"mode": mode})
        await full_store.write(partial(approve, signed))
        assert [state(full_store, each).value for each in versions] == expected
        assert {get(full_store, each).approval_version for each in versions} == {version}
    envelopes = full_store.read_now(lambda tables: tables.modules.approval_envelopes("sunny", "ev-surplus", 3))
    assert envelopes == [b"envelope 5", b"envelope 4", b"envelope 3"]


async def test_an_organization_that_is_stopped(full_store: Store) -> None:
    """Everything of a suspended organization is suspended, also what is approved meanwhile; nothing of others is."""
    for item in (OLD, THEIRS):
        await full_store.write(partial(approve, approval(item, 1)))
    await full_store.write(lambda transaction: transaction.organizations.suspend("sunny", Suspension("", 0)))
    await full_store.write(partial(approve, approval(NEW, 2)))
    assert [state(full_store, item) for item in (NEW, THEIRS)] == [ModuleState.SUSPENDED, ModuleState.ACTIVE]
    assert not get(full_store, NEW).suspended
    await full_store.write(lambda transaction: transaction.organizations.resume("sunny"))
    assert state(full_store, NEW) is ModuleState.ACTIVE


async def test_suspended_and_resumed(full_store: Store) -> None:
    """Suspending stops one organization's module until it is resumed, however often either is asked for."""
    for item in (OLD, THEIRS):
        await full_store.write(partial(approve, approval(item, 1)))
    for _ in range(2):
        await full_store.write(lambda transaction: transaction.modules.suspend(OLD.digest, "sunny"))
        assert state(full_store, OLD) is ModuleState.SUSPENDED
        assert state(full_store, THEIRS) is ModuleState.ACTIVE
    for _ in range(2):
        await full_store.write(lambda transaction: transaction.modules.resume(OLD.digest, "sunny"))
        assert state(full_store, OLD) is ModuleState.ACTIVE


async def test_revoked(full_store: Store) -> None:
    """Revoking a digest stops it for every organization, approved or not, for good."""
    await full_store.write(partial(approve, approval(OLD, 1)))
    for _ in range(2):
        await full_store.write(lambda transaction: transaction.modules.revoke((OLD.digest, digest_of(b"none"))))
    await full_store.write(partial(approve, approval(OLD, 2)))
    await full_store.write(lambda transaction: transaction.modules.resume(OLD.digest, "sunny"))
    assert [state(full_store, item) for item in (OLD, THEIRS)] == [ModuleState.REVOKED] * 2
    assert state(full_store, NEW) is ModuleState.PENDING


async def test_revoked_before_it_comes(store: Store) -> None:
    """A digest may be revoked before anybody uploads it."""
    await store.write(lambda transaction: transaction.modules.revoke((OLD.digest,)))
    await store.write(partial(insert, OLD, b"old"))
    assert state(store, OLD) is ModuleState.REVOKED
