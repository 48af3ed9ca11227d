"""`edge module run` and `bench`: windows and readings of three formats, records, replays, and clear complaints."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from edge.cli.main import cli
from edge.errors import InvalidRequestError
from edge.sandbox.engine import conditions_of
from edge.services.build import build
from edge.services.record_file import Record, read_record
from edge.services.subjects import Inputs, Subject
from edge.settings import SandboxLimits
from edge_sdk.errors import EdgeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAN = float("nan")
SLOT = "2026-06-19T12:00:00Z"
SLOT_MS = 1_781_870_400_000
MINUTE_MS = 60_000
ACTION = {"name": "act", "kind": "recommendation", "text": {"en": "Act."}}
# Acts where the first sample is over 100, spends fuel by it, and traps where it is infinite.
WAT = """(module (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32) (i32.const 0))
  (func (export "evaluate") (result i32) (local $n i32)
    (if (f64.eq (f64.load (i32.const 0)) (f64.const inf)) (then unreachable))
    (local.set $n (i32.trunc_sat_f64_u (f64.load (i32.const 0))))
    (loop $l (if (local.get $n) (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l))))
    (f64.gt (f64.load (i32.const 0)) (f64.const 100))))"""

MakeModule = "Callable[..., Path]"


def toml(inputs: list[tuple[str, str, str]], scope: str) -> str:
    tables = "".join(f'[[input]]\nseries = "{s}"\nwindow = "{w}"\nresolution = "{r}"\n' for s, w, r in inputs)
    return f"""[trigger]
name = "t"
version = "1.0.0"
service = "s"
purpose = "Test."
scope = "{scope}"
every = "15m"
max_actions_per_day = 1
{tables}
[[action]]
name = "act"
kind = "recommendation"
text = {{ en = "Act." }}
"""


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., Path]:
    """Makes the file of a module with these inputs: two samples of power_import unless told otherwise."""

    def make(*inputs: tuple[str, str, str], scope: str = "household", wat: str = WAT) -> Path:
        file = tmp_path / "module.wasm"
        declared = list(inputs or [("power_import", "10m", "5m")])
        file.write_bytes(build(toml(declared, scope), "trigger.wat", wat.encode()))
        return file

    return make


def edge(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["module", *map(str, arguments)])


def run(file: Path, data: Path, *more: object) -> Any:
    done = edge("run", file, "--inputs", data, "--json", *more)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def complaint(file: Path, data: Path, *more: object) -> str:
    done = edge("run", file, "--inputs", data, *more)
    assert isinstance(done.exception, EdgeError), (done.output, done.exception)
    assert done.exception.reason == "INPUTS_INVALID"
    return str(done.exception)


def written(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """Writes rows in the format of a file's suffix."""
    file = tmp_path / name
    names = list(rows[0])
    if file.suffix == ".json":
        file.write_text(json.dumps(rows))
    elif file.suffix == ".parquet":
        pq.write_table(pa.table({key: [row[key] for row in rows] for key in names}), file)
    else:
        lines = [",".join("" if row[key] is None else str(row[key]) for key in names) for row in rows]
        file.write_text("\n".join([",".join(names), *lines]) + "\n")
    return file


@pytest.mark.parametrize("name", ["w.csv", "w.json", "w.parquet"])
def test_windows(tmp_path: Path, module: Callable[..., Path], name: str) -> None:
    """A row a household, a column a sample; an empty cell is not measured; each row has what came of it."""
    rows = [
        {"household": "h1", "power_import.0": 150.5, "power_import.1": 1.0},
        {"household": "h2", "power_import.0": None, "power_import.1": 0.0},
        {"household": "h3", "power_import.0": math.inf, "power_import.1": 0.0},
        {"household": "h4", "power_import.0": 3.0, "power_import.1": None},
    ]
    found = run(module(), written(tmp_path, name, rows))["evaluations"]
    came = [(row["household"], row["outcome"], row["action"], row["fault"]) for row in found]
    assert came == [("h1", 1, "act", ""), ("h2", 0, "", ""), ("h3", 0, "", "trap"), ("h4", 0, "", "")]
    assert found[0]["fuel"] > found[3]["fuel"] > found[1]["fuel"]
    assert all(row["slot_ms"] is None for row in found)


