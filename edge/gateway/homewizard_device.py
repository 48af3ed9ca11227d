"""A HomeWizard device as a source of readings: asked again and again, for as long as it takes."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from edge.gateway.homewizard import reading_from_homewizard
from edge.gateway.http_get import DeviceError, Request, http_get
from edge.gateway.rejections import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from edge.clock import Clock
    from edge.gateway.notices import Notices
    from edge_sdk.wire.v1.meter_pb2 import Reading


def plain_request(host: str, port: int = 80) -> Request:
    """Returns what asks a device of version 1 of the API."""
    return Request(host, port, "/api/v1/data")


def token_request(host: str, token: str, certificates: Path, port: int = 443) -> Request:
    """Returns what asks a device of version 2 of the API.

    Args:
        host: where it is.
        token: what the device gave to whoever pressed its button.
        certificates: PEM of who may vouch for the device, or of its own certificate. The name in a device's
            certificate is its serial number, never its address; so names are not compared.
        port: where it listens.

    Raises:
        OSError: the certificates cannot be read.
    """
    tls = ssl.create_default_context(cafile=str(certificates))
    tls.check_hostname = False
    headers = {"Authorization": f"Bearer {token}", "X-Api-Version": "2"}
    return Request(host, port, "/api/measurement", headers, tls)


async def homewizard_once(
    request: Request, timezone: ZoneInfo, clock: Clock, on_rejected: Callable[[Rejected], None]
) -> AsyncGenerator[Reading, None]:
    """Yields what a device says now; `on_rejected` is told if that is no reading.

    Raises:
        DeviceError: it cannot be reached, cannot be trusted, or does not let the gateway in.
    """
    answer = await http_get(request)
    try:
        yield reading_from_homewizard(answer, timezone, clock.now_ms())
    except DeviceError as error:
        on_rejected(Rejected(0, error.reason, error.message))


async def homewizard_readings(
    request: Request,
    timezone: ZoneInfo,
    clock: Clock,
    notices: Notices,
    on_rejected: Callable[[Rejected], None],
    every_s: int,
) -> AsyncGenerator[Reading, None]:
    """Yields what a device says, for ever, a reading for each time it is asked; says so when it cannot be reached.

    A device that tells the meter's own time is believed: what it repeats with the same time is one measurement. Other
    devices are read at the time of the answer. The same values again are a reading too, for nothing may have changed.

    Args:
        request: how to ask it.
        timezone: where the meter hangs.
        clock: dates the readings, and tells when to ask again.
        notices: is told when the device is away, and when it is back.
        on_rejected: is told of answers that are no readings.
        every_s: from one question to the next.
    """
    name = f"{request.host}:{request.port}"
    newest_ms = 0
    while True:
        asked_ms = clock.now_ms()
        try:
            async for reading in homewizard_once(request, timezone, clock, on_rejected):
                if reading.time_ms != newest_ms:
                    newest_ms = reading.time_ms
                    yield reading
        except DeviceError as error:
            notices.trouble(name, error, "Trying again.")
        else:
            notices.well(name)
        await clock.sleep_until(asked_ms + every_s * 1000)
