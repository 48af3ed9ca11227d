from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from edge.cli.meter import meter
from tests.unit.gateway.sml_writer import WATT_HOUR, entry, telegram, unsigned

if TYPE_CHECKING:
    from pathlib import Path

NOON = "2026-11-23T12:00:00+01:00"


def run(*arguments: object) -> Any:
    return CliRunner().invoke(meter, [str(argument) for argument in arguments])


def report(*arguments: object) -> Any:
    done = run(*arguments, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_every_format_reports_in_one_shape(tmp_path: Path) -> None:
    """A dry run of each format needs no identity and says telegrams, readings and what was rejected."""
    table, transmissions = tmp_path / "a.csv", tmp_path / "a.sml"
    table.write_text(f"time,power_import_w\n{NOON},5\n{NOON},x\n")
    transmissions.write_bytes(telegram(entry("1-0:1.8.0*255", unsigned(5, 4), WATT_HOUR)))
    reports = [
        report("csv", "--file", table),
        report("sml", "--file", transmissions),
        report("p1", "--file", transmissions),
    ]
    assert [set(one) for one in reports] == [{"telegrams", "readings", "rejected", "rejected_counts"}] * 3
    assert [(one["telegrams"], one["readings"]) for one in reports] == [(2, 1), (1, 1), (0, 0)]


def test_options_of_a_table(tmp_path: Path) -> None:
    """Delimiter, decimal comma, zone, fold and names reach the reader."""
    file = tmp_path / "a.csv"
    file.write_text("wann;was;x\n2026-10-25 02:30:00;1,5;0\n")
    options = ["--file", file, "--map", "wann=time", "--map", "was=power_import_kw", "--map", "x=-", "--delimiter", ";"]
    options += ["--decimal", ",", "--timezone", "Europe/Berlin"]
    assert report("csv", *options)["rejected_counts"] == {"CSV_TIME_AMBIGUOUS": 1}
    assert report("csv", *options, "--fold", "second")["readings"] == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["p1"], "Give one of --file, --serial and --tcp"),
        (["p1", "--tcp", "h:1", "--serial", "/dev/x"], "Give one of"),
        (["p1", "--tcp", "nowhere"], "not HOST:PORT"),
        (["p1", "--tcp", "h:1", "--dry-run"], "--dry-run reads a --file"),
        (["p1", "--tcp", "h:1"], "Give --as"),
        (["p1", "--file", "f", "--variant", "xx"], "--variant"),
        (["sml", "--tcp", "h:1", "--dry-run"], "--dry-run reads a --file"),
        (["sml", "--tcp", "h:1"], "Give --as"),
        (["homewizard"], "--host"),
        (["homewizard", "--host", "h:x", "--dry-run"], "not HOST or HOST:PORT"),
        (["homewizard", "--host", "h", "--token-file", __file__], "belong together"),
        (["homewizard", "--host", "h", "--every", "0"], "--every"),
        (["csv", "--file", "f", "--map", "x"], "not THEIRS=OURS"),
        (["csv", "--file", "f", "--decimal", ","], "same sign"),
        (["csv", "--file", "f", "--timezone", "Mars"], "not a time zone"),
        (["csv", "--file", "f", "--keepalive", "5"], "--keepalive"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], problem: str) -> None:
    """What cannot be meant is told before anything is opened."""
    done = run(*arguments)
    assert (done.exit_code, problem in done.output) == (2, True), done.output


@pytest.mark.parametrize("text", ["", "00", "zz" * 16, "00" * 17])
def test_a_key_file_has_to_hold_a_key(tmp_path: Path, text: str) -> None:
    """Anything but 32 hexadecimal digits is refused, and not quoted."""
    file = tmp_path / "key"
    file.write_text(text)
    done = run("p1", "--file", "f", "--variant", "lu", "--key-file", file)
    assert (done.exit_code, "32 hexadecimal digits" in done.output) == (2, True)


def test_a_key_file_opens_telegrams(tmp_path: Path) -> None:
    """With a key, what is not encrypted is no telegram; without one, it is read as clear text."""
    key, file = tmp_path / "key", tmp_path / "telegrams"
    key.write_text("00" * 16 + "\n")
    file.write_bytes(b"/EDG5\r\n\r\n1-0:1.8.0(1*kWh)\r\n!\r\n")
    assert report("p1", "--file", file, "--key-file", key)["rejected_counts"] == {"TELEGRAM_CUT": 1}
    assert report("p1", "--file", file)["rejected_counts"] == {"TELEGRAM_NO_TIME": 1}
