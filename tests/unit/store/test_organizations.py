from __future__ import annotations

from typing import TYPE_CHECKING

from edge.store.organizations import Suspension

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.store.store import Store


async def test_suspended_and_resumed(open_store: Callable[[], Store]) -> None:
    """A suspended organization is suspended after a restart, for the last reason given, until it is resumed."""
    store = open_store()
    for reason in ("first", "second"):
        await store.write(lambda tables, r=reason: tables.organizations.suspend("sunny", Suspension(r, 5)))  # type: ignore[misc]
    await store.write(lambda tables: tables.organizations.suspend("shady", Suspension("", 6)))
    store.close()
    store = open_store()
    await store.write(lambda tables: tables.organizations.resume("shady"))
    assert store.read_now(lambda tables: tables.organizations.suspended()) == {"sunny": Suspension("second", 5)}
    store.close()
