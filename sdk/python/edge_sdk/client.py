"""What the clients of all roles have in common: one connection, opened and closed with `async with`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from edge_sdk.channel import KEEPALIVE_S, open_channel

if TYPE_CHECKING:
    from types import TracebackType

    import grpc

    from edge_sdk.identity import Identity


class Client:
    """Holds the connection of one identity to its edge.

    Args:
        identity: names the edge and proves who calls.
        keepalive_s: after so long a silence the edge is asked whether it is still there.
    """

    def __init__(self, identity: Identity, *, keepalive_s: int = KEEPALIVE_S) -> None:
        self._identity = identity
        self._keepalive_s = keepalive_s
        self._open_channel: grpc.aio.Channel | None = None

    @property
    def identity(self) -> Identity:
        """Who calls."""
        return self._identity

    @property
    def _channel(self) -> grpc.aio.Channel:
        if self._open_channel is None:
            raise RuntimeError(f"a {type(self).__name__} is used within `async with`")
        return self._open_channel

    async def __aenter__(self) -> Self:
        self._open_channel = open_channel(self._identity, self._keepalive_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open_channel is not None:
            await self._open_channel.close(grace=None)
            self._open_channel = None
