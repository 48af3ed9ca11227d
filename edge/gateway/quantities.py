"""What meters measure, in the units of a reading: factors from each unit that meters use, and which way power flows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from edge_sdk.wire.v1.meter_pb2 import Phase, Reading

Factors: TypeAlias = Mapping[str | None, Decimal]
"""What to multiply a value in the meter's unit with, to have it in the unit of the field."""

ENERGY_WH: Final[Factors] = {"kWh": Decimal(1000), "Wh": Decimal(1), "MWh": Decimal(1_000_000)}
POWER_W: Final[Factors] = {"kW": Decimal(1000), "W": Decimal(1)}
VOLTAGE_DV: Final[Factors] = {"V": Decimal(10), "dV": Decimal(1)}
CURRENT_MA: Final[Factors] = {"A": Decimal(1000), "mA": Decimal(1)}
VOLUME_L: Final[Factors] = {"m3": Decimal(1000), "dm3": Decimal(1), "l": Decimal(1)}
HEAT_WH: Final[Factors] = {**ENERGY_WH, "GJ": Decimal(10**9) / 3600, "MJ": Decimal(10**6) / 3600}
COUNT: Final[Factors] = {None: Decimal(1)}

_MAGNITUDE_MAX = 14


def integer(value: Decimal, factor: Decimal) -> int:
    """Returns a value in a reading's unit, rounded to an integer, half to even.

    Raises:
        ValueError: no meter can count to it.
    """
    # Also keeps `1E999999999`, which is a number to Decimal, from being written out.
    if not value.is_finite() or value.adjusted() > _MAGNITUDE_MAX:
        raise ValueError("a value that no meter can count to")
    return int((value * factor).to_integral_value(rounding=ROUND_HALF_EVEN))


def set_net_power(message: Reading | Phase, net_w: int) -> None:
    """Sets import and export from what a meter has in one register: positive is import, negative export."""
    message.power_import_w = max(net_w, 0)
    message.power_export_w = max(-net_w, 0)
