"""A meter that exists only as numbers: net power in, readings out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from edge_sdk.wire.v1.meter_pb2 import Phase, Reading

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

_VOLTAGE_DV = 2_300
# How much the power of one home bends the voltage at its connection.
_W_PER_DV = 500
_LOW_TARIFF, _NORMAL_TARIFF = 1, 2
_QUARTER_MS = 900_000
_WS_PER_WH = 3_600


class MeterModel:
    """A Dutch single-phase meter with two tariffs. Counts exactly: no energy is lost or gained by rounding.

    Args:
        timezone: decides the tariff: low from 23 to 7 and at weekends.
        energy_offset_wh: what each of its two import counters shows at first; the export counters show 0.
    """

    def __init__(self, timezone: ZoneInfo, energy_offset_wh: int = 0) -> None:
        self._timezone = timezone
        # Import T1, import T2, export T1, export T2. Watt-seconds, so that every step is a whole number of them.
        offset_ws = energy_offset_wh * _WS_PER_WH
        self._counters_ws = np.array([offset_ws, offset_ws, 0, 0], dtype=np.int64)

    def readings(self, start_ms: int, power_w: NDArray[np.int64], step_s: int) -> list[Reading]:
        """Returns a reading at the start of each step: the power from then on, the energy until then.

        Args:
            start_ms: when the first step begins, unix ms UTC. Steps go on where those of the last call ended.
            power_w: net power of each step; positive is import.
            step_s: length of a step.
        """
        if not power_w.size:
            return []
        times_ms = range(start_ms, start_ms + power_w.size * step_s * 1000, step_s * 1000)
        tariffs = self._tariffs(times_ms)
        counters_wh = (self._count(power_w * step_s, np.array(tariffs)) // _WS_PER_WH).tolist()
        rows = zip(times_ms, power_w.tolist(), tariffs, counters_wh, strict=True)
        return [_reading(time_ms, net_w, tariff, counters) for time_ms, net_w, tariff, counters in rows]

    def _count(self, net_ws: NDArray[np.int64], tariffs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Adds up the steps and returns the four counters at the start of each, shape (steps, 4)."""
        flows = (np.maximum(net_ws, 0), np.maximum(-net_ws, 0))
        steps_ws = [np.where(tariffs == tariff, flow, 0) for flow in flows for tariff in (_LOW_TARIFF, _NORMAL_TARIFF)]
        totals = self._counters_ws + np.cumsum(np.stack(steps_ws, axis=1), axis=0)
        before = np.concatenate([self._counters_ws[np.newaxis], totals[:-1]])
        self._counters_ws = totals[-1]
        return before

    def _tariffs(self, times_ms: range) -> list[int]:
        by_quarter: dict[int, int] = {}
        tariffs = []
        for time_ms in times_ms:
            quarter = time_ms // _QUARTER_MS
            tariff = by_quarter.get(quarter)
            if tariff is None:
                tariff = by_quarter[quarter] = _tariff(datetime.fromtimestamp(time_ms / 1000, self._timezone))
            tariffs.append(tariff)
        return tariffs


def _tariff(local: datetime) -> int:
    weekend = local.weekday() >= 5
    return _LOW_TARIFF if weekend or local.hour >= 23 or local.hour < 7 else _NORMAL_TARIFF


def _reading(time_ms: int, net_w: int, tariff: int, counters_wh: list[int]) -> Reading:
    import_t1_wh, import_t2_wh, export_t1_wh, export_t2_wh = counters_wh
    voltage_dv = _VOLTAGE_DV - net_w // _W_PER_DV
    return Reading(
        time_ms=time_ms,
        energy_import_t1_wh=import_t1_wh,
        energy_import_t2_wh=import_t2_wh,
        energy_export_t1_wh=export_t1_wh,
        energy_export_t2_wh=export_t2_wh,
        tariff=tariff,
        power_import_w=max(net_w, 0),
        power_export_w=max(-net_w, 0),
        phases=[Phase(voltage_dv=voltage_dv, current_ma=abs(net_w) * 10_000 // voltage_dv)],
    )
