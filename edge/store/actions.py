"""The outbox: actions on their way to households, and afterwards their history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import TypeAdapter

from edge.domain.action import Action, ActionState, Cause
from edge.domain.slot import DAY_MS
from edge_sdk.manifest import Action as DeclaredAction

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import duckdb

    from edge.domain.consent import Terms

_DECLARED: TypeAdapter[DeclaredAction] = TypeAdapter(DeclaredAction)
_CAUSE = ("organization", "service", "purpose", "trigger", "module_version", "module_digest", "consent_id", "slot_ms")
_COLUMNS = (
    "cursor, action_id, household_id, trigger_key, declared, organization, service, purpose, trigger, module_version,"
    " module_digest, consent_id, slot_ms, created_ms, expires_ms, state"
)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many actions of a trigger a household will not get."""

    household_id: str
    trigger_key: str
    actions: int


class ActionTable:
    """Reads and writes actions through one cursor."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def insert(self, actions: Sequence[Action]) -> None:
        """Adds actions, numbering their cursors on from the newest."""
        row = self._cursor.execute("SELECT coalesce(max(cursor), 0) FROM state.actions").fetchone()
        first = (row[0] if row else 0) + 1
        columns: dict[str, list[object]] = {
            "cursor": list(range(first, first + len(actions))),
            "action_id": [action.action_id for action in actions],
            "household_id": [action.household_id for action in actions],
            "trigger_key": [action.trigger_key for action in actions],
            "declared": [action.declared.model_dump_json(exclude_none=True) for action in actions],
            "created_ms": [action.created_ms for action in actions],
            "expires_ms": [action.expires_ms for action in actions],
            "state": [action.state.value for action in actions],
        }
        for name in _CAUSE:
            columns[name] = [getattr(action.cause, name) for action in actions]
        self._cursor.register("incoming", pa.table(columns))
        self._cursor.execute("INSERT INTO state.actions BY NAME SELECT * FROM incoming")
        self._cursor.unregister("incoming")

    def inbox(self, household_id: str, after_cursor: int, limit: int, *, waiting_only: bool) -> list[Action]:
        """Returns a household's actions after a cursor, oldest first; cancelled ones were never theirs to see."""
        states = (
            [ActionState.WAITING.value] if waiting_only else [ActionState.WAITING.value, ActionState.DELIVERED.value]
        )
        return self._select(
            "WHERE household_id = ? AND cursor > ? AND state IN (SELECT unnest(?)) ORDER BY cursor LIMIT ?",
            [household_id, after_cursor, states, limit],
        )

    def acknowledge(self, household_id: str, action_ids: Sequence[str]) -> int:
        """Marks waiting actions of a household as delivered; returns how many."""
        row = self._cursor.execute(
            "UPDATE state.actions SET state = ?"
            " WHERE household_id = ? AND state = ? AND action_id IN (SELECT unnest(?))",
            [ActionState.DELIVERED.value, household_id, ActionState.WAITING.value, list(action_ids)],
        ).fetchone()
        return row[0] if row else 0

    def cancel(self, household_id: str, terms: Terms, keep_modules: Collection[str] = ()) -> int:
        """Cancels what waits for a household of the organization, service and purpose of `terms`; returns how many.

        Args:
            household_id: whose.
            terms: of what.
            keep_modules: digests of modules whose actions go on waiting.
        """
        row = self._cursor.execute(
            "UPDATE state.actions SET state = ?"
            " WHERE household_id = ? AND organization = ? AND service = ? AND purpose = ? AND state = ?"
            " AND module_digest NOT IN (SELECT unnest(?))",
            [
                ActionState.CANCELLED.value,
                household_id,
                *terms.identity,
                ActionState.WAITING.value,
                list(keep_modules),
            ],
        ).fetchone()
        return row[0] if row else 0

    def cancel_of_module(self, digest: str, organization: str | None = None) -> list[Cancelled]:
        """Cancels what waits of a module, one organization's or everybody's; returns for whom."""
        return self._cancel("module_digest = ? AND organization = coalesce(?, organization)", [digest, organization])

    def waiting_modules(self) -> list[tuple[str, str]]:
        """Returns the organization and digest of every module of which actions wait."""
        return self._cursor.execute(
            "SELECT DISTINCT organization, module_digest FROM state.actions WHERE state = ? ORDER BY ALL",
            [ActionState.WAITING.value],
        ).fetchall()

    def cancel_of_organization(self, organization: str) -> list[Cancelled]:
        """Cancels everything of an organization that waits; returns for whom."""
        return self._cancel("organization = ?", [organization])

    def cancel_of_triggers(self, trigger_keys: Collection[str]) -> list[Cancelled]:
        """Cancels what waits of triggers, whatever their version; returns for whom."""
        return self._cancel("trigger_key IN (SELECT unnest(?))", [list(trigger_keys)])

    def _cancel(self, condition: str, parameters: list[object]) -> list[Cancelled]:
        rows = self._cursor.execute(
            f"UPDATE state.actions SET state = ? WHERE state = ? AND {condition} RETURNING household_id, trigger_key",
            [ActionState.CANCELLED.value, ActionState.WAITING.value, *parameters],
        ).fetchall()
        return [Cancelled(household, key, actions) for (household, key), actions in sorted(Counter(rows).items())]

    def count_by_household(self, trigger_key: str, day: int) -> dict[str, int]:
        """Returns how many actions a trigger made per household at the slots of a UTC day, cancelled ones included."""
        rows = self._cursor.execute(
            "SELECT household_id, count(*) FROM state.actions WHERE trigger_key = ? AND slot_ms >= ? AND slot_ms < ?"
            " GROUP BY household_id",
            [trigger_key, day * DAY_MS, (day + 1) * DAY_MS],
        ).fetchall()
        return dict(rows)

    def made_at(self, trigger_key: str, slot_ms: int) -> dict[str, str]:
        """Returns the name of the action that a trigger made for each household at a slot, by household."""
        rows = self._cursor.execute(
            "SELECT household_id, declared FROM state.actions WHERE trigger_key = ? AND slot_ms = ?",
            [trigger_key, slot_ms],
        ).fetchall()
        return {household: _DECLARED.validate_json(declared).name for household, declared in rows}

    def totals(self) -> tuple[int, int]:
        """Returns how many actions there were, and how many of them were delivered."""
        row = self._cursor.execute(
            "SELECT count(*), count(*) FILTER (state = ?) FROM state.actions", [ActionState.DELIVERED.value]
        ).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def _select(self, tail: str, parameters: list[object]) -> list[Action]:
        rows = self._cursor.execute(
            f"SELECT {_COLUMNS} FROM state.actions {tail}",
            parameters,
        ).fetchall()
        return [
            Action(
                cursor=row[0],
                action_id=row[1],
                household_id=row[2],
                trigger_key=row[3],
                declared=_DECLARED.validate_json(row[4]),
                cause=Cause(*row[5:13]),
                created_ms=row[13],
                expires_ms=row[14],
                state=ActionState(row[15]),
            )
            for row in rows
        ]
