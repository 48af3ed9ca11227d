"""Stops modules and lets them run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import Module, ModuleState
from edge.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.services.audit import AuditLog
    from edge.store.store import Store, Transaction

REASON_CHARS_MAX = 280


def module_not_found(digest: str) -> NotFoundError:
    """Returns the error for a digest that the edge does not have."""
    return NotFoundError(
        f"There is no module {digest} here.",
        advice="`edge module list` shows what there is.",
        reason="MODULE_NOT_FOUND",
    )


class Control:
    """The operator's switch."""

    def __init__(self, store: Store, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def suspend(self, digest: str, reason: str) -> Module:
        """Stops a module before its next slot, for every organization that uploaded it.

        Raises:
            NotFoundError: no such module.
            ConflictError: it does not run.
        """
        return await self._switch(digest, ModuleState.ACTIVE, EventKind.MODULE_SUSPENDED, reason)

    async def resume(self, digest: str) -> Module:
        """Lets a suspended module run again under the approval it has.

        Raises:
            NotFoundError: no such module.
            ConflictError: it is not suspended.
        """
        return await self._switch(digest, ModuleState.SUSPENDED, EventKind.MODULE_RESUMED, "")

    async def _switch(self, digest: str, expected: ModuleState, kind: EventKind, reason: str) -> Module:
        if len(reason) > REASON_CHARS_MAX:
            raise InvalidRequestError(f"The reason has {len(reason)} characters, more than {REASON_CHARS_MAX}.")

        def work(transaction: Transaction) -> Module:
            now_ms = self._clock.now_ms()
            uploads = transaction.modules.with_digest(digest)
            if not uploads:
                raise module_not_found(digest)
            fitting = [module for module in uploads if module.state(now_ms) is expected]
            if not fitting:
                raise ConflictError(
                    f"Module {digest} is {uploads[0].state(now_ms)}, not {expected}.", reason="MODULE_STATE"
                )
            for module in fitting:
                switch = (
                    transaction.modules.suspend if kind is EventKind.MODULE_SUSPENDED else transaction.modules.resume
                )
                switch(digest, module.organization)
                if kind is EventKind.MODULE_SUSPENDED:
                    transaction.actions.cancel_of_module(digest)
                detail: dict[str, object] = {"organization": module.organization, "module": digest, "reason": reason}
                subjects = (OPERATOR_SUBJECT, organization_subject(module.organization))
                self._audit.record(transaction, [Event(kind, now_ms, subjects, detail)])
            return transaction.modules.get(digest, fitting[0].organization) or fitting[0]

        return await self._store.write(work)
