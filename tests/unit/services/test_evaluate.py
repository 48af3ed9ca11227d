from __future__ import annotations

import asyncio
import hashlib
import hmac
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

from edge.domain.event import EventKind
from edge.sandbox.guest import Guest
from edge_sdk.identity import Role
from edge_sdk.wire.v1.household_pb2 import OFFER_STATE_UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from conftest import Street

    from edge.store.store import Transaction

SLOT_MS = 900_000
DAY_MS = 86_400_000
SAMPLE = "(f64.load (i32.const 0))"


async def inputs_were(street: Street, run: dict[str, Any], *samples: float) -> bool:
    """Whether the digest in the log is over these samples, under the salt that the edge keeps to itself."""
    sql = f"SELECT input_digest FROM state.evaluations WHERE slot_ms = {run['slot_ms']}"
    kept: str = (await street.query(sql))[0][0]
    algorithm, salt, digest = kept.split(":")
    expected = hmac.new(bytes.fromhex(salt), struct.pack(f"<{len(samples)}d", *samples), hashlib.sha256).hexdigest()
    assert len(bytes.fromhex(salt)) == 32
    return (algorithm, digest, run["inputs"]) == ("hmac-sha256", expected, expected)


async def test_exactly_the_consenting(street: Street, module: Callable[..., bytes]) -> None:
    """Of all who are measured, exactly the households that consented are evaluated; to refuse is not to consent."""
    async with street:
        await street.set_up(module(), "h1")
        await street.enrol("h2", "h3")
        await (await street.household("h2")).refuse((await street.offer("h2")).terms)
        await street.consent("unmetered")
        slot_ms = await street.next_slot("h1", "h2", "h3")
        assert await street.counts("h1", "h2", "h3", "unmetered") == [1, 0, 0, 0]
        (run,) = await street.runs()
        assert run["slot_ms"] == slot_ms
        assert (run["evaluations"], run["faults"], run["outcomes"]) == (1, 0, {"heard": 1})
        assert await inputs_were(street, run, 500.0)


async def test_action_shows_its_cause(street: Street, module: Callable[..., bytes]) -> None:
    """An action says what to do, who says so, by which code, under which consent, when, and until when it holds."""
    half = {"name": "half", "kind": "appliance", "appliance": "ev_charger", "command": {"limit_w": 3700, "on": True}}
    async with street:
        approved = await street.set_up(module(action=[half]), "h1")
        (consent,) = await (await street.household("h1")).consents()
        slot_ms = await street.next_slot("h1")
        (action,) = await street.inbox("h1")
        assert action.name == "half"
        assert action.appliance_command.appliance == "ev_charger"
        assert (action.appliance_command.limit_w, action.appliance_command.on) == (3700, True)
        cause = action.cause
        assert (cause.organization, cause.trigger, cause.module_version) == ("acme", "pulse", "1.0.0")
        assert (cause.module_digest, cause.consent_id) == (approved.digest, consent.consent_id)
        assert (cause.slot_ms, action.expires_ms) == (slot_ms, slot_ms + 3_600_000)


async def test_most_actions_a_day(street: Street, module: Callable[..., bytes]) -> None:
    """A household gets at most the declared number of actions in a UTC day, over all versions of a trigger."""
    async with street:
        await street.set_up(module(max_actions_per_day=2), "h1", "h2")
        await street.next_slot("h1")
        await street.run_module(module(max_actions_per_day=2, version="2.0.0"))
        for _ in range(3):
            await street.next_slot("h1", "h2")
        assert await street.counts("h1", "h2") == [2, 2]
        assert [run["evaluations"] for run in await street.runs()] == [2, 2, 1, 0]
        midnight_ms = street.now_ms - street.now_ms % DAY_MS + DAY_MS
        await street.advance(midnight_ms - SLOT_MS)
        await street.next_slot("h1")
        assert await street.counts("h1") == [3], "the slot at midnight is the new day's"


async def test_wider_versions_need_new_consent(street: Street, module: Callable[..., bytes]) -> None:
    """A version that reads or does more, or for another purpose, runs for nobody until they agree; else it runs."""
    series = ["power_import", "power_export"]
    boiler = {"name": "off", "kind": "appliance", "appliance": "boiler", "command": {"on": False}}
    tell = {"name": "tell", "kind": "recommendation", "text": {"en": "Well."}}
    versions: list[tuple[dict[str, Any], int]] = [
        ({"series": series}, 0),
        ({"version": "1.0.1", "action": [tell, {**tell, "name": "tell-more"}]}, 1),
        ({"version": "1.1.0", "action": [tell, boiler]}, 0),
        ({"version": "1.1.1"}, 1),
        ({"version": "1.2.0", "purpose": "Something else."}, 0),
    ]
    async with street:
        await street.set_up(module(max_actions_per_day=96), "h1")
        for changes, evaluations in versions:
            changed = await street.run_module(module(max_actions_per_day=96, **changes))
            await street.next_slot("h1")
            assert [run["evaluations"] for run in await street.runs(changed.digest)] == [evaluations], changes
        assert (await street.offer("h1")).state == OFFER_STATE_UNDECIDED
        await street.consent("h1")
        await street.next_slot("h1")
        assert [run["evaluations"] for run in await street.runs(changed.digest)] == [0, 1]


