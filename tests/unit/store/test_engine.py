from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from edge.domain.slot import DAY_MS
from edge.errors import Category, Fault, StoreCorruptError, StoreError
from edge.store.engine import Engine, day_name
from edge.store.shelf import log_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    OpenEngine = Callable[..., Engine]

METER_ID = "meter-recognisable-7c1e"
COUNTER_WH = 7_306_351_862_514_127  # as eight bytes no others like it
DAY = 20_000
DAY_FILE = "2024-10-04.duckdb"
DAMAGES = ["flipped header", "flipped tag", "flipped body", "cut", "empty"]

HOLDER = """
import pathlib, sys
from edge.store.engine import Engine
engine = Engine.open(pathlib.Path(sys.argv[1]), sys.argv[2], memory_bytes_max=2**28, threads_max=1)
print("open", flush=True)
sys.stdin.read()
"""

FILLER = """
import pathlib, resource, signal, sys
from edge.errors import StoreCorruptError, StoreError
from edge.store.engine import Engine

folder, room_bytes, is_made = pathlib.Path(sys.argv[1]), int(sys.argv[3]), sys.argv[4] == "True"
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write over the limit fails, as on a full disk
engine = Engine.open(folder, sys.argv[2], memory_bytes_max=2**28, threads_max=1)
day = folder / "readings" / "2024-10-04.duckdb"
if is_made:
    engine.attachments._make(day)  # by an attempt when there was a little more room
resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, resource.RLIM_INFINITY))
for _ in range(3):
    try:
        engine.attach_day(20_000)
    except StoreError as error:
        print(error.reason, isinstance(error, StoreCorruptError), engine.days())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
name = engine.attach_day(20_000)
engine.cursor().execute(f"INSERT INTO {name}.refused VALUES ('m1', '', 1, 2, 3, 'READING_TOO_OLD', 'why')")
engine.close()
engine = Engine.open(folder, sys.argv[2], memory_bytes_max=2**28, threads_max=1)
print(engine.cursor().execute(f"SELECT count(*) FROM {name}.refused").fetchone())
"""


def insert(engine: Engine, rows: int = 1) -> None:
    """Stores readings of one meter on one day, and the meter if it is not there."""
    day = engine.attach_day(DAY)
    cursor = engine.cursor()
    cursor.execute(
        f"INSERT INTO {day}.readings (meter_id, spool_id, sequence, time_ms, received_ms, quality, energy_import_wh)"
        " SELECT ?, '', i, ?, 0, 0, ? FROM range(?) numbers(i)",
        [METER_ID, DAY * DAY_MS, COUNTER_WH, rows],
    )
    cursor.execute(
        "INSERT OR IGNORE INTO state.meters VALUES (?, 'household-recognisable', 'gas', 0, NULL)", [METER_ID]
    )
    cursor.close()


def stored_rows(engine: Engine) -> int:
    """Returns how many readings of the day are read back whole."""
    with engine.reading() as cursor:
        row = cursor.execute(f"SELECT count(*), sum(sequence), max(meter_id) FROM {day_name(DAY)}.readings").fetchone()
    assert row is not None
    return int(row[0])


def files_of(folder: Path) -> list[Path]:
    """Returns every file under a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def holds_plaintext(path: Path) -> bool:
    """Says whether a file shows anything of what was stored."""
    content = path.read_bytes()
    secrets = [METER_ID.encode(), b"recognisable", COUNTER_WH.to_bytes(8, "little"), COUNTER_WH.to_bytes(8, "big")]
    return any(secret in content for secret in [*secrets, b"energy_import_wh", b"CREATE TABLE"])


@pytest.mark.parametrize("rows", [1, 30_000])
def test_no_plaintext_on_disk(tmp_path: Path, open_engine: OpenEngine, rows: int) -> None:
    """No file shows an id, a value or even a column's name, neither the logs while open nor the files after."""
    engine = open_engine()
    insert(engine, rows)
    assert f"readings/{DAY_FILE}.wal" in [path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)]
    assert [path for path in files_of(tmp_path) if holds_plaintext(path)] == []
    engine.close()
    assert [path for path in files_of(tmp_path) if holds_plaintext(path)] == []


def test_plaintext_would_be_found(tmp_path: Path) -> None:
    """The search above finds what an unencrypted log would show, the id and the value alike."""
    connection = duckdb.connect(tmp_path / "plain.duckdb")
    connection.execute("CREATE TABLE readings (meter_id VARCHAR, value BIGINT)")
    for meter_id, value in ((METER_ID, 0), ("", COUNTER_WH)):
        connection.execute("CHECKPOINT")
        connection.execute("INSERT INTO readings VALUES (?, ?)", [meter_id, value])
        assert holds_plaintext(tmp_path / "plain.duckdb.wal")
    connection.close()


def test_nothing_but_the_files(tmp_path: Path, open_engine: OpenEngine) -> None:
    """Closing leaves the state, one file a day, and no logs; opening finds what was there."""
    engine = open_engine()
    insert(engine, 10)
    engine.attach_day(DAY + 1)
    engine.close()
    assert [path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)] == [
        "edge.duckdb",
        f"readings/{DAY_FILE}",
        "readings/2024-10-05.duckdb",
    ]
    engine = open_engine()
    assert engine.days() == [DAY, DAY + 1]
    assert stored_rows(engine) == 10
    engine.close()


