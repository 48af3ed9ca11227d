"""Where telegrams come from: a file, a serial port, a network socket. Each is an iterator of chunks of bytes.

An empty chunk marks a break in the line: what follows does not continue what came before.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import serialx

from edge.errors import EdgeError, Fault
from edge.gateway.framing import BrokenFrame, TelegramFramer
from edge.gateway.p1 import TelegramError, reading_from_telegram

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from edge.clock import Clock
    from edge.gateway.framing import Frame
    from edge_sdk.wire.v1.meter_pb2 import Reading

_CHUNK_BYTES = 65_536


class SourceError(EdgeError):
    """A source of telegrams cannot be opened or read."""

    reason = "SOURCE_UNAVAILABLE"
    fault = Fault.METER


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of a source that did not become a reading.

    Attributes:
        position_bytes: where it began, counted from the start of the source.
        reason: from the error catalogue, such as TELEGRAM_CRC.
        message: what is wrong, for a person.
    """

    position_bytes: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How a lost line is found again.

    Attributes:
        silence_s_max: a line that says nothing for so long is taken for lost; meters send every 1 or 10 seconds.
        retry_s: pause between attempts.
    """

    silence_s_max: float = 60.0
    retry_s: float = 5.0


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How characters stand on a serial line. Default: DSMR 5. DSMR 4 has 7 bits, parity E; 2.2 and 3 also 9600 baud."""

    baud: int = 115_200
    data_bits: int = 8
    parity: str = "N"


async def file_chunks(path: Path) -> AsyncGenerator[bytes, None]:
    """Yields a file's bytes, then ends.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise SourceError(f"The file {path} cannot be read: {error.strerror}.") from error


def tcp_chunks(host: str, port: int, clock: Clock, patience: Patience | None = None) -> AsyncGenerator[bytes, None]:
    """Yields what a serial server on the network sends, for ever; connects again when the line is lost.

    Raises:
        SourceError: the first attempt fails.
    """
    return _line_chunks(lambda: _tcp(host, port), f"{host}:{port}", clock, patience or Patience())


def serial_chunks(
    device: str, clock: Clock, line: SerialLine | None = None, patience: Patience | None = None
) -> AsyncGenerator[bytes, None]:
    """Yields what a serial port receives, for ever; opens it again when it is lost, such as when a plug was pulled.

    Raises:
        SourceError: the first attempt fails.
    """
    return _line_chunks(lambda: _serial(device, line or SerialLine()), device, clock, patience or Patience())


async def frames(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Frame, None]:
    """Yields the telegrams of a source and what is broken between them."""
    framer = TelegramFramer()
    async for chunk in chunks:
        for frame in framer.feed(chunk) if chunk else framer.finish():
            yield frame
    for frame in framer.finish():
        yield frame


async def readings(
    chunks: AsyncIterator[bytes], timezone: ZoneInfo, clock: Clock | None, on_rejected: Callable[[Rejected], None]
) -> AsyncGenerator[Reading, None]:
    """Yields a reading for each good telegram of a source.

    Args:
        chunks: the source.
        timezone: where the meter hangs.
        clock: dates telegrams that have no time as they arrive; None refuses them, as for a file of old ones.
        on_rejected: is told of what did not become a reading.
    """
    async for frame in frames(chunks):
        if isinstance(frame, BrokenFrame):
            on_rejected(Rejected(frame.position_bytes, frame.reason, frame.message))
            continue
        received_ms = None if clock is None else clock.now_ms()
        try:
            reading = reading_from_telegram(frame.data, timezone, received_ms=received_ms)
        except TelegramError as error:
            on_rejected(Rejected(frame.position_bytes, error.reason, error.message))
        else:
            yield reading


async def _line_chunks(
    connect: Callable[[], AbstractAsyncContextManager[asyncio.StreamReader]],
    name: str,
    clock: Clock,
    patience: Patience,
) -> AsyncGenerator[bytes, None]:
    connected = False
    while True:
        try:
            async with connect() as reader:
                connected = True
                while chunk := await _read(reader, patience.silence_s_max):
                    yield chunk
        except (OSError, serialx.SerialException) as error:
            if not connected:
                advice = "Check its name, that it is plugged in or switched on, and that this user may use it."
                raise SourceError(f"{name} cannot be opened: {error}.", advice=advice) from error
        yield b""
        await clock.sleep_until(clock.now_ms() + int(patience.retry_s * 1000))


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
