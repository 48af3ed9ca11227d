"""Stops modules and lets them run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import RUNNING, Module, ModuleState
from edge.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.domain.health import ModuleHealth
    from edge.services.audit import AuditLog
    from edge.services.cancel import Cancellation
    from edge.store.store import Store, Tables, Transaction

REASON_CHARS_MAX = 280


def check_reason(reason: str) -> None:
    """Checks the operator's words for the audit log, where they stay for ever.

    Raises:
        InvalidRequestError: they are too many.
    """
    if len(reason) > REASON_CHARS_MAX:
        raise InvalidRequestError(f"The reason has {len(reason)} characters, more than {REASON_CHARS_MAX}.")


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
        check_reason(reason)

        def work(transaction: Transaction) -> Module:
            module = module_named(transaction, digest, organization)
            state = module.state(self._clock.now_ms())
            # What stands only because its organization is suspended would run again with it.
            if state not in RUNNING and (state is not ModuleState.SUSPENDED or module.suspended):
                raise ConflictError(f"Module {digest} is {state}, and does not run.", reason="MODULE_STATE")
            transaction.modules.suspend(digest, module.organization)
            self._cancellation.of_module(transaction, EventKind.MODULE_SUSPENDED, digest, module.organization)
            return self._recorded(transaction, module, EventKind.MODULE_SUSPENDED, reason, told=True)

        return await self._store.write(work)

    async def resume(self, digest: str, organization: str = "") -> Module:
        """Lets a suspended or quarantined module run again under the approval it has; its bad slots are forgotten.

        Raises:
            NotFoundError: no such module, or not of this organization.
            ConflictError: it is neither, or several organizations have uploaded it.
        """

        def work(transaction: Transaction) -> Module:
            module = module_named(transaction, digest, organization)
            health = transaction.health.get(module.organization, digest)
            self._check_resumable(module, health)
            transaction.modules.resume(digest, module.organization)
            transaction.health.put(module.organization, digest, health.resumed())
            # That it was quarantined is not for the organization to know, so neither is that this is over.
            return self._recorded(transaction, module, EventKind.MODULE_RESUMED, "", told=module.suspended)

        return await self._store.write(work)

    def _check_resumable(self, module: Module, health: ModuleHealth) -> None:
        state = module.state_for_operator(self._clock.now_ms(), health)
        if state is ModuleState.SUSPENDED and not module.suspended:
            raise ConflictError(
                f"Everything of organization {module.organization} is suspended, module {module.digest} is not.",
                advice="Let the organization run again: `edge organization resume`.",
                reason="MODULE_STATE",
            )
        if state not in (ModuleState.SUSPENDED, ModuleState.QUARANTINED):
            raise ConflictError(
                f"Module {module.digest} is {state}, neither suspended nor quarantined.", reason="MODULE_STATE"
            )

    def _recorded(
        self, transaction: Transaction, module: Module, kind: EventKind, reason: str, *, told: bool
    ) -> Module:
        detail: dict[str, object] = {"organization": module.organization, "module": module.digest, "reason": reason}
        subjects = (OPERATOR_SUBJECT, *([organization_subject(module.organization)] if told else []))
        self._audit.record(transaction, [Event(kind, self._clock.now_ms(), subjects, detail)])
        return module_named(transaction, module.digest, module.organization)
