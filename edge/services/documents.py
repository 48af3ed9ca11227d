"""Accepts what the operator signed, and knows what is in force.

The edge believes one key. It checks a document's signature when it arrives and again whenever it reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from edge.domain.approval import Approval
from edge.domain.document import check_acceptable
from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import Module, digest_of
from edge.domain.policy import Policy, check_within_tier
from edge.domain.revocations import Revocations, check_repeats
from edge.errors import DocumentError, NotFoundError, PermissionDeniedError
from edge.services.grant import check_approval
from edge.services.triggers import active_triggers
from edge.trust.documents import SignedDocument, open_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.clock import Clock
    from edge.domain.trigger import Trigger
    from edge.services.audit import AuditLog
    from edge.services.cancel import Cancellation
    from edge.store.store import Store, Transaction
    from edge_sdk.envelope import VerifyKey
    from edge_sdk.manifest import Manifest

D = TypeVar("D", Policy, Revocations)

_APPROVALS_SHOWN = 100  # an approval has about a kilobyte

POLICY, REVOCATIONS, APPROVAL = "policy", "revocations", "approval"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a submitted document turned out to be; `module` is set for an approval."""

    kind: str
    version: int
    module: Module | None = None


class Documents:
    """The door for everything that is signed, and the policy and revocations in force."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        cancellation: Cancellation,
        edge_id: str,
        operator_key: VerifyKey,
        clock: Clock,
    ) -> None:
        self._store = store
        self._audit = audit
        self._cancellation = cancellation
        self._edge_id = edge_id
        self._operator_key = operator_key
        self._clock = clock
        self._policy = self._read_back(POLICY, Policy)
        self._revocations = self._read_back(REVOCATIONS, Revocations)

    def policy(self) -> Policy:
        """Returns the policy in force.

        Raises:
            PermissionDeniedError: there is none, or it has expired: then nothing is allowed.
        """
        if self._policy is None or not self._policy.is_valid_at(self._clock.now_ms()):
            raise PermissionDeniedError(
                "This edge has no policy in force.",
                advice="The operator signs and submits one (`edge policy sign`).",
                reason="POLICY_MISSING",
            )
        return self._policy

    def permitted(self, triggers: Sequence[Trigger], policy: Policy | None = None) -> list[Trigger]:
        """Returns those of all triggers that a policy lets run, which may be newer than theirs.

        An organization whose triggers together go beyond its tier's leak bound runs none of them: which to do without
        is for the operator to say.

        Args:
            triggers: every active one; shadows may be among them.
            policy: the one in force if None.
        """
        bits: dict[str, float] = {}
        for trigger in triggers:
            # Nothing of a shadow leaves.
            more = 0.0 if trigger.shadow else trigger.manifest.leak_bits_per_day
            bits[trigger.organization] = bits.get(trigger.organization, 0.0) + more
        return [trigger for trigger in triggers if self._permits(trigger, bits[trigger.organization], policy)]

    def _permits(self, trigger: Trigger, organization_bits: float, policy: Policy | None) -> bool:
        # The signed list counts, not only the table that was made of it.
        if self._revocations is not None and trigger.module_digest in self._revocations.modules:
            return False
        try:
            policy = policy or self.policy()
            _, tier = policy.tier_of(trigger.organization)
        except PermissionDeniedError:
            return False
        return organization_bits <= tier.leak_bits_per_day_max and _within(
            policy, trigger.organization, trigger.manifest
        )

    @property
    def policy_version(self) -> int:
        """Version of the newest accepted policy; 0 if there is none."""
        return self._policy.version if self._policy else 0

    @property
    def revocations(self) -> Revocations | None:
        """The newest accepted list of revocations."""
        return self._revocations

    def open_approval(self, envelope_json: bytes) -> Approval:
        """Returns an approval that was stored, its signature checked anew.

        Raises:
            SignatureError: the stored approval is not the operator's.
        """
        document = open_document(envelope_json, self._operator_key)
        if not isinstance(document, Approval):
            raise DocumentError("The stored document is not an approval.")
        return document

    async def newest(self, kind: str) -> bytes | None:
        """Returns the envelope of the newest policy or revocations, or None.

        Raises:
            NotFoundError: there are no documents of this kind.
        """
        if kind not in (POLICY, REVOCATIONS):
            raise NotFoundError(f"There is no document of kind {kind!r}.", advice="Ask for policy or revocations.")
        return await self._store.read(lambda tables: tables.documents.newest(kind))

    async def approvals(self, organization: str, trigger: str) -> list[bytes]:
        """Returns the envelopes of the approvals of an organization's trigger, newest first, the older left out."""
        return await self._store.read(
            lambda tables: tables.modules.approval_envelopes(organization, trigger, _APPROVALS_SHOWN)
        )

    async def submit(self, envelope_json: bytes) -> Accepted:
        """Takes a signed document and puts it in force.

        Raises:
            DocumentError: not signed by the operator, not for this edge, expired, or not newer than the last.
            NotFoundError: an approval of a module that is not here.
            ConflictError: an approval of a module or report other than the one that is here.
            LimitError: an approval that would go beyond the tier's leak bound.
        """
        document = open_document(envelope_json, self._operator_key)
        return await self._store.write(lambda transaction: self._accept(transaction, document, envelope_json))

    def _accept(self, transaction: Transaction, document: SignedDocument, envelope_json: bytes) -> Accepted:
        if isinstance(document, Approval):
            return self._accept_approval(transaction, document, envelope_json)
        # Of two submissions at once, the second meets the first here, in the writer's thread.
        seen = transaction.documents.newest(document.kind)
        before = open_document(seen, self._operator_key) if seen else None
        self._check(document, before.version if before else 0)
        if isinstance(document, Policy) and before is not None and not document.is_valid_at(self._clock.now_ms()):
            raise DocumentError(
                "The policy is not valid yet, and would leave the edge without one until it is.",
                advice="Submit it when its validity has begun.",
                reason="DOCUMENT_NOT_YET_VALID",
            )
        if isinstance(document, Revocations):
            check_repeats(document, before if isinstance(before, Revocations) else None)
            transaction.modules.revoke(document.modules)
            for digest in document.modules:
                self._cancellation.of_module(transaction, EventKind.REVOCATIONS_ACCEPTED, digest)
        else:
            self._cancel_forbidden(transaction, document)
        now_ms = self._clock.now_ms()
        transaction.documents.insert(document.kind, document.version, envelope_json, now_ms)
        # With the commit, not with the answer: the caller may have hung up by then.
        transaction.after_commit(lambda: self._put_in_force(document))
        kind = EventKind.POLICY_ACCEPTED if isinstance(document, Policy) else EventKind.REVOCATIONS_ACCEPTED
        detail: dict[str, object] = {"version": document.version, "document_digest": digest_of(envelope_json)}
        self._audit.record(transaction, [Event(kind, now_ms, (OPERATOR_SUBJECT,), detail)])
        return Accepted(document.kind, document.version)

    def _cancel_forbidden(self, transaction: Transaction, policy: Policy) -> None:
        active = active_triggers(transaction, self._clock.now_ms())
        forbidden = {trigger.key for trigger in active} - {trigger.key for trigger in self.permitted(active, policy)}
        self._cancellation.of_triggers(transaction, EventKind.POLICY_ACCEPTED, forbidden)
        # What waits may be of a module that is not active any more: replaced, or expired.
        for organization, digest in transaction.actions.waiting_modules():
            module = transaction.modules.get(digest, organization)
            if module is None or module.manifest is None or not _within(policy, organization, module.manifest):
                self._cancellation.of_module(transaction, EventKind.POLICY_ACCEPTED, digest, organization)

    def _put_in_force(self, document: Policy | Revocations) -> None:
        if isinstance(document, Policy):
            self._policy = document
        else:
            self._revocations = document

    def _accept_approval(self, transaction: Transaction, approval: Approval, envelope_json: bytes) -> Accepted:
        module = transaction.modules.get(approval.module_digest, approval.organization)
        if module is None:
            raise NotFoundError(
                f"Organization {approval.organization} has uploaded no module {approval.module_digest}.",
                advice="Check the digest that was signed against `edge module list`.",
                reason="MODULE_NOT_FOUND",
            )
        self._check(approval, module.approval_version)
        check_approval(transaction, approval, module, self.policy(), self._clock.now_ms())
        now_ms = self._clock.now_ms()
        transaction.modules.approve(approval, envelope_json, now_ms)
        detail: dict[str, object] = {
            "organization": approval.organization,
            "trigger": approval.trigger,
            "module": approval.module_digest,
            "report": approval.report_digest,
            "version": approval.version,
            "mode": approval.mode.value,
            "document_digest": digest_of(envelope_json),
        }
        subjects = (OPERATOR_SUBJECT, organization_subject(approval.organization))
        self._audit.record(transaction, [Event(EventKind.APPROVAL_ACCEPTED, now_ms, subjects, detail)])
        return Accepted(APPROVAL, approval.version, transaction.modules.get(module.digest, module.organization))

    def _check(self, document: SignedDocument, seen_version: int) -> None:
        check_acceptable(document, edge_id=self._edge_id, now_ms=self._clock.now_ms(), seen_version=seen_version)

    def _read_back(self, kind: str, expected: type[D]) -> D | None:
        envelope_json = self._store.read_now(lambda tables: tables.documents.newest(kind))
        if envelope_json is None:
            return None
        document = open_document(envelope_json, self._operator_key)
        if not isinstance(document, expected):
            raise DocumentError(f"The stored {kind} is another kind of document.")
        return document


def _within(policy: Policy, organization: str, manifest: Manifest) -> bool:
    """Whether the organization's tier allows what the manifest declares."""
    try:
        tier_name, tier = policy.tier_of(organization)
    except PermissionDeniedError:
        return False
    return not check_within_tier(manifest, tier_name, tier)