async def test_withdrawn_meanwhile(street: Street, module: Callable[..., bytes]) -> None:
    """A household that withdraws while it is being evaluated gets nothing of it; the others do."""
    async with street:
        await street.set_up(module(), "h1", "h2")
        await street.advance(street.now_ms + SLOT_MS - 60_000)
        await street.measure("h1", "h2")
        (consent,) = await (await street.household("h1")).consents()

        def withdraw(tables: Transaction) -> None:
            known = tables.consents.get("h1", consent.consent_id)
            assert known is not None
            tables.consents.update(known.withdraw(street.now_ms))

        await evaluated_while(street, withdraw)
        assert [run["evaluations"] for run in await street.runs()] == [2]
        assert await street.counts("h1", "h2") == [0, 1]
        assert await street.events(EventKind.ACTION_CREATED, Role.HOUSEHOLD, "h1") == []


async def test_stopped_meanwhile(street: Street, module: Callable[..., bytes]) -> None:
    """A module that is suspended while it is being evaluated brings nothing about."""
    async with street:
        running = await street.set_up(module(), "h1")
        await street.advance(street.now_ms + SLOT_MS - 60_000)
        await street.measure("h1")
        await evaluated_while(street, lambda tables: tables.modules.suspend(running.digest, "acme"))
        assert [run["outcomes"] for run in await street.runs()] == [{}]
        assert await street.counts("h1") == [0]


async def evaluated_while(street: Street, change: Callable[[Transaction], None]) -> None:
    """Lets a slot be evaluated on what was before `change`, which commits before the evaluation is concluded."""
    store = street.app._store
    kept, enough = threading.Event(), threading.Event()

    def keep(tables: Transaction) -> None:
        kept.set()
        enough.wait()
        change(tables)

    changing = asyncio.create_task(store.write(keep))
    await asyncio.to_thread(kept.wait)
    advancing = asyncio.create_task(street.advance(street.now_ms + 60_000))
    await until(lambda: not store._writer._queue.empty())
    enough.set()
    await asyncio.gather(changing, advancing)


async def until(what: Callable[[], bool]) -> None:
    while not what():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


async def test_policy_that_no_longer_permits(street: Street, module: Callable[..., bytes]) -> None:
    """An approved module stops when the policy takes its series, its tier or its share of bits; and when it expires."""
    async with street:
        await street.set_up(module(max_actions_per_day=96), "h1")
        await street.next_slot("h1")
        (heard,) = await street.inbox("h1")
        await (await street.household("h1")).acknowledge([heard.action_id])
        await street.set_policy(series=("power_export",))
        await street.next_slot("h1")
        await street.set_policy({"rival": "supplier"})
        await street.next_slot("h1")
        await street.set_policy(leak_bits_per_day_max=95)
        await street.next_slot("h1")
        assert await street.counts("h1") == [1]
        policy = await street.set_policy()
        await street.next_slot("h1")
        assert await street.counts("h1") == [2]
        ending = policy.model_copy(update={"version": policy.version + 1, "not_after_ms": street.now_ms + SLOT_MS})
        await street.submit(ending)
        await street.next_slot("h1")
        assert await street.counts("h1") == [2]


MISBEHAVING = f"""
(if (f64.eq {SAMPLE} (f64.const 1)) (then unreachable))
(if (f64.eq {SAMPLE} (f64.const 2)) (then (loop $forever (br $forever))))
(if (f64.eq {SAMPLE} (f64.const 3)) (then (return (i32.const 7))))
(i32.const 1)
"""


async def test_faults(street: Street, module: Callable[..., bytes]) -> None:
    """A trap, an endless loop and an undeclared outcome are no action for that household, and are counted as faults."""
    async with street:
        await street.set_up(module(MISBEHAVING), "h1", "h2", "h3", "h4")
        slot_ms = street.now_ms + SLOT_MS
        await street.advance(slot_ms - 60_000)
        for number in (1, 2, 3, 4):
            await street.measure(f"h{number}", power_w=number)
        await street.advance(slot_ms)
        assert await street.counts("h1", "h2", "h3", "h4") == [0, 0, 0, 1]
        (run,) = await street.runs()
        assert (run["evaluations"], run["faults"], run["outcomes"]) == (4, 3, {"heard": 1})
        status = await (await street.operator()).status()
        assert (status.evaluations, status.faults, status.actions) == (4, 3, 1)


async def test_fuel_of_the_approval(street: Street, module: Callable[..., bytes]) -> None:
    """An evaluation gets no more fuel than the approval grants, though the tier and the edge would give more."""
    async with street:
        await street.set_policy()
        await street.enrol("h1")
        await street.run_module(module(), fuel_max=1)
        await street.consent("h1")
        await street.next_slot("h1")
        (run,) = await street.runs()
        assert (run["evaluations"], run["faults"], run["outcomes"]) == (1, 1, {})


