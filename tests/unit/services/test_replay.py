"""Whatever an edge evaluated can be evaluated again: same outcomes, same fuel, and what was altered is noticed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge.cli.main import cli
from edge.domain.slot import DAY_MS, day_of
from edge.store.engine import extension_file
from edge_sdk.errors import RpcError
from edge_sdk.identity import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import NewStreet, Street

SLOT_MS = 900_000
KEY = "acme/pulse"
HOUSEHOLDS = ("h1", "h2", "h3")
# Spends fuel by what it reads, traps on much and acts on something.
MIXED = """(local $n i32)
    (if (f64.gt (f64.load (i32.const 0)) (f64.const 5000)) (then unreachable))
    (local.set $n (i32.trunc_sat_f64_u (f64.load (i32.const 0))))
    (loop $spend
      (if (local.get $n) (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $spend))))
    (f64.gt (f64.load (i32.const 0)) (f64.const 400))"""


NEVER_BAD = {"share_max": 1.0}
"""Faults do not make the module sit out slots."""


@pytest.fixture
def street(new_street: NewStreet, tmp_path: Path) -> Street:
    """A street whose module may fault as often as it likes."""
    return new_street(tmp_path / "street", faults=NEVER_BAD)


async def lived(street: Street, module: Callable[..., bytes], **changes: Any) -> list[int]:
    """Lets a street live through three slots: some measured, all, one so much that its evaluation faults."""
    await street.set_up(module(MIXED, **changes), *HOUSEHOLDS)
    return [
        await street.next_slot("h1", "h2", power_w=450),
        await street.next_slot(*HOUSEHOLDS, power_w=90),
        await street.next_slot("h2", power_w=9_000),
    ]


async def replayed(street: Street, slot_ms: int, key: str = KEY, **how: Any) -> Any:
    return await (await street.operator()).replay(key, slot_ms, **how)


async def begun(street: Street, slot_ms: int) -> asyncio.Task[Any]:
    """Asks for a replay and returns once it is under way."""
    asked = asyncio.create_task(replayed(street, slot_ms, interpreter=True))
    while not street.app._replays._busy:  # noqa: ASYNC110 - the edge tells nobody
        await asyncio.sleep(0.001)
    return asked


async def refused(street: Street, slot_ms: int, key: str = KEY) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await replayed(street, slot_ms, key)
    return caught.value


def file_of(street: Street, slot_ms: int) -> Path:
    day = np.datetime64(day_of(slot_ms), "D")
    return street.settings.paths.data / "recordings" / f"{day}.duckdb"


def alter(street: Street, slot_ms: int, *statements: str) -> None:
    """Alters a day's recordings with the key in hand, while the edge is stopped."""
    key_hex = street.settings.paths.store_key.read_text().strip()
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"LOAD '{extension_file()}'")
        connection.execute(f"ATTACH '{file_of(street, slot_ms)}' AS day (ENCRYPTION_KEY '{key_hex}')")
        for statement in statements:
            assert connection.execute(statement).fetchall() != [(0,)], statement
        connection.execute("DETACH day")


@pytest.mark.parametrize("interpreter", [False, True], ids=["native", "interpreter"])
async def test_every_past_evaluation(street: Street, module: Callable[..., bytes], *, interpreter: bool) -> None:
    """After a restart every run is replayed to the same outcomes, faults and fuel, from inputs that the log proves."""
    async with street:
        slots = await lived(street, module)
        await street.restart()
        runs = {run["slot_ms"]: run for run in await street.runs()}
        assert set(slots) <= set(runs)
        for slot_ms, run in runs.items():
            answer = await replayed(street, slot_ms, interpreter=interpreter)
            assert answer.same
            assert answer.inputs_proven
            assert answer.fuel_same
            assert (answer.outcomes_differ, answer.faults_differ, answer.wall_clock) == (0, 0, 0)
            assert (answer.evaluations, answer.module_digest) == (run["evaluations"], run["module"])
            assert answer.runtime_recorded == answer.runtime_replayed
        assert [runs[slot_ms]["faults"] for slot_ms in slots] == [0, 0, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {
            "series": ["power_import", "neighbourhood.power_import", "clock.local_hour"],
            "window": "1h",
            "resolution": "15m",
        },
        {"series": ["neighbourhood.power_import", "clock.weekday"], "scope": "neighbourhood"},
    ],
    ids=["of all kinds", "one for all"],
)
async def test_windows_that_all_see(street: Street, module: Callable[..., bytes], changes: dict[str, Any]) -> None:
    """Windows of the street and of the clock, stored once for all households, are replayed for each of them."""
    async with street:
        for slot_ms in await lived(street, module, **changes):
            answer = await replayed(street, slot_ms)
            assert (answer.same, answer.inputs_proven) == (True, True)


