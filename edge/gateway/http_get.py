"""Gets one small document from a device in the home: bounded in time and size, and from nowhere but there."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from edge.errors import EdgeError, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_HEAD_BYTES_MAX = 16_384


class DeviceError(EdgeError):
    """A device does not answer, or not with what was asked for."""

    reason = "DEVICE_UNREACHABLE"
    fault = Fault.METER
    default_advice = "Check its address, that it has power, and that it is on this network."

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason or type(self).reason


@dataclass(frozen=True, slots=True)
class Request:
    """What to get, and from where.

    Attributes:
        tls: with it the request goes over TLS; the device's certificate has to hold by it.
        timeout_s_max: for all of it, from connecting to the last byte.
        size_bytes_max: of the document.
    """

    host: str
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    timeout_s_max: float = 5.0
    size_bytes_max: int = 65_536


async def http_get(request: Request) -> bytes:
    """Returns the document. A redirection is not followed: a meter has no reason to send anyone elsewhere.

    Raises:
        DeviceError: `DEVICE_UNREACHABLE`, `DEVICE_UNTRUSTED`, `DEVICE_DENIED` or `DEVICE_ANSWER_INVALID`.
    """
    name = f"{request.host}:{request.port}"
    try:
        async with asyncio.timeout(request.timeout_s_max), _connected(request) as (reader, writer):
            writer.write(_head(request))
            await writer.drain()
            headers = await _answer_head(reader, name)
            return await _body(reader, headers, request.size_bytes_max)
    except TimeoutError as error:
        raise DeviceError(f"{name} has not answered within {request.timeout_s_max:g} s.") from error
    except ssl.SSLCertVerificationError as error:
        raise DeviceError(
            f"{name} shows a certificate that nobody known vouches for: {error.verify_message}.",
            reason="DEVICE_UNTRUSTED",
            advice="Check that it is the meter's address; give the maker's certificates, or the device's own, as --ca.",
        ) from error
    except OSError as error:
        raise DeviceError(f"{name} cannot be reached: {error.strerror or error}.") from error
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, http.client.HTTPException, ValueError) as error:
        raise _invalid(f"{name} does not answer as a web server does, or hung up.") from error


@asynccontextmanager
async def _connected(request: Request) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        request.host,
        request.port,
        ssl=request.tls,
        server_hostname=request.host if request.tls else None,
        limit=_HEAD_BYTES_MAX,
    )
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await asyncio.wait_for(writer.wait_closed(), 1)


def _head(request: Request) -> bytes:
    headers = {"Host": request.host, "Accept": "application/json", "Connection": "close", **request.headers}
    lines = [f"GET {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii")


async def _answer_head(reader: asyncio.StreamReader, name: str) -> http.client.HTTPMessage:
    status_line, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
    version, _, after = status_line.decode("ascii", errors="replace").partition(" ")
    status = after[:3]
    if not version.startswith("HTTP/1.") or not status.isdecimal():
        raise http.client.BadStatusLine(version)
    if status in ("401", "403"):
        raise DeviceError(
            f"{name} does not let this gateway in (HTTP {status}).",
            reason="DEVICE_DENIED",
            advice="Switch on the device's local API in its app; with --token-file, get a new token.",
        )
    if status != "200":
        raise _invalid(f"{name} answers with HTTP {status} instead of a reading.")
    return http.client.parse_headers(BytesIO(rest))


async def _body(reader: asyncio.StreamReader, headers: http.client.HTTPMessage, size_bytes_max: int) -> bytes:
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return await _chunks(reader, size_bytes_max)
    announced = headers.get("Content-Length")
    if announced is None:
        body = await reader.read(size_bytes_max + 1)
        while (more := await reader.read(size_bytes_max + 1)) and len(body) <= size_bytes_max:
            body += more
        _check_size(len(body), size_bytes_max)
        return body
    _check_size(int(announced), size_bytes_max)
    return await reader.readexactly(int(announced))


async def _chunks(reader: asyncio.StreamReader, size_bytes_max: int) -> bytes:
    body = b""
    while size_bytes := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        _check_size(len(body) + size_bytes, size_bytes_max)
        body += (await reader.readexactly(size_bytes + 2))[:-2]
    return body


def _check_size(size_bytes: int, size_bytes_max: int) -> None:
    if not 0 <= size_bytes <= size_bytes_max:
        raise _invalid(f"The device's answer has {size_bytes} bytes; a reading has at most {size_bytes_max}.")


def _invalid(message: str) -> DeviceError:
    return DeviceError(
        message,
        reason="DEVICE_ANSWER_INVALID",
        advice="Check that the address is the meter's and not another device's; bring the meter's firmware up to date.",
    )
