"""Where telegrams come from: a file, a serial port, a network socket. Each is an iterator of chunks of bytes.

An empty chunk marks a break in the line: what follows does not continue what came before.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import serialx

from edge.errors import EdgeError, Fault
from edge.gateway.framing import BrokenFrame, TelegramFramer
from edge.gateway.p1 import reading_from_telegram
from edge.gateway.raw import raw_registers
from edge.gateway.rejections import Rejected
from edge.gateway.telegram import TelegramError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from io import FileIO
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from edge.clock import Clock
    from edge.gateway.framing import Frame, Framer
    from edge.gateway.notices import Notices
    from edge_sdk.wire.v1.meter_pb2 import Reading

_CHUNK_BYTES = 65_536
_UNOPENED_ADVICE = "Check its name, that it is plugged in or switched on, and that this user may use it."
_LOST_ADVICE = "Check the cable, the adapter and the meter's P1 port."


class SourceError(EdgeError):
    """A source of telegrams cannot be opened or read."""

    reason = "SOURCE_UNAVAILABLE"
    fault = Fault.METER


@dataclass(frozen=True, slots=True)
class Patience:
    """How a lost line is found again.

    Attributes:
        silence_s_max: a line that says nothing for so long is taken for lost; meters send every 1 or 10 seconds.
        retry_s_first: pause after a line was lost; it doubles with each attempt that fails,
        retry_s_max: up to this.
    """

    silence_s_max: float = 60.0
    retry_s_first: float = 1.0
    retry_s_max: float = 60.0


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How characters stand on a serial line.

    Attributes:
        baud: characters' speed.
        data_bits: 7 or 8.
        parity: N, E or O, as in `9600-7E1`.
    """

    baud: int
    data_bits: int
    parity: str


SERIAL_LINES: Final[Mapping[str, SerialLine]] = {
    "115200-8N1": SerialLine(115_200, 8, "N"),
    "115200-7E1": SerialLine(115_200, 7, "E"),
    "9600-7E1": SerialLine(9_600, 7, "E"),
    "9600-8N1": SerialLine(9_600, 8, "N"),
}
"""What meters use: P1 ports of DSMR 4 and 5 and e-MUCS the first, some of DSMR 4 the second, DSMR 2.2 and 3 the third;
optical heads on meters with SML the last."""


