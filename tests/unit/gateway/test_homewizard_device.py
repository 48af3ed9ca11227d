"""A device that answers over real sockets on this machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import SimulatedClock
from edge.gateway.homewizard_device import homewizard_once, homewizard_readings, plain_request, token_request
from edge.gateway.http_get import DeviceError, Request, http_get
from edge.gateway.notices import Notices
from edge.gateway.rejections import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from zoneinfo import ZoneInfo


NOW_MS = 1_790_000_000_000


class Device:
    """Answers each connection with the next of `answers`, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Device]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(answer)
        if not answer.endswith(b"..."):
            writer.close()


def answered(body: bytes, head: str = "HTTP/1.1 200 OK\r\nContent-Type: application/json") -> bytes:
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def values(**numbers: Any) -> bytes:
    return answered(json.dumps(numbers).encode())


def asked(device: Device, **changes: Any) -> Request:
    return Request("127.0.0.1", device.port, "/api/v1/data", **changes)


async def refusal(answer: bytes, **changes: Any) -> DeviceError:
    async with Device(answer).running() as device:
        with pytest.raises(DeviceError) as caught:
            await http_get(asked(device, **changes))
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        answered(b"{}"),
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}...",
    ],
    ids=["length", "until closed", "chunked", "kept open"],
)
async def test_a_document_is_got(answer: bytes) -> None:
    """Whichever way a device ends its answer, the document is whole; it was asked for with a path and its name."""
    async with Device(answer).running() as device:
        assert await http_get(asked(device)) == b"{}"
    assert device.requests[0].startswith("GET /api/v1/data HTTP/1.1\r\nHost: 127.0.0.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Error\r\n\r\n",
        b"HTTP/1.1 ??? Huh\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5_000 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n{}",
    ],
    ids=range(14),
)
async def test_other_answers_are_refused(answer: bytes) -> None:
    """A redirection is not followed, sizes are bounded, and of a cut or strange answer the device is at fault."""
    error = await refusal(answer)
    assert error.reason == "DEVICE_ANSWER_INVALID"
    assert error.fault.value == "meter"


async def test_a_device_that_keeps_others_out_says_what_to_do() -> None:
    """A local API that is switched off, or a token that is not valid, has a reason of its own."""
    for status in ("401 Unauthorized", "403 Forbidden"):
        error = await refusal(f"HTTP/1.1 {status}\r\n\r\n".encode())
        assert error.reason == "DEVICE_DENIED"
        assert "local API" in error.advice


async def test_a_device_that_is_silent_or_drips_is_left() -> None:
    """The time is for all of it: neither silence nor a byte now and then holds the gateway."""
    for answer in (b"...", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{..."):
        error = await refusal(answer, timeout_s_max=0.1)
        assert error.reason == "DEVICE_UNREACHABLE"
        assert "0.1 s" in error.message


async def test_a_device_is_asked_again_and_again(amsterdam: ZoneInfo) -> None:
    """A live source goes on through an absence and through answers that are no readings; it tells each once.

    The same values again are a reading too, at the time of the answer: nothing has changed, and that was measured.
    """
    clock, lines, rejected = SimulatedClock(NOW_MS), list[str](), list[Rejected]()
    device = Device(values(active_power_w=7), values(active_power_w=7), answered(b"<html>"), values(active_power_w=8))
    async with device.running():
        pass
    request = plain_request("127.0.0.1", device.port)
    source = homewizard_readings(request, amsterdam, clock, Notices(lines.append, clock), rejected.append, 10)
    found: dict[int, int] = {}

    async def read() -> None:
        async with aclosing(source) as readings:
            async for reading in readings:
                found[reading.time_ms - NOW_MS] = reading.power_import_w

    reading = asyncio.create_task(read())
    try:
        await asyncio.sleep(0.1)
        clock.advance_to(NOW_MS + 10_000)
        await asyncio.sleep(0.1)
        async with device.running():
            for step in range(2, 6):
                clock.advance_to(NOW_MS + step * 10_000)
                await asyncio.sleep(0.1)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert found == {20_000: 7, 30_000: 7, 50_000: 8}
    assert [piece.reason for piece in rejected] == ["DEVICE_ANSWER_INVALID"]
    assert len(lines) == 2
    assert "DEVICE_UNREACHABLE" in lines[0]
    assert lines[1].endswith("well again.")


def certificates(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A device's own certificate, with its serial number for a name; and the PEM that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "appliance/p1dongle/5c2faf000001")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    pem = folder / "device.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / "device.key"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(*form))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, pem


async def test_version_2_shows_its_token_over_tls(tmp_path: Path, amsterdam: ZoneInfo) -> None:
    """The token goes to the device that the certificates vouch for; what it repeats with one time is stored once."""
    server, pem = certificates(tmp_path / "device")
    first = values(power_w=5, timestamp="2026-11-23T12:00:05")
    device = Device(first, first, values(power_w=6, timestamp="2026-11-23T12:00:06"))
    clock = SimulatedClock(NOW_MS)
    async with device.running(server):
        request = token_request("127.0.0.1", "SECRET", pem, device.port)
        source = homewizard_readings(request, amsterdam, clock, Notices(lambda _: None, clock), lambda _: None, 1)
        found = [(await anext(source)).power_import_w]
        following = asyncio.ensure_future(anext(source))
        while not following.done():
            clock.advance_to(clock.now_ms() + 1_000)
            await asyncio.sleep(0.02)
        found.append(following.result().power_import_w)
        await source.aclose()
    assert found == [5, 6]
    assert len(device.requests) == 3
    assert device.requests[0].startswith("GET /api/measurement ")
    assert "Authorization: Bearer SECRET\r\nX-Api-Version: 2\r\n" in device.requests[0]


async def test_a_token_is_not_shown_to_a_stranger(tmp_path: Path, amsterdam: ZoneInfo) -> None:
    """Whoever sits at the address with another certificate hears nothing."""
    stranger, _ = certificates(tmp_path / "stranger")
    _, pem = certificates(tmp_path / "device")
    async with Device(values(power_w=5)).running(stranger) as device:
        request = token_request("127.0.0.1", "SECRET", pem, device.port)
        with pytest.raises(DeviceError) as caught:
            await anext(homewizard_once(request, amsterdam, SimulatedClock(NOW_MS), lambda _: None))
    assert caught.value.reason == "DEVICE_UNTRUSTED"
    assert device.requests == []