def test_day_is_attached_once(open_engine: OpenEngine) -> None:
    """Asking for a day again changes nothing, whatever the order of the days."""
    engine = open_engine()
    names = [engine.attach_day(day) for day in (DAY + 5, DAY, DAY + 5)]
    assert names == [day_name(DAY + 5), day_name(DAY), day_name(DAY + 5)]
    assert engine.days() == [DAY, DAY + 5]
    engine.close()


def test_wrong_key(tmp_path: Path, open_engine: OpenEngine) -> None:
    """A store written with another key is not opened, and stays as it is."""
    engine = open_engine()
    insert(engine)
    engine.close()
    before = {path: path.read_bytes() for path in files_of(tmp_path)}
    with pytest.raises(StoreCorruptError, match="damaged, or was written with another key") as caught:
        open_engine(key_hex="f0" * 32)
    assert str(tmp_path / "edge.duckdb") in caught.value.message
    assert caught.value.category is Category.DATA_LOSS
    assert "store.key" in caught.value.advice
    assert "edge store restore" in caught.value.advice
    assert {path: path.read_bytes() for path in files_of(tmp_path)} == before


@pytest.mark.parametrize("key_hex", ["", "0f" * 31, "0F" * 32, "0f" * 31 + "xx", "0f" * 32 + "\n", "') --" + "0" * 59])
def test_not_a_key(tmp_path: Path, open_engine: OpenEngine, key_hex: str) -> None:
    """What is not 256 bits in hexadecimal is refused before anything is written, and is not repeated."""
    with pytest.raises(StoreError, match="64 hexadecimal digits") as caught:
        open_engine(key_hex=key_hex)
    assert (caught.value.reason, caught.value.fault) == ("STORE_KEY_UNUSABLE", Fault.OPERATOR)
    assert not key_hex or key_hex not in str(caught.value)
    assert files_of(tmp_path) == []


def damage(path: Path, how: str) -> None:
    """Does to a file what a disk may do to it."""
    content = bytearray(path.read_bytes())
    places = {"flipped header": 20, "flipped tag": 4_100, "flipped body": 12_300}
    if how in places:
        content[places[how]] ^= 1
    size = {"cut": 9_000, "empty": 0}.get(how, len(content))
    path.write_bytes(content[:size])


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_state(tmp_path: Path, open_engine: OpenEngine, how: str) -> None:
    """A damaged state file stops the start, by name and with what to do, whatever part of it is damaged."""
    engine = open_engine()
    insert(engine, 1_000)
    engine.close()
    damage(tmp_path / "edge.duckdb", how)
    with pytest.raises(StoreCorruptError) as caught:
        open_engine()
    assert str(tmp_path / "edge.duckdb") in caught.value.message
    assert "edge store restore" in caught.value.advice