def test_windows_as_lists(tmp_path: Path, module: Callable[..., Path]) -> None:
    """A window may be a list, in JSON and in Parquet; null in it, or in its place, is not measured."""
    rows = [{"power_import": [150, None]}, {"power_import": None}]
    for name in ("w.json", "w.parquet"):
        found = run(module(), written(tmp_path, name, rows))["evaluations"]
        assert [(row["household"], row["outcome"]) for row in found] == [("1", 1), ("2", 0)]
    short = written(tmp_path, "short.json", [{"power_import": [150, 1]}, {"power_import": [1]}])
    assert "row 2, column power_import: it is a list of 1; the window has 2 samples" in complaint(module(), short)


def test_a_series_twice(tmp_path: Path, module: Callable[..., Path]) -> None:
    """Where a series is declared twice its columns name the place too, and without it they are refused."""
    file = module(("power_import", "5m", "5m"), ("power_import", "10m", "5m"), ("clock.local_hour", "5m", "5m"))
    good = {"power_import#0.0": 150, "power_import#1.0": 1, "power_import#1.1": 2, "clock.local_hour.0": 3}
    assert run(file, written(tmp_path, "w.csv", [good]))["evaluations"][0]["outcome"] == 1
    swapped = good | {"power_import#0.0": 1, "power_import#1.0": 150}
    assert run(file, written(tmp_path, "w.csv", [swapped]))["evaluations"][0]["outcome"] == 0
    bad = {"power_import.0": 150, "power_import#1.0": 1, "power_import#1.1": 2, "clock.local_hour.0": 3}
    assert "no column power_import#0.0" in complaint(file, written(tmp_path, "w.csv", [bad]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("power_import.0,power_import.1\n1,2\n1,x\n", "line 3, column power_import.1: `x` is not a number"),
        ('power_import.0,power_import.1\n"1\n\n",2\n1_0,2\n', "line 5, column power_import.0: `1_0` is not"),
        ("power_import.0,power_import.1\n1,2\n1\n", "line 3: 1 cells, but the header has 2"),
        ("power_import.0\n1\n", "no column power_import.1"),
        ("power_import.0,power_import.1,power_import.2\n1,2,3\n", "column power_import.2 is no sample"),
        ("power_import.0,power_import.1,power_import.0\n1,2,3\n", "the column power_import.0 twice"),
        ("power_import.0,power_import.1,household\n1,2,\n", "line 2, column household: `` is not a name"),
        ("power_import.0,power_import.1\n", "has no rows"),
        ("", "has no rows"),
        ("time,power_import,sun\n1,2,3\n", "the column sun is no series of readings"),
        ("time,power_import\n2026-06-19T12:00:00,2\n", "line 2, column time: the time 2026-06-19 12:00:00 has no zone"),
        ("time,power_import\nnoon,2\n", "line 2, column time: `noon` is neither"),
        ("time,power_import\n-5,2\n", "column time: the time is not between"),
        (f"time,power_import\n{SLOT},-2\n", "line 2, column time: power_import_w is negative"),
        (f"time,power_import\n{SLOT},inf\n", "line 2, column power_import: it is infinite"),
        (f"time,tariff\n{SLOT},3\n", "tariff is 3, neither 1 nor 2"),
        (f"time,power_net,power_export\n{SLOT},3,3\n", "power_net beside what it is the difference of"),
    ],
)
def test_bad_tables(tmp_path: Path, module: Callable[..., Path], text: str, said: str) -> None:
    """Whatever is wrong with a table is said with file, line and column."""
    file = tmp_path / "data.csv"
    file.write_text(text)
    message = complaint(module(), file, *(["--at", SLOT] if text.startswith("time") else []))
    assert said in message
    assert str(file) in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b"{}"),
        ("x.json", b"[1]"),
        ("x.json", b'[{"a": 1, "a": 2}]'),
        ("x.json", b"["),
        ("x.json", b"[" * 100_000),
        ("x.csv", b"\xff\xfe"),
        ("x.csv", b'a,b\n"1,2\n'),
        ("x.parquet", b"PAR1"),
        ("x.parquet", bytes(1_000)),
        ("x.txt", b"a,b"),
    ],
)
def test_files_of_any_kind(tmp_path: Path, module: Callable[..., Path], name: str, content: bytes) -> None:
    """A file that is not what its suffix says is refused, and so is a suffix that says nothing."""
    file = tmp_path / name
    file.write_bytes(content)
    assert str(file) in complaint(module(), file)