async def file_chunks(path: Path) -> AsyncGenerator[bytes, None]:
    """Yields a file's bytes, then ends; of a pipe, what comes until its other side is closed.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            if not _is_pipe(file):
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    yield chunk
                return
            async with _pipe(file) as reader:
                while chunk := await reader.read(_CHUNK_BYTES):
                    yield chunk
    except OSError as error:
        raise SourceError(f"The file {path} cannot be read: {error.strerror}.") from error


def _is_pipe(file: FileIO) -> bool:
    mode = os.fstat(file.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or file.isatty()


@asynccontextmanager
async def _pipe(file: FileIO) -> AsyncIterator[asyncio.StreamReader]:
    # Waiting for it can be cancelled; a thread that waits for a pipe would keep the process from ending.
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
    try:
        yield reader
    finally:
        transport.close()


def tcp_chunks(
    host: str, port: int, clock: Clock, notices: Notices, patience: Patience | None = None
) -> AsyncGenerator[bytes, None]:
    """Yields what a serial server on the network sends, for ever; connects again when the line is lost, and says so.

    Raises:
        SourceError: the first attempt fails.
    """
    return _line_chunks(lambda: _tcp(host, port), f"{host}:{port}", clock, notices, patience or Patience())


def serial_chunks(
    device: str, line: SerialLine, clock: Clock, notices: Notices, patience: Patience | None = None
) -> AsyncGenerator[bytes, None]:
    """Yields what a serial port receives, for ever; opens it again when it is lost, such as when a plug was pulled.

    Raises:
        SourceError: the first attempt fails.
    """
    return _line_chunks(lambda: _serial(device, line), device, clock, notices, patience or Patience())


async def frames(chunks: AsyncIterator[bytes], framer: Framer) -> AsyncGenerator[Frame, None]:
    """Yields the telegrams of a source and what is broken between them."""
    async for chunk in chunks:
        for frame in framer.feed(chunk) if chunk else framer.finish():
            yield frame
    for frame in framer.finish():
        yield frame


async def readings(
    chunks: AsyncIterator[bytes],
    timezone: ZoneInfo,
    clock: Clock | None,
    on_rejected: Callable[[Rejected], None],
    framer: Framer | None = None,
    *,
    raw: bool = False,
) -> AsyncGenerator[Reading, None]:
    """Yields a reading for each good telegram of a P1 port.

    Args:
        chunks: the source.
        timezone: where the meter hangs.
        clock: dates telegrams that have no time as they arrive; None refuses them, as for a file of old ones.
        on_rejected: is told of what did not become a reading.
        framer: finds the telegrams; one for clear text if left out.
        raw: adds what a reading has no field for, as the meter said it.
    """

    def read(telegram: bytes) -> Reading:
        reading = reading_from_telegram(telegram, timezone, received_ms=None if clock is None else clock.now_ms())
        if raw:
            reading.raw_registers.extend(raw_registers(telegram))
        return reading

    async for reading in decoded(frames(chunks, framer or TelegramFramer()), read, on_rejected):
        yield reading


async def decoded(
    found: AsyncIterator[Frame], read: Callable[[bytes], Reading], on_rejected: Callable[[Rejected], None]
) -> AsyncGenerator[Reading, None]:
    """Yields what `read` makes of each telegram; `on_rejected` is told of the broken ones, and of what it refuses."""
    async for frame in found:
        if isinstance(frame, BrokenFrame):
            on_rejected(Rejected(frame.position_bytes, frame.reason, frame.message))
            continue
        try:
            reading = read(frame.data)
        except TelegramError as error:
            on_rejected(Rejected(frame.position_bytes, error.reason, error.message))
        else:
            yield reading


async def _line_chunks(
    connect: Callable[[], AbstractAsyncContextManager[asyncio.StreamReader]],
    name: str,
    clock: Clock,
    notices: Notices,
    patience: Patience,
) -> AsyncGenerator[bytes, None]:
    connected, failures = False, 0
    while True:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(patience.silence_s_max):
                    reader = await stack.enter_async_context(connect())
                connected = True
                while chunk := await _read(reader, patience.silence_s_max):
                    failures = 0
                    notices.well(name)
                    yield chunk
            error = SourceError("The line was lost: the other side hung up.", advice=_LOST_ADVICE)
        except (OSError, serialx.SerialException) as cause:
            why = f"no word for {patience.silence_s_max:g} s" if isinstance(cause, TimeoutError) else str(cause)
            if not connected:
                raise SourceError(f"{name} cannot be opened: {why}.", advice=_UNOPENED_ADVICE) from cause
            error = SourceError(f"The line was lost: {why}.", advice=_LOST_ADVICE)
        notices.trouble(name, error, "Trying again.")
        yield b""
        pause_s = min(patience.retry_s_max, patience.retry_s_first * 2**failures)
        failures = min(failures + 1, 32)
        await clock.sleep_until(clock.now_ms() + int(pause_s * 1000))


async def _read(reader: asyncio.StreamReader, silence_s_max: float) -> bytes:
    async with asyncio.timeout(silence_s_max):
        return await reader.read(_CHUNK_BYTES)


@asynccontextmanager
async def _tcp(host: str, port: int) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader
    finally:
        writer.close()


@asynccontextmanager
async def _serial(device: str, line: SerialLine) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await serialx.open_serial_connection(
        url=device, baudrate=line.baud, bytesize=line.data_bits, parity=serialx.Parity(line.parity)
    )
    try:
        yield reader
    finally:
        writer.close()
