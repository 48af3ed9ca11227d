"""What a plausible reading stays within, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.reading import ReadingLimits

if TYPE_CHECKING:
    from edge.settings import IngestSection


def reading_limits(settings: IngestSection) -> ReadingLimits:
    """Returns the limits in the units that readings have."""
    return ReadingLimits(
        future_ms_max=settings.future_s_max * 1000,
        ahead_ms_max=settings.ahead_s_max * 1000,
        past_ms_max=settings.past_days_max * 86_400_000,
        power_w_max=settings.power_w_max,
        energy_wh_max=settings.energy_wh_max,
        voltage_dv_max=settings.voltage_dv_max,
        current_ma_max=settings.current_ma_max,
        volume_l_max=settings.volume_l_max,
        raw_registers_max=settings.raw_registers_max,
        raw_chars_max=settings.raw_chars_max,
    )
