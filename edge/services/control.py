"""Stops modules and lets them run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import Module, ModuleState
from edge.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.services.cancel import Cancellation
    from edge.store.store import Store, Tables, Transaction

REASON_CHARS_MAX = 280


def module_not_found(digest: str) -> NotFoundError:
    """Returns the error for a digest that the edge does not have."""
    return NotFoundError(
        f"There is no module {digest} here.",
        advice="`edge module list` shows what there is.",
        reason="MODULE_NOT_FOUND",
    )


def module_named(tables: Tables, digest: str, organization: str) -> Module:
    """Returns a module by its digest and organization, which may be left out where only one has uploaded it.

    Raises:
        NotFoundError: no such module, or not of this organization.
        ConflictError: several organizations have uploaded it.
    """
    uploads = tables.modules.with_digest(digest)
    if organization:
        uploads = [module for module in uploads if module.organization == organization]
    if not uploads:
        raise module_not_found(digest)
    if len(uploads) > 1:
        names = ", ".join(module.organization for module in uploads)
        raise ConflictError(
            f"{len(uploads)} organizations have uploaded module {digest}: {names}.",
            advice="Say whose is meant, with `--organization` on the command line.",
            reason="MODULE_AMBIGUOUS",
        )
    return uploads[0]


class Control:
    """The operator's switch."""

    def __init__(self, store: Store, audit: AuditLog, cancellation: Cancellation, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._cancellation = cancellation
        self._clock = clock

    async def suspend(self, digest: str, reason: str, organization: str = "") -> Module:
        """Stops a module before its next slot.

        Args:
            digest: which.
            reason: for the audit log.
            organization: whose; may be left out where only one has uploaded it.

        Raises:
            InvalidRequestError: the reason is too long.
            NotFoundError: no such module, or not of this organization.
            ConflictError: it does not run, or several organizations have uploaded it.
        """
        if len(reason) > REASON_CHARS_MAX:
            raise InvalidRequestError(f"The reason has {len(reason)} characters, more than {REASON_CHARS_MAX}.")

        def work(transaction: Transaction) -> Module:
            module = self._in_state(transaction, digest, organization, ModuleState.ACTIVE)
            transaction.modules.suspend(digest, module.organization)
            self._cancellation.of_module(transaction, EventKind.MODULE_SUSPENDED, digest, module.organization)
            return self._recorded(transaction, module, EventKind.MODULE_SUSPENDED, reason)

        return await self._store.write(work)

    async def resume(self, digest: str, organization: str = "") -> Module:
        """Lets a suspended module run again under the approval it has.

        Raises:
            NotFoundError: no such module, or not of this organization.
            ConflictError: it is not suspended, or several organizations have uploaded it.
        """

        def work(transaction: Transaction) -> Module:
            module = self._in_state(transaction, digest, organization, ModuleState.SUSPENDED)
            transaction.modules.resume(digest, module.organization)
            return self._recorded(transaction, module, EventKind.MODULE_RESUMED, "")

        return await self._store.write(work)

    def _in_state(self, transaction: Transaction, digest: str, organization: str, expected: ModuleState) -> Module:
        module = module_named(transaction, digest, organization)
        state = module.state(self._clock.now_ms())
        if state is not expected:
            raise ConflictError(f"Module {digest} is {state}, not {expected}.", reason="MODULE_STATE")
        return module

    def _recorded(self, transaction: Transaction, module: Module, kind: EventKind, reason: str) -> Module:
        detail: dict[str, object] = {"organization": module.organization, "module": module.digest, "reason": reason}
        subjects = (OPERATOR_SUBJECT, organization_subject(module.organization))
        self._audit.record(transaction, [Event(kind, self._clock.now_ms(), subjects, detail)])
        return module_named(transaction, module.digest, module.organization)
