"""Gateways as processes of their own: every format, a line that is cut without a word, a disk that fills up."""

from __future__ import annotations

import http.server
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_p1 import crc16, run, stored
from tests.unit.gateway.sml_writer import WATT, WATT_HOUR, entry, signed, telegram, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def report(*arguments: object) -> Any:
    done = run("meter", *arguments, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def enrolled(site: Any) -> Path:
    meter: Path = site.identity("meter", "m1")
    assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
    return meter


class Line:
    """A serial server on the network: whoever connects hears what is said from then on."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._heard: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self) -> None:
        """Returns once somebody listens."""
        deadline_s = time.monotonic() + 20
        while not self._heard:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    def say(self, data: bytes) -> None:
        for listener in self._heard:
            listener.sendall(data)

    def hang_up(self) -> None:
        while self._heard:
            self._heard.pop().close()

    def close(self) -> None:
        self.hang_up()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                self._heard.append(self._server.accept()[0])
            except OSError:
                return


@contextmanager
def gateway(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`edge meter` as a process; killed at the end if it still runs."""
    command = [sys.executable, "-m", "edge", "meter", *map(str, arguments), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """Interrupts a gateway; returns its summary and what it told."""
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    return json.loads(out), error


def p1_telegram(number: int) -> bytes:
    """The telegram of a second of today, told apart by its time and its counter."""
    now = datetime.fromtimestamp(START_S + number, UTC)
    lines = [
        "/EDG5\\TEST-METER",
        "",
        "1-3:0.2.8(50)",
        f"0-0:1.0.0({now:%y%m%d%H%M%S}W)",
        f"1-0:1.8.0({number:010.3f}*kWh)",
        "!",
    ]
    body = "\r\n".join(lines).encode()
    return body + f"{crc16(body):04X}\r\n".encode()


# An hour ago, so that a thousand seconds of telegrams are all in the past.
START_S = int(time.time()) - 3_600
P1 = ("p1", "--timezone", "UTC")


def test_csv_from_file_to_edge(site: Any, tmp_path: Path) -> None:
    """Good rows are stored, bad ones are told by line; a dry run says the same and sends nothing."""
    file = tmp_path / "table.csv"
    now_ms = START_S * 1000
    rows = [f"{now_ms + second * 1000};{second},5" for second in range(300)]
    file.write_text("\n".join(["zeit;energy_import_kwh", *rows[:100], "gestern;1", *rows[100:]]))
    options = ["--file", file, "--map", "zeit=time_ms", "--delimiter", ";", "--decimal", ","]
    dry = report("csv", *options)
    assert (dry["telegrams"], dry["readings"]) == (301, 300)
    assert [(piece["line"], piece["reason"]) for piece in dry["rejected"]] == [(102, "CSV_ROW_INVALID")]
    done = run("meter", "csv", *options, "--as", enrolled(site), "--json")
    summary = json.loads(done.stdout)
    assert (summary["readings"], summary["waiting"], summary["rejected"]) == (300, 0, dry["rejected"])
    assert site.stop()[0] == 0
    rows = stored(site.folder / "edge")
    assert [row["time_ms"] for row in rows] == [now_ms + second * 1000 for second in range(300)]
    assert [row["energy_import_wh"] for row in rows] == [second * 1000 + 500 for second in range(300)]


def test_sml_from_line_to_edge(site: Any, tmp_path: Path) -> None:
    """A live SML meter with a damaged telegram between good ones: the good ones are stored, dated as they came."""
    good = [telegram(entry("1-0:1.8.0*255", unsigned(number, 4), WATT_HOUR), NET_POWER) for number in range(1, 21)]
    damaged = good[0][:80] + bytes([good[0][80] ^ 1]) + good[0][81:]
    file = tmp_path / "sml.bin"
    file.write_bytes(damaged + b"".join(good))
    dry = report("sml", "--file", file)
    assert (dry["telegrams"], dry["readings"]) == (21, 20)
    assert [(piece["position_bytes"], piece["reason"]) for piece in dry["rejected"]] == [(0, "TELEGRAM_CRC")]
    assert run("meter", "sml", "--file", file, "--as", site.operator).returncode == 2
    line, began_ms = Line(), time.time_ns() // 1_000_000
    with gateway("sml", "--tcp", line.address, "--as", enrolled(site)) as process:
        line.wait()
        line.say(damaged)
        for whole in good:
            line.say(whole)
            time.sleep(0.02)
        time.sleep(1)
        summary, told = ended(process)
    line.close()
    assert (summary["readings"], summary["waiting"], summary["rejected_counts"]) == (20, 0, {"TELEGRAM_CRC": 1})
    assert "TELEGRAM_CRC" in told
    assert site.stop()[0] == 0
    rows = stored(site.folder / "edge")
    assert [row["energy_import_wh"] for row in rows] == list(range(1, 21))
    assert {(row["power_import_w"], row["power_export_w"]) for row in rows} == {(0, 463)}
    assert all(began_ms < row["time_ms"] < time.time() * 1000 for row in rows)


NET_POWER = entry("1-0:16.7.0*255", signed(-463, 4), WATT)


class Answers(http.server.BaseHTTPRequestHandler):
    """A HomeWizard device whose counter rises with every question."""

    count = 0

    def do_GET(self) -> None:
        Answers.count += 1
        body = json.dumps({"total_power_import_kwh": Answers.count / 1000, "active_power_w": -50}).encode()
        self.send_response(200 if self.path == "/api/v1/data" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


def test_homewizard_from_device_to_edge(site: Any) -> None:
    """A device is waited for while it is away, and asked every second once it is there; every answer is stored."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    with gateway("homewizard", "--host", host, "--every", 1, "--as", enrolled(site)) as process:
        assert process.stderr is not None
        assert "DEVICE_UNREACHABLE" in process.stderr.readline()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(host.rpartition(":")[2])), Answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        dry = report("homewizard", "--host", host)
        assert (dry["telegrams"], dry["readings"], dry["rejected"]) == (1, 1, [])
        asked = Answers.count
        while Answers.count < asked + 3:
            time.sleep(0.05)
        time.sleep(0.5)
        summary, told = ended(process)
    server.shutdown()
    server.server_close()
    assert "well again" in told
    assert summary["readings"] >= 3
    assert summary["waiting"] == 0
    assert site.stop()[0] == 0
    rows = stored(site.folder / "edge")
    assert len(rows) == summary["readings"]
    assert rows[-1]["energy_import_wh"] == Answers.count
    assert {(row["power_import_w"], row["power_export_w"]) for row in rows} == {(0, 50)}


class Cut:
    """A network between gateway and edge that can be cut so that neither side hears of it."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._open = threading.Event()
        self._server: socket.socket | None = None
        self._dead: list[socket.socket] = []
        self.port = 0

    def heal(self) -> None:
        """Lets new connections through; those of before the cut stay dead, and open."""
        self._open = threading.Event()
        self._server = socket.create_server(("127.0.0.1", self.port))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._server, self._open), daemon=True).start()

    def cut(self) -> None:
        """Stops every connection without closing it, and takes no new one."""
        self._open.set()
        assert self._server is not None
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def close(self) -> None:
        for connection in self._dead:
            with suppress(OSError):  # that side has hung up
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self, server: socket.socket, cut: threading.Event) -> None:
        while True:
            try:
                near = server.accept()[0]
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._dead += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, cut), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, cut: threading.Event) -> None:
        try:
            while data := source.recv(65_536):
                if cut.is_set():
                    return
                sink.sendall(data)
            # Nobody hears of a side that hangs up during a cut.
            if not cut.is_set():
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.mark.timeout(90)
def test_a_line_cut_without_a_word(site: Any) -> None:
    """Half-open connections and a closed port in between: the gateway notices by itself and reads on.

    Once the network is back everything arrives, exactly once and in order.
    """
    meter, network, line = enrolled(site), Cut(site.port), Line()
    network.heal()
    about = meter / "identity.json"
    values = json.loads(about.read_text())
    about.write_text(json.dumps({**values, "address": f"127.0.0.1:{network.port}"}))
    count = 0

    def talk(until: Callable[[], bool]) -> None:
        nonlocal count
        deadline_s = time.monotonic() + 60
        while not until():
            assert time.monotonic() < deadline_s
            line.say(p1_telegram(count))
            count += 1
            time.sleep(0.02)

    told: list[str] = []
    with gateway(*P1, "--tcp", line.address, "--as", meter, "--keepalive", 10) as process:
        assert process.stderr is not None
        listener = threading.Thread(target=lambda: told.extend(iter(process.stderr.readline, "")), daemon=True)
        listener.start()
        line.wait()
        talk(lambda: count >= 100)
        network.cut()
        talk(lambda: any("UNREACHABLE" in text for text in told))
        talk(lambda: count % 100 == 99)
        network.heal()
        talk(lambda: any("edge: well again" in text for text in told))
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert process.stdout is not None
        summary = json.loads(process.stdout.read())
    network.close()
    line.close()
    assert (summary["readings"], summary["waiting"], summary["dropped"]) == (count, 0, 0)
    assert site.stop()[0] == 0
    rows = stored(site.folder / "edge")
    assert [row["sequence"] for row in rows] == list(range(1, count + 1))
    assert [row["energy_import_wh"] for row in rows] == [1000 * number for number in range(count)]


