"""What the operator signs, away from the edge: policies, approvals and revocations."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.domain.approval import Approval, Mode
from edge.domain.document import EVERY_EDGE
from edge.domain.policy import Policy
from edge.domain.revocations import Revocations
from edge.domain.slot import DAY_MS
from edge.errors import DocumentError, SignatureError
from edge.trust.documents import open_document
from edge_sdk.text import problems_of

if TYPE_CHECKING:
    from edge_sdk.envelope import VerifyKey

_GIVEN_BY_SIGNING = {"version", "not_before_ms", "not_after_ms"}


def policy_from_toml(text: str, *, version: int, now_ms: int) -> Policy:
    """Reads `policy.toml`: `valid_days`, `organizations`, a table for each tier, and `edges` if not all are meant.

    Raises:
        DocumentError: not TOML, or not a valid policy; names the field.
    """
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"The policy is not valid TOML: {error}.", advice="Correct the file.") from error
    days = table.pop("valid_days", None)
    if type(days) is not int or not 1 <= days <= 3_650:
        raise DocumentError("valid_days is missing, or not a number of days from 1 to 3650.", advice="Set it.")
    if given := sorted(table.keys() & _GIVEN_BY_SIGNING):
        raise DocumentError(f"The policy sets {', '.join(given)}, which signing does.", advice="Leave it out.")
    try:
        return Policy.model_validate(
            {"version": version, "not_before_ms": now_ms, "not_after_ms": now_ms + days * DAY_MS, **table}
        )
    except ValidationError as error:
        raise DocumentError(
            f"The policy is not valid: {problems_of(error, 'policy')}.", advice="Correct the file."
        ) from error


def policy_to_toml(policy: Policy) -> str:
    """Writes a policy the way `policy_from_toml` reads it."""
    days = (policy.not_after_ms - policy.not_before_ms) // DAY_MS
    edges = [] if policy.edges == (EVERY_EDGE,) else [f"edges = {_strings(list(policy.edges))}"]
    lines = [f"valid_days = {days}", *edges, "", "# Which organization is in which tier.", "[organizations]"]
    lines += [f'"{name}" = "{tier}"' for name, tier in sorted(policy.organizations.items())] or [
        '# "sunny" = "supplier"'
    ]
    for name, tier in policy.tiers.items():
        lines += ["", f"[tiers.{name}]"]
        for key, value in tier.model_dump(mode="json").items():
            lines.append(f"{key} = {value}" if isinstance(value, int) else f"{key} = {_strings(value)}")
    return "\n".join(lines) + "\n"


def policy_shown(envelope_json: bytes | None, operator_key: VerifyKey) -> Policy | None:
    """Returns the policy that an edge showed, once it is found to be the operator's; None if it showed none.

    Raises:
        SignatureError: it is not signed by this key.
        DocumentError: it is another kind of document.
    """
    if not envelope_json:
        return None
    try:
        document = open_document(envelope_json, operator_key)
    except SignatureError as error:
        raise SignatureError(
            f"The policy that the edge shows is not signed by the root key {operator_key.key_id}.",
            advice="Give this edge's own root key with --key. If that is it, sign nothing: examine the edge.",
        ) from error
    if not isinstance(document, Policy):
        raise DocumentError(
            "The edge showed another kind of document as its policy.", advice="Sign nothing: examine the edge."
        )
    return document


def _strings(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def approval(
    *,
    organization: str,
    trigger: str,
    module_digest: str,
    report_digest: str,
    policy: Policy,
    version: int,
    now_ms: int,
    days: int,
    fuel_max: int | None,
    edges: tuple[str, ...] = (EVERY_EDGE,),
    mode: Mode = Mode.ACTIVE,
) -> Approval:
    """Returns a grant for one module on these edges, under the tier that the policy gives the organization.

    Raises:
        PermissionDeniedError: the policy does not name the organization.
    """
    tier_name, tier = policy.tier_of(organization)
    return Approval(
        version=version,
        edges=edges,
        not_before_ms=now_ms,
        not_after_ms=now_ms + days * DAY_MS,
        organization=organization,
        trigger=trigger,
        module_digest=module_digest,
        report_digest=report_digest,
        tier=tier_name,
        fuel_max=tier.fuel_max if fuel_max is None else fuel_max,
        mode=mode,
    )


def revocations_after(
    envelope_json: bytes | None,
    operator_key: VerifyKey,
    *,
    certificates: tuple[str, ...] = (),
    modules: tuple[str, ...] = (),
    now_ms: int,
    edges: tuple[str, ...] = (EVERY_EDGE,),
) -> Revocations:
    """Returns the next version of the list: all that was revoked before, and this.

    Raises:
        SignatureError: the list that the edge showed is not the operator's own.
    """
    before = open_document(envelope_json, operator_key) if envelope_json else None
    if before is not None and not isinstance(before, Revocations):
        raise DocumentError("The edge showed another kind of document as its revocations.")
    return Revocations(
        version=before.version + 1 if before else 1,
        edges=edges,
        not_before_ms=now_ms,
        not_after_ms=now_ms + 3_650 * DAY_MS,
        certificates=tuple(sorted({*(before.certificates if before else ()), *certificates})),
        modules=tuple(sorted({*(before.modules if before else ()), *modules})),
    )