@pytest.mark.parametrize("how", [*DAMAGES, "another key", "bad log"])
def test_damaged_day_is_set_aside(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, open_engine: OpenEngine, how: str
) -> None:
    """A day's damaged file keeps the edge from nothing: it is moved aside as it is, and the day begins anew."""
    engine = open_engine()
    insert(engine, 1_000)
    engine.attach_day(DAY + 1)
    engine.rollups.attach(DAY)
    engine.close()
    file = tmp_path / "readings" / DAY_FILE
    if how == "another key":
        other = open_engine(tmp_path_factory.mktemp("other"), key_hex="f0" * 32)
        other.attach_day(DAY)
        other.close()
        file.write_bytes(other.readings.file(DAY).read_bytes())
    elif how == "bad log":
        engine = open_engine()
        insert(engine, 10)
        content = bytearray(log_of(file).read_bytes())
        engine.close()
        content[len(content) // 2] ^= 1
        log_of(file).write_bytes(content)
    else:
        damage(file, how)
    before = file.read_bytes()
    engine = open_engine()
    assert engine.days() == [DAY + 1]
    assert (tmp_path / "set-aside" / "readings-2024-10-04-1.duckdb").read_bytes() == before
    assert (tmp_path / "set-aside" / "rollups-2024-10-04-1.duckdb").exists()
    insert(engine, 3)
    assert stored_rows(engine) == 3
    engine.close()
    damage(file, "empty")
    engine = open_engine()
    assert sorted(path.name for path in (tmp_path / "set-aside").glob("readings*.duckdb")) == [
        "readings-2024-10-04-1.duckdb",
        "readings-2024-10-04-2.duckdb",
    ]
    engine.close()


def test_damage_met_while_reading(tmp_path: Path, open_engine: OpenEngine) -> None:
    """Damage that only a query meets is an error of the store, not rows that are missing; then it is set aside."""
    engine = open_engine()
    insert(engine, 30_000)
    engine.attach_day(DAY + 1)
    engine.close()
    content = bytearray((tmp_path / "readings" / DAY_FILE).read_bytes())
    content[-5_000] ^= 1
    (tmp_path / "readings" / DAY_FILE).write_bytes(content)
    engine = open_engine()
    with pytest.raises(StoreCorruptError, match="a file is damaged"):
        stored_rows(engine)
    assert engine.damaged() == [(engine.readings, DAY)]
    engine.set_aside(engine.readings, DAY)
    assert engine.days() == [DAY + 1]
    engine.close()


def test_failed_open_lets_go(tmp_path: Path, open_engine: OpenEngine) -> None:
    """After a failed start the files are free: mend the cause and start again, in the same process or another."""
    open_engine().close()
    foreign = tmp_path / "readings" / "notes.duckdb"
    foreign.write_bytes(b"my notes")
    with pytest.raises(StoreError, match="not named after a day") as caught:
        open_engine()
    assert str(foreign) in caught.value.message
    assert "Move files" in caught.value.advice
    assert foreign.read_bytes() == b"my notes"
    foreign.unlink()
    with hold(tmp_path, "0f" * 32) as other:
        other.communicate("")


def hold(folder: Path, key_hex: str) -> subprocess.Popen[str]:
    """Returns a process that has the files open until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), key_hex],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_two_processes(tmp_path: Path, open_engine: OpenEngine, key_hex: str) -> None:
    """While one process has the files, another gets an error that says so; afterwards it gets the files."""
    with hold(tmp_path, key_hex) as other:
        with pytest.raises(StoreError, match="open in another process") as caught:
            open_engine()
        assert caught.value.reason == "STORE_LOCKED"
        assert not isinstance(caught.value, StoreCorruptError)
        other.communicate("")
    open_engine().close()


def test_damage_in_a_folder_called_lock(tmp_path: Path, open_engine: OpenEngine) -> None:
    """What a file is called does not change what is wrong with it."""
    folder = tmp_path / "Could not read; lock; block"
    open_engine(folder).close()
    (folder / "edge.duckdb").write_bytes(b"")
    with pytest.raises(StoreCorruptError):
        open_engine(folder)


def test_quoted_folder(tmp_path: Path, open_engine: OpenEngine) -> None:
    """A folder may be called anything that the file system allows."""
    folder = tmp_path / 'the operator\'s "edge"; {db}'
    engine = open_engine(folder)
    insert(engine)
    engine.close()
    engine = open_engine(folder)
    assert stored_rows(engine) == 1
    engine.close()


def test_folder_that_cannot_be_made(tmp_path: Path, open_engine: OpenEngine) -> None:
    """Where no folder can be, the error names it and the cause."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be made: Not a directory") as caught:
        open_engine(tmp_path / "file" / "data")
    assert not isinstance(caught.value, StoreCorruptError)


def test_file_that_cannot_be_made(tmp_path: Path, open_engine: OpenEngine) -> None:
    """A day whose file cannot be made is an error, and can be made once the cause is gone."""
    engine = open_engine()
    obstacle = tmp_path / "readings" / "2024-10-04.new"
    obstacle.mkdir()
    with pytest.raises(StoreError, match="cannot be opened or made"):
        engine.attach_day(DAY)
    assert engine.days() == []
    obstacle.rmdir()
    insert(engine)
    assert stored_rows(engine) == 1
    engine.close()


@pytest.mark.parametrize(("room_bytes", "is_made"), [(100, True), (1_000, True), (100, False), (5_000, False)])
def test_full_disk(tmp_path: Path, key_hex: str, room_bytes: int, *, is_made: bool) -> None:
    """A disk that is full when a day begins is no damage, at the first attempt or a later; with room it goes on."""
    done = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path), key_hex, str(room_bytes), str(is_made)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["STORE_DISK_FULL False []"] * 3 + ["(1,)"]


def test_half_made_file_is_made_anew(tmp_path: Path, open_engine: OpenEngine) -> None:
    """What a crash left of a file that was being made neither counts as a day nor stands in its way."""
    engine = open_engine()
    engine.close()
    (tmp_path / "readings" / "2024-10-04.new").write_bytes(b"half of a header")
    engine = open_engine()
    assert engine.days() == []
    insert(engine)
    engine.close()
    assert [path.name for path in files_of(tmp_path / "readings")] == [DAY_FILE]


def test_cursors_are_their_own(open_engine: OpenEngine) -> None:
    """What one cursor has not committed another does not see."""
    engine = open_engine()
    first, second = engine.cursor(), engine.cursor()
    first.execute("BEGIN")
    first.execute("INSERT INTO state.revoked_modules VALUES ('sha256:00')")
    assert second.execute("SELECT count(*) FROM state.revoked_modules").fetchone() == (0,)
    first.execute("COMMIT")
    assert second.execute("SELECT count(*) FROM state.revoked_modules").fetchone() == (1,)
    first.close()
    second.close()
    engine.close()


def test_failed_read_is_a_store_error(open_engine: OpenEngine) -> None:
    """Whatever the database refuses while reading comes out as an error of the store."""
    engine = open_engine()
    with pytest.raises(StoreError, match="refused a read"), engine.reading() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    engine.close()