def limit_files(process: subprocess.Popen[str], size_bytes: int) -> None:
    """Lets a running process write no file beyond a size, as a quota or a full disk would."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


def test_a_disk_that_fills_up(make_site: Callable[[], Any]) -> None:
    """With the edge away and no room on disk, the meter is read on and the person is told; with room all of it is kept.

    The edge then gets every reading, once.
    """
    site = make_site()
    meter, line = site.identity("meter", "m1"), Line()
    with gateway(*P1, "--tcp", line.address, "--as", meter) as process:
        assert process.stderr is not None
        assert "UNREACHABLE" in process.stderr.readline()
        line.wait()
        line.say(b"".join(p1_telegram(number) for number in range(20)))
        time.sleep(1)
        limit_files(process, 4_096)
        line.say(b"".join(p1_telegram(number) for number in range(20, 500)))
        assert "SPOOL_DISK_FULL" in process.stderr.readline()
        time.sleep(1)
        assert process.poll() is None
        limit_files(process, resource.RLIM_INFINITY)
        line.say(p1_telegram(500))
        assert "well again" in process.stderr.readline()
        summary, _ = ended(process)
    line.close()
    assert (summary["readings"], summary["waiting"], summary["dropped"]) == (501, 501, 0)
    site.start()
    assert run("meter", "enrol", "m1", "--household", "h1", "--as", site.operator).returncode == 0
    done = run("meter", "p1", "--file", "/dev/null", "--as", meter, "--json")
    assert json.loads(done.stdout)["waiting"] == 0, done.stderr
    assert site.stop()[0] == 0
    assert [row["energy_import_wh"] for row in stored(site.folder / "edge")] == [1000 * number for number in range(501)]


def test_a_gateway_that_is_killed_again_and_again(site: Any) -> None:
    """SIGKILL at whatever moment, five times over: what the edge has is in order and there once.

    Each run reads on where its telegrams begin, and no run's telegram that was read is missing between two others.
    """
    meter, line, count = enrolled(site), Line(), 0
    ends = []
    for pause_s in (0.02, 0.31, 0.12, 0.47, 0.23):
        line.hang_up()
        with gateway(*P1, "--tcp", line.address, "--as", meter) as process:
            line.wait()
            line.say(b"".join(p1_telegram(number) for number in range(count, count + 150)))
            time.sleep(pause_s)
            process.kill()
        count += 150
        ends.append(count)
    done = run("meter", "p1", "--file", "/dev/null", "--as", meter, "--json")
    assert json.loads(done.stdout)["waiting"] == 0, done.stderr
    line.close()
    assert site.stop()[0] == 0
    numbers = [row["energy_import_wh"] // 1000 for row in stored(site.folder / "edge")]
    assert numbers == sorted(set(numbers))
    for end in ends:
        of_run = [number for number in numbers if end - 150 <= number < end]
        assert of_run == list(range(end - 150, end - 150 + len(of_run)))
    assert len(numbers) > 150
