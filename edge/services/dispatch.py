"""Gets actions to households: from the outbox, through channels, until the household confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from edge.channels.channel import Channel
    from edge.channels.inbox import InboxChannel
    from edge.domain.action import Action
    from edge.metrics import Metrics
    from edge.settings import ActionsSection
    from edge.store.store import Store


class Dispatch:
    """The outbox's readers. Delivery is at least once; `action_id` tells a repetition."""

    def __init__(
        self, store: Store, inbox: InboxChannel, others: Sequence[Channel], settings: ActionsSection, metrics: Metrics
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._channels: tuple[Channel, ...] = (inbox, *others)
        self._settings = settings
        self._metrics = metrics

    def notify(self, household_ids: Iterable[str]) -> None:
        """Tells every channel that actions wait for these households."""
        households = list(household_ids)
        for channel in self._channels:
            channel.notify(households)

    async def follow(
        self, household_id: str, after_cursor: int, *, waiting_only: bool, then_wait: bool
    ) -> AsyncGenerator[Action, None]:
        """Yields a household's actions after a cursor, oldest first, then those that come.

        Args:
            household_id: whose inbox.
            after_cursor: 0 for all.
            waiting_only: leave out what was confirmed before.
            then_wait: go on when nothing more waits, until the caller stops.
        """
        cursor = after_cursor
        with self._inbox.listen(household_id) as something_came:
            while True:
                something_came.clear()
                page = await self._page(household_id, cursor, waiting_only=waiting_only)
                for action in page:
                    yield action
                    cursor = action.cursor
                if page:
                    continue
                if not then_wait:
                    return
                await something_came.wait()

    async def acknowledge(self, household_id: str, action_ids: Sequence[str]) -> int:
        """Notes that a household has received actions; returns how many were not confirmed before."""
        count = await self._store.write(lambda transaction: transaction.actions.acknowledge(household_id, action_ids))
        self._metrics.delivered.inc(count)
        return count

    async def _page(self, household_id: str, cursor: int, *, waiting_only: bool) -> list[Action]:
        limit = self._settings.page_actions_max
        return await self._store.read(
            lambda tables: tables.actions.inbox(household_id, cursor, limit, waiting_only=waiting_only)
        )
