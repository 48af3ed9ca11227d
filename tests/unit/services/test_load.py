from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.domain.revocations import Revocations
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Street

    from edge.store.store import Transaction

DAY_MS = 86_400_000
ORGANIZATIONS = {"acme": "supplier", "rival": "supplier"}
TAMPERINGS = {
    "approval widened": "UPDATE state.approvals SET payload = replace(decode(payload), '10000000', '90000000')::BLOB",
    "approval prolonged": "UPDATE state.approvals SET payload = regexp_replace(decode(payload),"
    " '\"not_after_ms\":[0-9]+', '\"not_after_ms\":9007199254740991')::BLOB",
    "approval for another": "UPDATE state.approvals SET organization = 'rival', payload = replace(decode(payload),"
    " '\"acme\"', '\"rival\"')::BLOB",
    "manifest altered": "UPDATE state.modules SET manifest = replace(decode(manifest), 'was heard', 'was moved')::BLOB",
}
AT_FIRST_LOAD = {
    "approval not signed": "UPDATE state.approvals SET envelope = '{}'::BLOB",
    "module altered": "UPDATE state.modules SET wasm = wasm || '\\x00'::BLOB",
}


@pytest.mark.parametrize("loaded", [False, True], ids=["at first load", "while loaded"])
async def test_tampered_state(street: Street, module: Callable[..., bytes], *, loaded: bool) -> None:
    """Rows that someone changed behind the edge's back are not run, whether or not the module ran before."""
    async with street:
        await street.set_policy(ORGANIZATIONS)
        await street.enrol("h1")
        await street.upload(module(max_actions_per_day=96), "rival")
        await street.run_module(module(max_actions_per_day=96))
        await street.consent("h1")
        if loaded:
            await street.next_slot("h1")
        before = len(await street.runs())
        assert before == loaded
        for name, sql in (TAMPERINGS if loaded else TAMPERINGS | AT_FIRST_LOAD).items():
            rows = await street.app._store.write(saved)
            await street.query(sql)
            assert await street.app._store.write(saved) != rows, name
            await street.next_slot("h1")
            assert len(await street.runs()) == before, name
            assert await street.counts("h1") == [before], name
            await street.app._store.write(lambda tables, rows=rows: restore(tables, rows))
        await street.next_slot("h1")
        assert len(await street.runs()) > before, "what is restored runs again"


def saved(tables: Transaction) -> dict[str, list[tuple[Any, ...]]]:
    cursor = tables.modules._cursor
    return {name: cursor.execute(f"SELECT * FROM state.{name}").fetchall() for name in ("approvals", "modules")}


def restore(tables: Transaction, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    cursor = tables.modules._cursor
    for name, content in rows.items():
        cursor.execute(f"DELETE FROM state.{name}")
        for row in content:
            cursor.execute(f"INSERT INTO state.{name} VALUES ({', '.join('?' * len(row))})", row)


async def test_approval_of_another_key(street: Street, module: Callable[..., bytes]) -> None:
    """An approval that was put into the database, whole but for whose signature it bears, runs nothing."""
    async with street:
        await street.set_policy()
        await street.enrol("h1")
        uploaded = await street.upload(module())
        forged = street.approval_of(uploaded)
        envelope = sign_document(forged, SigningKey.generate()).to_json()
        await street.app._store.write(lambda tables: tables.modules.approve(forged, envelope, street.now_ms))
        await street.consent("h1")
        await street.next_slot("h1")
        assert await street.runs() == []
        assert await street.counts("h1") == [0]


async def test_tampered_revocations(street: Street, module: Callable[..., bytes]) -> None:
    """A module stays revoked by the signed list though somebody takes its row out of the table."""
    async with street:
        running = await street.set_up(module(), "h1")
        revoked = Revocations(
            version=1, not_before_ms=street.now_ms, not_after_ms=street.now_ms + DAY_MS, modules=(running.digest,)
        )
        await street.submit(revoked)
        await street.query("DELETE FROM state.revoked_modules")
        await street.next_slot("h1")
        assert await street.runs() == []
        assert await street.counts("h1") == [0]


async def test_a_policy_that_grants_less_fuel(street: Street, module: Callable[..., bytes]) -> None:
    """Fuel that a newer policy takes away is gone at the next slot, whatever the approval named."""
    async with street:
        await street.set_up(
            module(
                "(local $i i32) (loop $again (local.set $i (i32.add (local.get $i) (i32.const 1)))"
                " (br_if $again (i32.lt_u (local.get $i) (i32.const 1000)))) (i32.const 1)"
            ),
            "h1",
        )
        await street.next_slot("h1")
        await street.set_policy(fuel_max=100)
        await street.next_slot("h1")
        assert [(run["faults"], run["outcomes"]) for run in await street.runs()] == [(0, {"heard": 1}), (1, {})]
