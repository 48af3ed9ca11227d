"""A spool: where a gateway keeps a meter's readings until the edge has them, and what numbers them."""

from __future__ import annotations

import re
from typing import NamedTuple

from edge.errors import InvalidRequestError


class Spool(NamedTuple):
    """Which spool of which meter. Sequences count within one spool; a meter may have had several.

    Attributes:
        meter_id: whose readings.
        spool_id: 32 lower-case hexadecimal digits, made with the spool; "" for a gateway that names none.
    """

    meter_id: str
    spool_id: str


def check_spool_id(spool_id: str) -> str:
    """Returns `spool_id`.

    Raises:
        InvalidRequestError: it is not one.
    """
    if not re.fullmatch(r"(?:[0-9a-f]{32})?", spool_id):
        raise InvalidRequestError(
            "The spool's id is not 32 lower-case hexadecimal digits.",
            advice="Make it at random with the spool and send it unchanged, or send none.",
            reason="SPOOL_ID_INVALID",
        )
    return spool_id