async def test_what_two_triggers_saw_is_stored_once(street: Street, module: Callable[..., bytes]) -> None:
    """Two triggers that saw the same window at the same slot share its bytes and the list of households."""
    async with street:
        await street.set_up(module(MIXED), *HOUSEHOLDS)
        await street.run_module(module(name="second"))
        slot_ms = await street.next_slot(*HOUSEHOLDS)
        for key in (KEY, "acme/second"):
            assert (await replayed(street, slot_ms, key)).same
        await street.stop()
        alter(
            street,
            slot_ms,
            "SELECT 1 FROM day.runs HAVING count(*) = 2",
            "SELECT 1 FROM day.blobs HAVING count(*) = 2",
        )
        await street.start()


@pytest.mark.parametrize(
    ("statement", "differs"),
    [
        ("UPDATE day.runs SET outcomes = '\\x00\\x00\\x01\\x00\\x00\\x00'::BLOB", {"outcomes_differ": 1}),
        ("UPDATE day.runs SET faults = '\\x00\\x01\\x00'::BLOB", {"faults_differ": 1}),
        ("UPDATE day.runs SET fuel_total = fuel_total + 1", {"fuel_same": False}),
        ("UPDATE day.runs SET windows = (SELECT windows FROM day.runs ORDER BY slot_ms DESC LIMIT 1)", {}),
        ("UPDATE day.runs SET input_digest = 'hmac-sha256:00:' || right(input_digest, 64)", {}),
        ("UPDATE day.runs SET input_digest = 'x'", {}),
    ],
    ids=["outcome", "fault", "fuel", "window of another slot", "salt", "no digest"],
)
async def test_altered_with_the_key(
    street: Street, module: Callable[..., bytes], statement: str, differs: dict[str, Any]
) -> None:
    """Whoever has the store's key and alters a recording is noticed: by the replay, or by the log."""
    async with street:
        slots = await lived(street, module)
        await street.stop()
        alter(street, slots[0], f"{statement} WHERE slot_ms = {slots[0]}")
        await street.start()
        answer = await replayed(street, slots[0])
        assert not answer.same
        assert answer.inputs_proven is bool(differs)
        for name, value in differs.items():
            assert getattr(answer, name) == value
        assert (await replayed(street, slots[1])).same


async def test_altered_bytes(street: Street, module: Callable[..., bytes]) -> None:
    """Bytes that are not those of their digest are refused as damaged; other runs of the day are not affected."""
    async with street:
        slots = await lived(street, module)
        await street.stop()
        alter(
            street,
            slots[0],
            "UPDATE day.blobs SET zstd = (SELECT zstd FROM day.blobs WHERE samples = 0)"
            f" WHERE digest IN (SELECT unnest(windows) FROM day.runs WHERE slot_ms = {slots[0]})",
        )
        await street.start()
        error = await refused(street, slots[0])
        assert (error.status, error.reason) == ("DATA_LOSS", "RECORDING_DAMAGED")
        assert (await replayed(street, slots[1])).same