def test_format_beats_suffix(tmp_path: Path, module: Callable[..., Path]) -> None:
    """--format says what a file is whatever it is called."""
    file = written(tmp_path, "w.csv", [{"power_import.0": 150, "power_import.1": 1}]).rename(tmp_path / "w.txt")
    assert run(module(), file, "--format", "csv")["evaluations"][0]["outcome"] == 1


def readings(*values: tuple[str, int, float | None]) -> list[dict[str, Any]]:
    """Rows of a household, minutes before the slot, and W."""
    return [
        {"time": SLOT_MS - minutes * MINUTE_MS, "household": name, "power_import": watts}
        for name, minutes, watts in values
    ]


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.parquet"])
def test_readings(tmp_path: Path, module: Callable[..., Path], name: str) -> None:
    """Readings become windows as an edge makes them: means in samples, NaN where nothing was measured."""
    rows = readings(("h1", 9, 100), ("h1", 8, 200), ("h1", 2, 7), ("h2", 9, None), ("h2", 2, 900), ("h3", 5, 900))
    out = tmp_path / "record.json"
    found = run(module(), written(tmp_path, name, rows), "--at", SLOT, "--record", out)["evaluations"]
    assert [(row["household"], row["slot_ms"], row["outcome"]) for row in found] == [
        ("h1", SLOT_MS, 1),
        ("h2", SLOT_MS, 0),
        ("h3", SLOT_MS, 0),
    ]
    np.testing.assert_array_equal(read_record(out).inputs.block, [[150, 7], [NAN, 900], [NAN, 900]])


def test_times_are_told_in_several_ways(tmp_path: Path, module: Callable[..., Path]) -> None:
    """Unix ms, ISO 8601 with Z or an offset, and Parquet's timestamps with a zone are the same time."""
    for time in (SLOT_MS - 8 * MINUTE_MS, "2026-06-19T11:52:00Z", "2026-06-19T13:52:00+02:00"):
        data = written(tmp_path, "r.csv", [{"time": time, "power_import": 150}])
        assert run(module(), data, "--at", SLOT_MS)["evaluations"][0]["outcome"] == 1
    times = pa.array([SLOT_MS - 8 * MINUTE_MS], pa.timestamp("ms", "Europe/Amsterdam"))
    pq.write_table(pa.table({"time": times, "power_import": [150]}), tmp_path / "r.parquet")
    assert run(module(), tmp_path / "r.parquet", "--at", SLOT)["evaluations"][0]["outcome"] == 1
    naive = pa.array([SLOT_MS], pa.timestamp("ns"))
    pq.write_table(pa.table({"time": naive, "power_import": [150]}), tmp_path / "r.parquet")
    assert "has no zone" in complaint(module(), tmp_path / "r.parquet", "--at", SLOT)


def block_of(tmp_path: Path, file: Path, rows: list[dict[str, Any]], *more: object) -> list[list[float]]:
    out = tmp_path / "record.json"
    run(file, written(tmp_path, "r.json", rows), "--record", out, *more)
    block: list[list[float]] = read_record(out).inputs.block.tolist()
    return block


