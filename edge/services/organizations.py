"""The operator's switch for everything of an organization. It needs no signature, for it only takes away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.errors import ConflictError, NotFoundError, PermissionDeniedError
from edge.services.control import check_reason
from edge.store.organizations import Suspension

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.policy import Policy
    from edge.services.audit import AuditLog
    from edge.services.cancel import Cancellation
    from edge.services.documents import Documents
    from edge.store.store import Store, Tables, Transaction


@dataclass(frozen=True, slots=True)
class Organization:
    """Where an organization stands.

    Attributes:
        tier: by the policy in force; empty if that does not name it.
        suspension: the operator's decision to stop it, if it is stopped.
    """

    name: str
    tier: str
    suspension: Suspension | None


class Organizations:
    """Stops organizations and lets them run again."""

    def __init__(
        self, store: Store, audit: AuditLog, documents: Documents, cancellation: Cancellation, clock: Clock
    ) -> None:
        self._store = store
        self._audit = audit
        self._documents = documents
        self._cancellation = cancellation
        self._clock = clock

    async def all(self) -> list[Organization]:
        """Returns the organizations of the policy in force and those that are suspended, by name."""
        return await self._store.read(self._all)

    async def suspend(self, name: str, reason: str) -> Organization:
        """Stops everything of an organization before the next slot, whatever it uploads or is approved meanwhile.

        Raises:
            InvalidRequestError: the reason is too long.
            NotFoundError: the policy in force does not name it.
            ConflictError: it is suspended already.
        """
        check_reason(reason)

        def work(transaction: Transaction) -> Organization:
            organization = self._named(transaction, name)
            if organization.suspension is not None:
                raise _state(f"Organization {name} is suspended already.")
            suspension = Suspension(reason, self._clock.now_ms())
            transaction.organizations.suspend(name, suspension)
            self._cancellation.of_organization(transaction, EventKind.ORGANIZATION_SUSPENDED, name)
            self._record(transaction, EventKind.ORGANIZATION_SUSPENDED, name, reason)
            return Organization(name, organization.tier, suspension)

        return await self._store.write(work)

    async def resume(self, name: str) -> Organization:
        """Lets an organization's modules run again, but for those that are stopped themselves.

        Raises:
            NotFoundError: it is neither in the policy in force nor suspended.
            ConflictError: it is not suspended.
        """

        def work(transaction: Transaction) -> Organization:
            organization = self._named(transaction, name)
            if organization.suspension is None:
                raise _state(f"Organization {name} is not suspended.")
            transaction.organizations.resume(name)
            self._record(transaction, EventKind.ORGANIZATION_RESUMED, name, "")
            return Organization(name, organization.tier, None)

        return await self._store.write(work)

    def _all(self, tables: Tables) -> list[Organization]:
        policy = self._policy()
        tiers = policy.organizations if policy else {}
        suspended = tables.organizations.suspended()
        return [Organization(name, tiers.get(name, ""), suspended.get(name)) for name in sorted({*tiers, *suspended})]

    def _policy(self) -> Policy | None:
        try:
            return self._documents.policy()
        except PermissionDeniedError:
            return None

    def _named(self, tables: Tables, name: str) -> Organization:
        known = {organization.name: organization for organization in self._all(tables)}
        if name not in known:
            raise NotFoundError(
                f"The policy in force (version {self._documents.policy_version}) names no organization {name!r}.",
                advice="`edge organization list` shows those that it names. What it does not name runs nothing.",
                reason="ORGANIZATION_NOT_FOUND",
            )
        return known[name]

    def _record(self, transaction: Transaction, kind: EventKind, name: str, reason: str) -> None:
        subjects = (OPERATOR_SUBJECT, organization_subject(name))
        detail: dict[str, object] = {"organization": name, "reason": reason}
        self._audit.record(transaction, [Event(kind, self._clock.now_ms(), subjects, detail)])


def _state(problem: str) -> ConflictError:
    return ConflictError(problem, advice="`edge organization list` shows which are.", reason="ORGANIZATION_STATE")