async def test_silent_households(street: Street, module: Callable[..., bytes]) -> None:
    """Who did not report in the window is evaluated on NaN, never on zero."""
    async with street:
        await street.set_up(module(f"(f64.ne {SAMPLE} {SAMPLE})"), "h1", "h2", "h3")
        await street.measure("h2", power_w=0)
        await street.next_slot("h1")
        assert await street.counts("h1", "h2", "h3") == [0, 1, 1]


async def test_neighbourhood(street: Street, module: Callable[..., bytes]) -> None:
    """With scope neighbourhood one evaluation, over those who consented and no one else, speaks for all of them."""
    body = f"(f64.eq {SAMPLE} (f64.const 1000))"
    async with street:
        await street.set_up(module(body, scope="neighbourhood", series="neighbourhood.power_import"), "h1", "h2")
        await street.enrol("h3")
        await street.next_slot("h1", "h2", "h3")
        assert await street.counts("h1", "h2", "h3") == [1, 1, 0]
        await street.next_slot("h1", "h3", power_w=1000)
        assert await street.counts("h1", "h2", "h3") == [1, 1, 0], "one household is no neighbourhood"
        assert [run["evaluations"] for run in await street.runs()] == [1, 1]


async def test_neighbourhood_that_nobody_agreed_to(street: Street, module: Callable[..., bytes]) -> None:
    """Without any consent nothing is evaluated, in either scope, and the run says so."""
    async with street:
        await street.set_policy()
        await street.enrol("h1", "h2")
        series = ["neighbourhood.power_import", "clock.local_hour"]
        await street.run_module(module(scope="neighbourhood", series=series))
        await street.run_module(module(name="other", series=["power_import", *series]))
        await street.next_slot("h1", "h2")
        assert [run["evaluations"] for run in await street.runs()] == [0, 0]


async def test_inputs_stand_in_manifest_order(street: Street, module: Callable[..., bytes]) -> None:
    """A household's own series, the neighbourhood's and the clock's are laid out as the manifest lists them."""
    series = ["clock.local_hour", "neighbourhood.power_import", "power_import", "clock.tariff"]
    async with street:
        await street.set_up(module("(i32.const 1)", series=series), "h1", "h2")
        await street.advance(street.now_ms + SLOT_MS - 60_000)
        await street.measure("h1", power_w=300)
        await street.measure("h2", power_w=400)
        await street.advance(street.now_ms + 60_000)
        (run,) = await street.runs()
        # The window begins at 10:00 in Amsterdam, a Friday.
        assert await inputs_were(street, run, 10, 700, 300, 2, 10, 700, 400, 2)


async def test_a_policy_that_comes_in_the_middle_of_a_round(
    street: Street, module: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy counts from when it is accepted: a trigger under way makes no action, and its other slots are left."""
    async with street:
        await street.set_policy(every_s_min=60)
        await street.enrol("h1")
        await street.run_module(module(every="1m", window="1m", max_actions_per_day=90))
        await street.consent("h1")
        await street.advance(street.now_ms + 60_000)
        begin_ms, count = street.now_ms, len(await street.inbox("h1"))
        evaluator, loop = street.app.evaluator, asyncio.get_running_loop()
        honest, asked = evaluator._inputs, 0

        def inputs(*arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked == 1:
                change = street.set_policy(every_s_min=60, series=("voltage_l1",))
                asyncio.run_coroutine_threadsafe(change, loop).result()
            return honest(*arguments)

        monkeypatch.setattr(evaluator, "_inputs", inputs)
        await street.advance(begin_ms + 10 * 60_000)
        assert asked == 1
        assert len(await street.inbox("h1")) == count


TRAPS_WHERE_NOTHING_WAS_MEASURED = """
  (if (f64.ne (f64.load (i32.const 0)) (f64.load (i32.const 0))) (then unreachable)) i32.const 0"""


async def test_stopping_does_not_wait_for_everyone(
    street: Street, module: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge that is told to stop in the middle of a slot waits for an evaluation; afterwards nothing runs on."""
    names = [f"h{number}" for number in range(40)]
    begun, evaluated, honest = threading.Event(), list[float](), Guest.evaluate_one

    def slowly(guest: Guest, row: Any) -> Any:
        evaluated.append(row[0])
        begun.set()
        time.sleep(0.1)
        return honest(guest, row)

    async with street:
        # Whoever traps is evaluated once more by itself, which is where it can be slowed down.
        await street.set_up(module(TRAPS_WHERE_NOTHING_WAS_MEASURED), *names)
        monkeypatch.setattr(Guest, "evaluate_one", slowly)
        slot = asyncio.create_task(street.next_slot())
        assert await asyncio.to_thread(begun.wait, 10)
        await street.app.stop()
        assert 1 <= len(evaluated) < len(names)
        slot.cancel()
        await asyncio.wait([slot])
        monkeypatch.undo()
        await street.start()