def test_series_of_readings(tmp_path: Path, module: Callable[..., Path]) -> None:
    """Counters, gas, phases, net power and tariff are told in the catalogue's units; the clock goes by --timezone."""
    names = (
        "energy_import",
        "gas",
        "voltage_l2",
        "current_l1",
        "power_export",
        "power_net",
        "tariff",
        "clock.local_hour",
    )
    file = module(*((name, "15m", "15m") for name in names))
    first = {"energy_import": 1_000_000, "gas": 12.5, "voltage_l2": 230.44, "current_l1": 1.25, "tariff": 2}
    rows = [
        {"time": SLOT_MS - 15 * MINUTE_MS, **first, "power_net": -300},
        {"time": SLOT_MS, **first, "energy_import": 1_000_250, "gas": 12.75, "power_net": 7},
    ]
    assert block_of(tmp_path, file, rows, "--at", SLOT) == [[250, 0.25, 230.4, 1.25, 300, -300, 2, 13.75]]
    (row,) = block_of(tmp_path, file, rows, "--at", SLOT, "--timezone", "UTC")
    assert row[-1] == 11.75


def test_the_street(tmp_path: Path, module: Callable[..., Path]) -> None:
    """Series of the neighbourhood are over the file's households, from --group-min on; one evaluation is for all."""
    file = module(("neighbourhood.power_import", "5m", "5m"), scope="neighbourhood")
    rows = readings(("h1", 2, 100), ("h2", 2, 50))
    assert block_of(tmp_path, file, rows, "--at", SLOT) == [[150]]
    ((value,),) = block_of(tmp_path, file, rows, "--at", SLOT, "--group-min", 3)
    assert math.isnan(value)


