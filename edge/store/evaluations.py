"""Which slots were evaluated, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """One trigger at one slot. A trigger has at most one run a slot.

    Attributes:
        first_slot_ms: before `slot_ms` where it stands for slots that were missed, from that one on; else None.
    """

    trigger_key: str
    slot_ms: int
    module_digest: str
    evaluations: int
    faults: int
    actions: int
    input_digest: str
    ran_ms: int
    first_slot_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EvaluationTotals:
    """Since the edge was set up."""

    evaluations: int
    faults: int


class EvaluationTable:
    """Reads and writes runs through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def insert(self, run: EvaluationRun) -> None:
        """Adds a run; a second one of the same trigger and slot is refused by the table's key."""
        self._cursor.execute(
            "INSERT INTO state.evaluations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run.trigger_key,
                run.slot_ms,
                run.module_digest,
                run.evaluations,
                run.faults,
                run.actions,
                run.input_digest,
                run.ran_ms,
                run.slot_ms if run.first_slot_ms is None else run.first_slot_ms,
            ],
        )

    def get(self, trigger_key: str, slot_ms: int) -> EvaluationRun | None:
        """Returns the run of a trigger at a slot, or the one that stands for missed slots up to it, or None."""
        row = self._cursor.execute(
            "SELECT trigger_key, slot_ms, digest, evaluations, faults, actions, input_digest, ran_ms, first_slot_ms"
            " FROM state.evaluations WHERE trigger_key = ? AND slot_ms = ?",
            [trigger_key, slot_ms],
        ).fetchone()
        return EvaluationRun(*row) if row else None

    def newest_slots(self, until_ms: int = 2**63 - 1) -> dict[str, int]:
        """Returns the newest slot, up to a time if one is given, that each trigger was evaluated at, by its key."""
        rows = self._cursor.execute(
            "SELECT trigger_key, max(slot_ms) FROM state.evaluations WHERE slot_ms <= ? GROUP BY trigger_key",
            [until_ms],
        ).fetchall()
        return dict(rows)

    def settled_after(self, time_ms: int) -> dict[str, list[tuple[int, int]]]:
        """Returns, by trigger key, first and last of the slots after a time that were run or missed already.

        There are some where the clock was ahead once.
        """
        rows = self._cursor.execute(
            "SELECT trigger_key, list((first_slot_ms, slot_ms) ORDER BY slot_ms) FROM state.evaluations"
            " WHERE slot_ms > ? GROUP BY trigger_key",
            [time_ms],
        ).fetchall()
        return dict(rows)

    def evaluated_at(self, trigger_key: str, slot_ms: int) -> bool:
        """Whether a trigger was evaluated at a slot, for however many households; not where it missed or sat it out."""
        row = self._cursor.execute(
            "SELECT 1 FROM state.evaluations WHERE trigger_key = ? AND slot_ms = ? AND input_digest <> ''",
            [trigger_key, slot_ms],
        ).fetchone()
        return row is not None

    def newest_ran_ms(self) -> int:
        """Returns when the newest run was, by the edge's clock, unix ms; 0 if there was none."""
        row = self._cursor.execute("SELECT coalesce(max(ran_ms), 0) FROM state.evaluations").fetchone()
        return int(row[0]) if row else 0

    def totals(self) -> EvaluationTotals:
        """Returns how many evaluations and faults there were."""
        row = self._cursor.execute(
            "SELECT coalesce(sum(evaluations), 0), coalesce(sum(faults), 0) FROM state.evaluations"
        ).fetchone()
        return EvaluationTotals(int(row[0]), int(row[1])) if row else EvaluationTotals(0, 0)
