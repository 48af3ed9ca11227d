from __future__ import annotations

import asyncio
import os
import pty
import termios
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from edge.clock import SimulatedClock
from edge.gateway.notices import Notices
from edge.gateway.sources import (
    SERIAL_LINES,
    Patience,
    SourceError,
    file_chunks,
    readings,
    serial_chunks,
    tcp_chunks,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from edge.gateway.rejections import Rejected
    from edge_sdk.wire.v1.meter_pb2 import Reading

ARRIVAL_MS = 1_790_000_000_000
AT_ONCE = Patience(retry_s_first=0)
LINE = SERIAL_LINES["9600-7E1"]


class Heard(list[str]):
    """Collects notices."""

    def notices(self) -> Notices:
        return Notices(self.append, SimulatedClock(0))


def quiet() -> Notices:
    return Heard().notices()


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(chunks: AsyncIterator[bytes], timezone: ZoneInfo) -> tuple[list[Reading], list[Rejected]]:
    rejected: list[Rejected] = []
    clock = SimulatedClock(ARRIVAL_MS)
    return [reading async for reading in readings(chunks, timezone, clock, rejected.append)], rejected


async def collect(chunks: AsyncGenerator[bytes, None], size_bytes: int) -> bytes:
    """The first bytes of an endless source, an empty chunk shown as `|`."""
    collected = b""
    async with aclosing(chunks) as source:
        async for chunk in source:
            collected += chunk or b"|"
            if len(collected) >= size_bytes:
                break
    return collected


async def test_telegrams_become_readings(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Good telegrams become readings; broken ones are told apart by place and reason, and cost nothing else."""
    good, damaged = telegrams.dsmr5(), telegrams.dsmr4().replace(b"000765.432", b"000765.433")
    found, rejected = await read(chunked(good[:50], good[50:] + damaged, good + good[:20]), amsterdam)
    assert [reading.power_import_w for reading in found] == [378, 378]
    assert [(piece.position_bytes, piece.reason) for piece in rejected] == [
        (len(good), "TELEGRAM_CRC"),
        (2 * len(good) + len(damaged), "TELEGRAM_CUT"),
    ]
    assert all(piece.message for piece in rejected)


async def test_arrival_dates_what_has_no_time(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """A telegram without a time gets that of its arrival."""
    found, rejected = await read(chunked(telegrams.dsmr22()), amsterdam)
    assert ([reading.time_ms for reading in found], rejected) == ([ARRIVAL_MS], [])


async def test_break_in_the_line_joins_nothing(telegrams: Any, amsterdam: ZoneInfo) -> None:
    """Halves of two telegrams without checksum, received before and after a break, do not make one."""
    telegram = telegrams.dsmr22()
    found, rejected = await read(chunked(telegram[:200], b"", telegram[200:], telegram), amsterdam)
    assert len(found) == 1
    assert [piece.reason for piece in rejected] == ["TELEGRAM_CUT", "TELEGRAM_CUT"]


async def test_file_is_read_to_its_end(tmp_path: Path) -> None:
    """All bytes of a file come, in order, also of one larger than a chunk."""
    content = os.urandom(200_000)
    (tmp_path / "file").write_bytes(content)
    assert b"".join([chunk async for chunk in file_chunks(tmp_path / "file")]) == content


async def test_missing_sources_are_explained(tmp_path: Path) -> None:
    """A file, port or host that is not there is told at once, by its name."""
    clock = SimulatedClock(0)
    port = await unused_port()
    (tmp_path / "not-a-port").touch()
    sources = {
        "no-file": file_chunks(tmp_path / "no-file"),
        "not-a-port": serial_chunks(str(tmp_path / "not-a-port"), LINE, clock, quiet()),
        "no-device": serial_chunks(str(tmp_path / "no-device"), LINE, clock, quiet()),
        f"127.0.0.1:{port}": tcp_chunks("127.0.0.1", port, clock, quiet()),
    }
    for name, chunks in sources.items():
        with pytest.raises(SourceError, match=name):
            await anext(chunks)


async def unused_port() -> int:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


@pytest.mark.parametrize("line", SERIAL_LINES)
async def test_serial_port_is_read(telegrams: Any, amsterdam: ZoneInfo, line: str) -> None:
    """Telegrams sent through a pseudo-terminal become readings, byte for byte."""
    sender, receiver = pty.openpty()
    stream = telegrams.dsmr5() + telegrams.belgian()
    chunks = serial_chunks(os.ttyname(receiver), SERIAL_LINES[line], SimulatedClock(0), quiet())
    collecting = asyncio.create_task(collect(chunks, len(stream)))
    await opened(receiver)
    os.write(sender, stream)
    received = await collecting
    os.close(receiver)
    os.close(sender)
    assert received == stream
    assert len((await read(chunked(received), amsterdam))[0]) == 2


async def opened(receiver: int) -> None:
    """Returns once the port is read raw: before that, the terminal would translate line ends."""
    while termios.tcgetattr(receiver)[3] & termios.ICANON:  # noqa: ASYNC110 - a terminal tells nobody
        await asyncio.sleep(0.001)


async def test_unplugged_serial_port_is_opened_again(tmp_path: Path) -> None:
    """When the device goes away and another comes back in its place, reading goes on after a break; both are told."""
    port, heard = tmp_path / "port", Heard()
    before, after = pty.openpty(), pty.openpty()
    port.symlink_to(os.ttyname(before[1]))
    async with aclosing(serial_chunks(str(port), LINE, SimulatedClock(0), heard.notices(), AT_ONCE)) as chunks:
        first = asyncio.create_task(anext(chunks))
        await opened(before[1])
        os.write(before[0], b"before")
        assert await first == b"before"
        port.unlink()
        for end in before:
            os.close(end)
        # The adapter is away for a while.
        for _ in range(3):
            assert await anext(chunks) == b""
        port.symlink_to(os.ttyname(after[1]))
        while (second := await open_and_write(chunks, after)) == b"":
            pass
        assert second == b"after"
    for end in after:
        os.close(end)
    lost, found = heard
    assert lost.startswith(f"{port}: The line was lost: ")
    assert "whose: meter, reason: SOURCE_UNAVAILABLE" in lost
    assert found == f"{port}: well again."


async def open_and_write(chunks: AsyncGenerator[bytes, None], ends: tuple[int, int]) -> bytes:
    """The next chunk, which is `after` once the port was opened."""
    reading = asyncio.create_task(anext(chunks))
    waiting = asyncio.create_task(opened(ends[1]))
    await asyncio.wait([reading, waiting], return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        os.write(ends[0], b"after")
    waiting.cancel()
    return await reading


async def test_restarted_serial_server_is_found_again() -> None:
    """When a serial server on the network goes away, attempts go on with growing pauses until it is back."""
    pauses_ms: list[int] = []

    class Watch(SimulatedClock):
        async def sleep_until(self, time_ms: int) -> None:
            pauses_ms.append(time_ms - self.now_ms())
            self.advance_to(time_ms)
            if len(pauses_ms) == 10:
                nonlocal server
                server = await asyncio.start_server(answer, "127.0.0.1", port)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    heard = Heard()
    async with aclosing(tcp_chunks("127.0.0.1", port, Watch(0), heard.notices())) as chunks:
        assert await anext(chunks) == b"here"
        server.close()
        await server.wait_closed()
        found = [await anext(chunks) for _ in range(11)]
    assert found == [b""] * 10 + [b"here"]
    assert pauses_ms == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]
    assert [line.split(": ", 2)[1] for line in heard] == ["The line was lost", "well again."]
    server.close()
    await server.wait_closed()


async def test_line_that_falls_silent_is_opened_again() -> None:
    """A line that says nothing for too long is taken for lost, and the break is marked."""
    calls: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.current_task())
        writer.write(b"call %d" % len(calls))
        if len(calls) > 1:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    patience = Patience(silence_s_max=0.05, retry_s_first=0)
    assert await collect(tcp_chunks("127.0.0.1", port, SimulatedClock(0), quiet(), patience), 20) == (
        b"call 1|call 2|call 3"
    )
    server.close()
    await asyncio.gather(*(call for call in calls if call is not None))


async def test_pipe_is_read_and_can_be_left(tmp_path: Path) -> None:
    """A pipe in place of a file is read as it comes, and waiting for it can be cancelled."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    async with aclosing(file_chunks(pipe)) as chunks:
        os.write(writer, b"some")
        assert await anext(chunks) == b"some"
        waiting = asyncio.create_task(anext(chunks))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    os.close(writer)