async def test_damaged_file(street: Street, module: Callable[..., bytes]) -> None:
    """A file with a flipped byte is refused as damaged, and the edge runs on: evaluations, actions, the log."""
    async with street:
        slots = await lived(street, module)
        await street.stop()
        file = file_of(street, slots[0])
        content = bytearray(file.read_bytes())
        for place in range(4_096, len(content), 1_000):
            content[place] ^= 1
        file.write_bytes(content)
        await street.start()
        error = await refused(street, slots[0])
        assert (error.status, error.reason) == ("DATA_LOSS", "RECORDING_DAMAGED")
        assert str(file) in error.advice
        before = len(await street.runs())
        await street.next_slot("h1", power_w=450)
        assert len(await street.runs()) > before
        file.unlink()
        assert (await replayed(street, await street.next_slot("h1", power_w=450))).same


async def test_forgotten_after_its_days(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """A day's recordings are unlinked once they are older than the setting, also at a start; a replay says so."""
    street = new_street(tmp_path / "street", faults=NEVER_BAD, replay={"keep_days": 1})
    async with street:
        slots = await lived(street, module)
        assert (await replayed(street, slots[0])).same
        await street.restart(slots[0] + DAY_MS)
        assert (await replayed(street, slots[0])).same
        await street.restart(slots[0] + 2 * DAY_MS)
        assert not file_of(street, slots[0]).exists()
        error = await refused(street, slots[0])
        assert error.reason == "REPLAY_NOT_RECORDED"
        assert "kept for 1 days" in error.message


async def test_nothing_is_kept(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """With keep_days = 0 no reading is written a second time, and what an earlier setting kept is gone."""
    street = new_street(tmp_path / "street", faults=NEVER_BAD)
    async with street:
        slots = await lived(street, module)
        assert file_of(street, slots[0]).exists()
        replay = street.settings.replay.model_copy(update={"keep_days": 0})
        street.settings = street.settings.model_copy(update={"replay": replay})
        await street.restart()
        slot_ms = await street.next_slot("h1")
        assert not list(file_of(street, slots[0]).parent.iterdir())
        for missing in (slots[0], slot_ms):
            assert (await refused(street, missing)).reason == "REPLAY_NOT_RECORDED"


async def test_over_the_days_bytes(new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]) -> None:
    """Over the bound of a day the run is there and its recording is not; a replay says why."""
    street = new_street(tmp_path / "street", faults=NEVER_BAD, replay={"bytes_per_day_max": 1})
    async with street:
        slots = await lived(street, module)
        error = await refused(street, slots[0])
        assert (error.status, error.reason) == ("NOT_FOUND", "REPLAY_NOT_RECORDED")
        assert "replay.bytes_per_day_max" in error.message


async def test_before_recordings_were(street: Street, module: Callable[..., bytes]) -> None:
    """A run without a recording, as of an earlier release or after a crash, is told apart from one that never was."""
    async with street:
        slots = await lived(street, module)
        await street.stop()
        file_of(street, slots[0]).unlink()
        await street.start()
        assert "records nothing" in (await refused(street, slots[0])).message
        for key, slot_ms in ((KEY, slots[0] + 1), ("acme/other", slots[0]), ("", 0)):
            assert (await refused(street, slot_ms, key)).reason == "EVALUATION_NOT_FOUND"


async def test_missed_slots(street: Street, module: Callable[..., bytes]) -> None:
    """A slot that was missed was not evaluated, and cannot be replayed."""
    async with street:
        slots = await lived(street, module)
        await street.restart(slots[-1] + 10 * SLOT_MS)
        (missed,) = await street.events("slots_missed")
        assert (await refused(street, missed["last_slot_ms"])).reason == "EVALUATION_NOT_FOUND"


async def test_module_that_is_gone(street: Street, module: Callable[..., bytes]) -> None:
    """Without the module's bytes there is nothing to evaluate."""
    async with street:
        slots = await lived(street, module)
        await street.query("UPDATE state.modules SET wasm = ''::BLOB")
        assert (await refused(street, slots[0])).reason == "MODULE_NOT_FOUND"


async def test_one_at_a_time_and_of_some_size(
    new_street: NewStreet, tmp_path: Path, module: Callable[..., bytes]
) -> None:
    """A second replay is turned away while one is under way, and a run over the bound always."""
    street = new_street(tmp_path / "street", faults=NEVER_BAD, replay={"evaluations_max": 2})
    async with street:
        slots = await lived(street, module)
        assert (await refused(street, slots[0])).reason == "REPLAY_TOO_LARGE"
    street.settings = street.settings.model_copy(
        update={"replay": street.settings.replay.model_copy(update={"evaluations_max": 3})}
    )
    async with street:
        asked = await asyncio.gather(*(replayed(street, slots[0]) for _ in range(3)), return_exceptions=True)
        reasons = [answer.reason for answer in asked if isinstance(answer, RpcError)]
        assert reasons == ["REPLAY_UNDER_WAY"] * 2
        assert (await replayed(street, slots[0])).same


@pytest.mark.parametrize("more", [[], ["--interpreter"]])
async def test_at_the_command_line(street: Street, module: Callable[..., bytes], more: list[str]) -> None:
    """The operator names trigger and slot; exit status 1 says that something differs, and no reading is told."""
    async with street:
        slots = await lived(street, module)
        await street.stop()
        alter(street, slots[1], f"UPDATE day.runs SET fuel_total = 1 WHERE slot_ms = {slots[1]}")
        await street.start()
        address = f"127.0.0.1:{street.app.port}"
        now_ms = time.time_ns() // 1_000_000
        _, folder = street.register.issue(Role.OPERATOR, "desk", address, now_ms, valid_days=1)

        async def replay(slot_ms: int, *options: str) -> Result:
            arguments = ["module", "run", "--replay", f"{KEY}@{slot_ms}", "--as", str(folder), *more, *options]
            return await asyncio.to_thread(CliRunner().invoke, cli, arguments)

        good = await replay(slots[0])
        assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, "same")
        assert "450" not in good.stdout
        bad = await replay(slots[1])
        assert (bad.exit_code, bad.stdout.splitlines()[-1]) == (1, "NOT THE SAME")
        assert "fuel ANOTHER" in bad.stdout
        answer = json.loads((await replay(slots[0], "--json")).stdout)
        assert set(answer) == {
            "same",
            "module_digest",
            "evaluations",
            "outcomes_differ",
            "faults_differ",
            "wall_clock",
            "fuel_same",
            "inputs_proven",
            "runtime_recorded",
            "runtime_replayed",
        }


