"""The kinds of P1 ports, as far as a telegram does not tell by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Variant:
    """What has to be known of a port before its first telegram.

    Attributes:
        line: of `SERIAL_LINES`.
        timezone: whose local time the meter shows.
    """

    line: str
    timezone: str


VARIANTS: Final[Mapping[str, Variant]] = {
    "nl2": Variant("9600-7E1", "Europe/Amsterdam"),
    "nl3": Variant("9600-7E1", "Europe/Amsterdam"),
    "nl4": Variant("115200-8N1", "Europe/Amsterdam"),
    "nl5": Variant("115200-8N1", "Europe/Amsterdam"),
    "be": Variant("115200-8N1", "Europe/Brussels"),
    "lu": Variant("115200-8N1", "Europe/Luxembourg"),
    "se": Variant("115200-8N1", "Europe/Stockholm"),
    "fi": Variant("115200-8N1", "Europe/Helsinki"),
}
"""DSMR 2.2, 3, 4 and 5, e-MUCS of Belgium, Luxembourg, the Swedish and the Finnish port.

Which registers a telegram has, whether it has a checksum and a time, it shows itself: nothing of that is chosen.
"""
