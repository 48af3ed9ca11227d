"""Digests of modules, the way people type and read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge.errors import NotFoundError

if TYPE_CHECKING:
    from edge_sdk.operator import OperatorClient

_FULL = re.compile(r"sha256:[0-9a-f]{64}")


def spelled_out(beginning: str) -> str:
    """Returns a digest, or the beginning of one, with the name of its kind."""
    return beginning if beginning.startswith("sha256:") else f"sha256:{beginning}"


async def full_digest(client: OperatorClient, beginning: str, organization: str) -> str:
    """Returns the digest of the one module that begins like this; a full digest as it is, without asking the edge.

    Args:
        client: the operator's.
        beginning: of a digest.
        organization: whose module; anybody's if empty.

    Raises:
        NotFoundError: no module begins like this, or several do.
    """
    wanted = spelled_out(beginning)
    if _FULL.fullmatch(wanted):
        return wanted
    modules = [item for item in await client.modules() if item.digest.startswith(wanted)]
    found = {item.digest for item in modules if organization in ("", item.organization)}
    if len(found) != 1:
        problem = f"{len(found)} modules begin with" if found else "There is no module that begins with"
        raise NotFoundError(
            f"{problem} {wanted}.", advice="`edge module list` shows all digests.", reason="MODULE_NOT_FOUND"
        )
    return found.pop()