async def test_stopping_does_not_wait_for_a_replay(street: Street, module: Callable[..., bytes]) -> None:
    """An edge that stops gives up a replay, within what calls may take, and keeps what it recorded."""
    async with street:
        slots = await lived(street, module)
        asked = await begun(street, slots[0])
        begun_s = time.monotonic()
        await street.app.stop()
        assert time.monotonic() - begun_s < 2
        with pytest.raises(RpcError):
            await asked
        await street._stack.aclose()
        street._clients.clear()
        await street.start()
        assert (await replayed(street, slots[0])).same


async def test_evaluation_goes_on_beside_a_replay(street: Street, module: Callable[..., bytes]) -> None:
    """A slot that falls due while a replay is under way is evaluated, and recorded."""
    async with street:
        slots = await lived(street, module)
        asked = await begun(street, slots[0])
        await street.advance(slots[-1] + SLOT_MS)
        assert (await asked).same
        assert (await replayed(street, slots[-1] + SLOT_MS)).same


async def test_recordings_are_encrypted(street: Street, module: Callable[..., bytes]) -> None:
    """No name of a household, digest or key of a trigger can be read from the files without the store's key."""
    async with street:
        slots = await lived(street, module)
        folder = file_of(street, slots[0]).parent
        content = b"".join(file.read_bytes() for file in folder.iterdir())
        for text in ("sha256:", KEY, '"h1"', "hmac-sha256"):
            assert text.encode() not in content