def test_every_slot(tmp_path: Path, module: Callable[..., Path]) -> None:
    """--every takes each slot whose windows lie within the readings; --from and --until say otherwise."""
    data = written(tmp_path, "r.csv", readings(*(("h1", minutes, 200) for minutes in range(0, 60, 5))))

    def slots(*more: object) -> list[int]:
        return [(SLOT_MS - row["slot_ms"]) // MINUTE_MS for row in run(module(), data, *more)["evaluations"]]

    assert slots("--every") == [45, 30, 15, 0]
    assert slots("--every", "--from", SLOT_MS - 30 * MINUTE_MS, "--until", SLOT_MS - MINUTE_MS) == [30, 15]
    assert slots("--at", SLOT, "--at", "2026-06-19T11:30:00Z", "--at", SLOT) == [30, 0]
    assert "No slot" in complaint(module(), data, "--every", "--from", SLOT_MS + 1)
    assert "is no slot: the trigger runs every 15m" in complaint(module(), data, "--at", SLOT_MS + MINUTE_MS)


def test_wrong_usage(tmp_path: Path, module: Callable[..., Path]) -> None:
    """What does not go together is wrong usage, exit status 2, with what is missing."""
    windows = written(tmp_path, "w.csv", [{"power_import.0": 1, "power_import.1": 1}])
    of_readings = written(tmp_path, "r.csv", readings(("h1", 1, 1)))
    for arguments, said in (
        ([module()], "either --inputs or --replay"),
        ([module(), "--inputs", windows, "--replay", "x"], "either --inputs or --replay"),
        ([module(), "--replay", windows, "--record", "x"], "--record goes with --inputs"),
        (["--inputs", windows], "Give the FILE"),
        ([module(), "--inputs", of_readings], "give --at, or --every"),
        ([module(), "--inputs", of_readings, "--at", "noon"], "neither unix milliseconds"),
        ([module(), "--inputs", of_readings, "--at", SLOT, "--timezone", "Mars"], "is no time zone"),
        (["--replay", "acme/pulse"], "ORGANIZATION/TRIGGER@TIME"),
        (["--replay", f"acme/pulse@{SLOT}"], "--as"),
    ):
        done = edge("run", *arguments)
        assert done.exit_code == 2, arguments
        assert said in done.stderr
    assert "windows, which are at no slot" in complaint(module(), windows, "--at", SLOT)


@pytest.fixture
def recorded(tmp_path: Path, module: Callable[..., Path]) -> tuple[Path, Path]:
    """A module and the record of a run of it, one of whose evaluations faulted."""
    rows = [{"household": f"h{n}", "power_import.0": n * 60, "power_import.1": None} for n in range(4)]
    rows.append({"household": "h4", "power_import.0": math.inf, "power_import.1": 0.1})
    out = tmp_path / "record.json"
    file = module()
    run(file, written(tmp_path, "w.json", rows), "--record", out)
    return file, out


@pytest.mark.parametrize("more", [[], ["--interpreter"]])
def test_replay(recorded: tuple[Path, Path], more: list[str]) -> None:
    """A record is replayed to the same, natively and by the interpreter."""
    file, record = recorded
    done = edge("run", file, "--replay", record, *more)
    assert (done.exit_code, done.stdout) == (0, "same: 5 evaluations\n")
    answer = json.loads(edge("run", file, "--replay", record, "--json", *more).stdout)
    assert (answer["same"], answer["fuel_same"], answer["differing"]) == (True, True, [])


def test_replay_of_another_module(recorded: tuple[Path, Path], module: Callable[..., Path]) -> None:
    """Another module is said to be one, with each row that differs, and exit status 1."""
    _, record = recorded
    other = module(wat=WAT.replace("f64.const 100", "f64.const 150"))
    done = edge("run", other, "--replay", record)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("another module: recorded sha256:")
    assert lines[1:] == ["row 3, h2: was outcome 1, is outcome 0", "NOT THE SAME: 5 evaluations"]
    shaped = module(("power_import", "5m", "5m"))
    done = edge("run", shaped, "--replay", record)
    assert isinstance(done.exception, EdgeError)
    assert "have 2 samples, the module's 1" in str(done.exception)


def altered(record: Path, change: Callable[[Any], None], *, sealed: bool) -> None:
    """Alters a record; `sealed` puts the right digest over what was altered."""
    table = json.loads(record.read_text())
    change(table)
    record.write_text(json.dumps(table))
    if sealed:
        import rfc8785  # noqa: PLC0415

        from edge.domain.module import digest_of  # noqa: PLC0415

        del table["digest"]
        record.write_text(json.dumps(table | {"digest": digest_of(rfc8785.dumps(table))}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table["evaluations"][1].update(outcome=1), "row 2, h1: was outcome 1, is outcome 0"),
        (lambda table: table["evaluations"][1].update(fault="FUEL"), "row 2, h1: was fuel, is outcome 0"),
        (lambda table: table.update(fuel_total=1), "fuel: was 1, is "),
    ],
    ids=["outcome", "fault", "fuel"],
)
def test_replay_of_an_altered_record(recorded: tuple[Path, Path], change: Callable[[Any], None], said: str) -> None:
    """What was altered breaks the digest; where that was made anew, the replay tells what differs."""
    file, record = recorded
    altered(record, change, sealed=False)
    done = edge("run", file, "--replay", record)
    assert isinstance(done.exception, InvalidRequestError)
    assert "its digest is not that of its content" in str(done.exception)
    altered(record, lambda _: None, sealed=True)
    done = edge("run", file, "--replay", record)
    assert done.exit_code == 1
    assert said in done.stdout
    assert "NOT THE SAME" in done.stdout


def test_wall_clock_is_not_compared(recorded: tuple[Path, Path]) -> None:
    """What the wall clock stopped is the machine's doing: neither it nor the sum of fuel is held against a replay."""
    file, record = recorded
    altered(record, lambda table: table["evaluations"][2].update(fault="WALL_CLOCK", outcome=0), sealed=False)
    altered(record, lambda table: table.update(fuel_total=1), sealed=True)
    done = edge("run", file, "--replay", record)
    assert done.exit_code == 0
    assert "not compared: 1 stopped by the wall clock" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(format="edge.record/2"),
        lambda table: table.update(extra=1),
        lambda table: table.update(samples=3),
        lambda table: table["evaluations"][0].update(inputs="???"),
        lambda table: table["evaluations"][0].update(outcome=-1),
        lambda table: table["evaluations"][0].update(fault="NO"),
        lambda table: table["conditions"].update(stack_bytes_max=2**40),
        lambda table: table.pop("module"),
    ],
)
def test_records_that_are_none(recorded: tuple[Path, Path], change: Callable[[Any], None]) -> None:
    """A record of another shape is refused, also with a digest that holds, and sets no limits beyond bearing."""
    file, record = recorded
    altered(record, change, sealed=True)
    done = edge("run", file, "--replay", record)
    assert isinstance(done.exception, InvalidRequestError)
    assert done.exception.reason == "RECORD_INVALID"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"digest": 1}', b"\xff", b"[" * 100_000])
