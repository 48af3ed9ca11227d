"""The rule for what a reading may be, applied to a whole batch. What breaks it is refused, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.domain.reading import (
    COUNT_MAX,
    COUNTERS,
    FAILURES,
    OF_PHASE,
    PHASES_MAX,
    POWERS,
    SUB_METERS_MAX,
    TARIFFS,
    ReadingLimits,
    phase_register,
)
from edge.errors import ReadingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.domain.batch import Column, Flags, Integers, RawRegisters, ReadingBatch, SubReadings


def first_ahead(batch: ReadingBatch, limits: ReadingLimits, now_ms: int, *, clock_doubted: bool) -> int | None:
    """Returns the row of the first reading that has to wait for the edge's clock, or None.

    It is from the future, by its own time or a sub-meter's, and by no more than a wrong clock of the edge explains:
    any time if that clock is doubted.
    """
    newest_ms = batch.time_ms
    if batch.sub_readings is not None:
        newest_ms = newest_ms.copy()
        np.maximum.at(newest_ms, batch.sub_readings.row, batch.sub_readings.time_ms)
    ahead = newest_ms > now_ms + limits.future_ms_max
    if not clock_doubted:
        ahead &= newest_ms <= now_ms + limits.ahead_ms_max
    rows = np.flatnonzero(ahead)
    return int(rows[0]) if rows.size else None


def refusals(batch: ReadingBatch, limits: ReadingLimits, now_ms: int, kept_from_ms: int = 0) -> dict[int, ReadingError]:
    """Returns why readings that cannot be true are refused, by row, ascending; of several reasons the first found.

    From the future, too old, negative, or over what a meter can measure; the error names the register. Those from
    before `kept_from_ms` are refused as well, for readings of that time have been removed.
    """
    found = _Found(limits, now_ms)
    found.check_time(batch.time_ms)
    for names, maximum, unit in (
        (COUNTERS, limits.energy_wh_max, "Wh"),
        (POWERS, limits.power_w_max, "W"),
        (FAILURES, COUNT_MAX, "times"),
    ):
        for name in names:
            found.check_range(name, batch.registers.get(name), maximum, unit)
    found.check_tariff(batch.registers.get("tariff"))
    found.check_phases(batch)
    if batch.sub_readings is not None:
        found.check_sub_readings(batch.sub_readings)
    if batch.raw is not None:
        found.check_raw(batch.raw)
    found.note(batch.time_ms < kept_from_ms, lambda _: _day_removed())
    return dict(sorted(found.errors.items()))


class _Found:
    def __init__(self, limits: ReadingLimits, now_ms: int) -> None:
        self._limits = limits
        self._now_ms = now_ms
        self.errors: dict[int, ReadingError] = {}

    def note(self, wrong: Flags, error: Callable[[int], ReadingError], rows: Integers | None = None) -> None:
        """Notes an error for each place where `wrong`; the place is the row, unless `rows` says otherwise."""
        for place in np.flatnonzero(wrong).tolist():
            row = place if rows is None else int(rows[place])
            if row not in self.errors:
                self.errors[row] = error(place)

    def check_time(self, time_ms: Integers) -> None:
        now_ms, limits = self._now_ms, self._limits
        self.note(time_ms > now_ms + limits.future_ms_max, lambda row: _from_future(int(time_ms[row]) - now_ms, limits))
        self.note(time_ms < now_ms - limits.past_ms_max, lambda _: _too_old(limits))

    def check_range(
        self, name: str, column: Column | None, maximum: int, unit: str, rows: Integers | None = None
    ) -> None:
        # What is negative is huge when it is read without its sign. One look at the highest settles it for most.
        if column is None or not column.values.size or column.values.view(np.uint64).max() <= maximum:
            return
        self.note(column.values < 0, lambda _: _negative(name), rows)
        self.note(column.values > maximum, lambda _: _implausible(f"{name} is over {maximum} {unit}."), rows)

    def check_tariff(self, tariff: Column | None) -> None:
        if tariff is None:
            return
        wrong = tariff.has() & ~np.isin(tariff.values, TARIFFS)
        self.note(
            wrong,
            lambda row: ReadingError(
                f"tariff is {int(tariff.values[row])}, neither 1 nor 2.",
                advice="Leave out an indicator that says anything else.",
                reason="READING_IMPLAUSIBLE",
            ),
        )

    def check_phases(self, batch: ReadingBatch) -> None:
        for row in batch.overfull:
            self.errors.setdefault(row, _impossible(f"It has more than {PHASES_MAX} phases."))
        limits = self._limits
        bounds = {
            "power_import_w": (limits.power_w_max, "W"),
            "power_export_w": (limits.power_w_max, "W"),
            "voltage_dv": (limits.voltage_dv_max, "dV"),
            "current_ma": (limits.current_ma_max, "mA"),
        }
        for number in range(1, PHASES_MAX + 1):
            for name in OF_PHASE:
                maximum, unit = bounds.get(name, (COUNT_MAX, "times"))
                self.check_range(f"L{number} {name}", batch.registers.get(phase_register(number, name)), maximum, unit)

    def check_sub_readings(self, sub: SubReadings) -> None:
        counts = np.bincount(sub.row)
        self.note(counts > SUB_METERS_MAX, lambda _: _impossible(f"It has more than {SUB_METERS_MAX} sub-meters."))
        wrong = (sub.channel < 1) | (sub.channel > SUB_METERS_MAX)
        self.note(wrong, lambda at: _impossible(f"M-Bus channel {int(sub.channel[at])} is not 1 to 4."), sub.row)
        self.note(
            sub.time_ms > self._now_ms + self._limits.future_ms_max,
            lambda at: ReadingError(
                f"M-Bus channel {int(sub.channel[at])} is from the future.", reason="READING_FROM_FUTURE"
            ),
            sub.row,
        )
        for channel in np.unique(sub.channel).tolist():
            of_channel = np.flatnonzero(sub.channel == channel)
            rows, name = sub.row[of_channel], f"M-Bus channel {channel}"
            self.check_range(f"{name} volume_l", sub.volume_l.select(of_channel), self._limits.volume_l_max, "L", rows)
            self.check_range(
                f"{name} energy_wh", sub.energy_wh.select(of_channel), self._limits.energy_wh_max, "Wh", rows
            )

    def check_raw(self, raw: RawRegisters) -> None:
        limits = self._limits
        self.note(
            np.bincount(raw.row) > limits.raw_registers_max,
            lambda _: _impossible(f"It has more than {limits.raw_registers_max} raw registers."),
        )
        chars = np.fromiter((sum(map(len, texts)) for texts in raw.texts), np.int64, len(raw.texts))
        self.note(
            chars > limits.raw_chars_max,
            lambda _: _impossible(f"A raw register is longer than {limits.raw_chars_max} characters."),
            raw.row,
        )


def _from_future(ahead_ms: int, limits: ReadingLimits) -> ReadingError:
    return ReadingError(
        f"Its time is {ahead_ms / 1000:.0f} s ahead of the edge's clock, "
        f"more than {limits.future_ms_max / 1000:.0f} s.",
        advice="Set the meter's or the gateway's clock.",
        reason="READING_FROM_FUTURE",
    )


def _too_old(limits: ReadingLimits) -> ReadingError:
    return ReadingError(
        f"It is older than {limits.past_ms_max / 86_400_000:.0f} days.",
        advice="Set the meter's clock, or ask the operator to import old data.",
        reason="READING_TOO_OLD",
    )


def _day_removed() -> ReadingError:
    return ReadingError(
        "The readings of its day were removed, as the operator's retention has it.",
        advice="Send readings in time; the operator can keep them for longer.",
        reason="READING_DAY_REMOVED",
    )


def _negative(name: str) -> ReadingError:
    return ReadingError(
        f"{name} is negative.",
        advice="Meters report what flows each way in registers of its own; check the gateway.",
        reason="READING_NEGATIVE",
    )


def _implausible(message: str) -> ReadingError:
    return ReadingError(
        message,
        advice="Check the gateway's units; the operator can raise the limit in the settings.",
        reason="READING_IMPLAUSIBLE",
    )


def _impossible(message: str) -> ReadingError:
    return ReadingError(message, reason="READING_IMPLAUSIBLE")