def test_files_that_are_no_records(tmp_path: Path, module: Callable[..., Path], content: bytes) -> None:
    """Any other file is refused as none."""
    file = tmp_path / "x.json"
    file.write_bytes(content)
    done = edge("run", module(), "--replay", file)
    assert isinstance(done.exception, InvalidRequestError)
    assert done.exception.reason == "RECORD_INVALID"


@given(bits=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8), fuel=st.integers(0, 2**50))
def test_records_keep_every_bit(tmp_path_factory: pytest.TempPathFactory, bits: list[int], fuel: int) -> None:
    """A float comes back from a record with the bits it went in with, the payload of a NaN included."""
    file = tmp_path_factory.mktemp("record") / "record.json"
    block = np.frombuffer(struct.pack(f"<{len(bits)}Q", *bits), "<f8").reshape(1, -1)
    digest = f"sha256:{'0' * 64}"
    inputs = Inputs((Subject("h\u202e1", None),), block)
    outcomes, faults = np.array([1], np.int16), np.array([0], np.int8)
    record = Record(digest, digest, "t", "1.0.0", conditions_of(SandboxLimits()), inputs, outcomes, faults, fuel)
    file.write_bytes(record.to_json())
    found = read_record(file)
    assert found.inputs.block.view(np.uint64).tolist() == [bits]
    assert (found.inputs.subjects, found.fuel_total, found.conditions) == (inputs.subjects, fuel, record.conditions)


def test_names_reach_the_terminal_as_text(tmp_path: Path, module: Callable[..., Path]) -> None:
    """A household's name from a file does nothing to a terminal."""
    data = written(tmp_path, "w.json", [{"household": "a\x1b[2J", "power_import.0": 1, "power_import.1": 1}])
    assert "\x1b" not in edge("run", module(), "--inputs", data).stdout


def test_bench_of_generated_inputs(module: Callable[..., Path]) -> None:
    """Fuel follows from the seed alone; faults are counted, and shown to a person."""
    answers = [json.loads(edge("bench", module(), "--households", 40, "--json").stdout) for _ in range(2)]
    for name in ("households", "fuel", "faults", "outcomes", "fuel_share", "memory_bytes"):
        assert answers[0][name] == answers[1][name]
    assert answers[0]["households"] == 40
    fuel = answers[0]["fuel"]
    assert fuel["min"] <= fuel["p50"] <= fuel["p90"] <= fuel["p99"] <= fuel["max"]
    assert answers[0]["faults"]["trap"] == 1
    assert sum(answers[0]["outcomes"].values()) + sum(answers[0]["faults"].values()) == 40
    assert len(answers[0]["run_s"]) == 5
    assert answers[0]["households_per_s"] > 0
    assert "FAULTS" in edge("bench", module(), "--households", 40).stdout


def test_bench_of_given_inputs(tmp_path: Path, module: Callable[..., Path]) -> None:
    """Given inputs are benched as they are."""
    data = written(tmp_path, "w.csv", [{"power_import.0": n, "power_import.1": 1} for n in (0, 1, 2)])
    answer = json.loads(edge("bench", module(), "--inputs", data, "--json").stdout)
    assert (answer["households"], answer["faults"]) == (3, {})
    assert answer["fuel"]["p50"] - answer["fuel"]["min"] == answer["fuel"]["max"] - answer["fuel"]["p50"] > 0


def test_modules_that_are_none(tmp_path: Path) -> None:
    """What is no admissible module is neither run nor benched, and is told why."""
    file = tmp_path / "x.wasm"
    file.write_bytes(b"not WebAssembly")
    for arguments in (["run", file, "--inputs", file], ["bench", file]):
        done = edge(*arguments)
        assert isinstance(done.exception, EdgeError)
        assert done.exception.reason == "MODULE_MALFORMED"
