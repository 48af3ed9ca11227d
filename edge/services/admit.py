"""Admits modules: has an upload examined and keeps it, with a report of what was found, for the operator to judge."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.domain.event import OPERATOR_SUBJECT, Event, EventKind, organization_subject
from edge.domain.module import Module, digest_of
from edge.errors import ConflictError, InvalidRequestError, LimitError
from edge.services.control import module_named, module_not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.clock import Clock
    from edge.domain.module import AdmissionReport
    from edge.domain.policy import Policy, Tier
    from edge.services.audit import AuditLog
    from edge.services.examine import Examination
    from edge.settings import AdmissionSection, SandboxLimits
    from edge.store.store import Store, Tables, Transaction
    from edge_sdk.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ModulePage:
    """Some modules of a list, and what to ask for the next ones with; empty where these are the last."""

    modules: list[Module]
    next_token: str


class Admission:
    """Takes uploads and shows where they stand."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        examination: Examination,
        limits: SandboxLimits,
        policy: Callable[[], Policy],
        clock: Clock,
        settings: AdmissionSection,
    ) -> None:
        self._store = store
        self._audit = audit
        self._examination = examination
        self._limits = limits
        self._policy = policy
        self._clock = clock
        self._settings = settings
        # One compiler at a time, in a thread of its own: uploads must not take the machine from the meters. It runs
        # on when the caller hangs up, so one upload of an organization is taken at a time.
        self._examiner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edge-examiner")
        self._examined: set[str] = set()

    async def upload(self, organization: str, wasm: bytes) -> tuple[Module, bytes]:
        """Examines and keeps a module; of one that was admitted before, nothing changes.

        Its report holds measured times, so that another examination would make another report than the one that the
        operator may be signing over. What was refused is examined again: tier or limits may be others by now.

        Returns:
            The module and its admission report, canonical JSON.

        Raises:
            PermissionDeniedError: the policy does not know the organization.
            LimitError: larger than anything the edge would keep, one too many, or another is being examined.
            CompilerStoppedError: the edge is stopping; nothing was kept.
        """
        if len(wasm) > self._limits.module_bytes_max:
            raise LimitError(
                f"The module has {len(wasm)} bytes; this edge takes {self._limits.module_bytes_max}.",
                advice="Build with optimisation for size and strip debug data.",
                reason="MODULE_TOO_LARGE",
            )
        tier = self._policy().tier_of(organization)
        digest = digest_of(wasm)
        if await self._store.read(lambda tables: self._stands(tables, organization, digest)):
            return await self.module(digest, organization)
        report, manifest = await self._examine(organization, wasm, tier)
        module = Module(
            digest=report.module_digest,
            organization=organization,
            uploaded_ms=self._clock.now_ms(),
            report=report.summary(),
            manifest=manifest,
            approval=None,
            suspended=False,
            revoked=False,
            approval_version=0,
        )
        report_json = report.canonical_json()
        await self._store.write(lambda transaction: self._keep(transaction, module, report_json, wasm))
        return await self.module(digest, organization)

    def _stands(self, tables: Tables, organization: str, digest: str) -> bool:
        """Whether an upload of these bytes changes nothing: they were admitted, and this release can read them.

        Raises:
            LimitError: they are new, and the organization has as many modules as it may.
        """
        known, count = tables.modules.get(digest, organization), tables.modules.count(organization)
        if known is None and count >= self._settings.modules_max:
            raise LimitError(
                f"Organization {organization} has {count} modules here, as many as it may.",
                advice="Ask the operator to raise admission.modules_max.",
                reason="MODULES_TOO_MANY",
            )
        return known is not None and known.report.admissible and known.manifest is not None

    async def _examine(
        self, organization: str, wasm: bytes, tier: tuple[str, Tier]
    ) -> tuple[AdmissionReport, Manifest | None]:
        if organization in self._examined:
            raise LimitError(
                "Another upload of this organization is being examined.",
                advice="Wait for its report, then upload again.",
                reason="UPLOAD_UNDER_WAY",
            )
        self._examined.add(organization)
        examining = asyncio.get_running_loop().run_in_executor(self._examiner, self._examination.examine, wasm, tier)
        examining.add_done_callback(lambda _: self._examined.discard(organization))
        return await asyncio.shield(examining)

    def close(self) -> None:
        """Ends the examiner once what it has begun is done, which is soon if the compiler was stopped before."""
        self._examiner.shutdown(cancel_futures=True)

    def _keep(self, transaction: Transaction, module: Module, report_json: bytes, wasm: bytes) -> None:
        if self._stands(transaction, module.organization, module.digest):
            return  # Another upload of the same bytes was quicker; somebody may be signing over its report.
        # What was refused is not worth its place on the disk; its digest and report stay.
        kept = wasm if module.report.admissible else b""
        if transaction.modules.get(module.digest, module.organization) is None:
            transaction.modules.insert(module, report_json, kept)
        else:
            transaction.modules.replace(module, report_json, kept)
        detail: dict[str, object] = {
            "organization": module.organization,
            "module": module.digest,
            "report": module.report.digest,
            "admissible": module.report.admissible,
        }
        subjects = (OPERATOR_SUBJECT, organization_subject(module.organization))
        self._audit.record(transaction, [Event(EventKind.MODULE_UPLOADED, module.uploaded_ms, subjects, detail)])

    async def module(self, digest: str, organization: str = "") -> tuple[Module, bytes]:
        """Returns a module and its admission report, canonical JSON.

        Args:
            digest: which.
            organization: whose; may be left out where only one has uploaded it.

        Raises:
            NotFoundError: no such module, or not of this organization.
            ConflictError: several organizations have uploaded it.
        """

        def work(tables: Tables) -> tuple[Module, bytes | None]:
            module = module_named(tables, digest, organization)
            return module, tables.modules.report(module.digest, module.organization)

        module, report_json = await self._store.read(work)
        if report_json is None:
            raise module_not_found(digest)
        return module, report_json

    async def page(self, size: int, token: str, organization: str | None = None) -> ModulePage:
        """Returns some of an organization's modules, or of everybody's, newest first.

        Args:
            size: how many at most; 0 for as many as the edge gives at once.
            token: `next_token` of the page before; empty for the first.
            organization: whose.

        Raises:
            InvalidRequestError: the token is not of this edge's making.
        """
        size_max = self._settings.page_modules_max
        size, after = min(size or size_max, size_max), _position(token) if token else None
        found = await self._store.read(
            lambda tables: tables.modules.page(size + 1, organization=organization, after=after)
        )
        last = found[size - 1] if len(found) > size else None
        return ModulePage(found[:size], f"{last.uploaded_ms}/{last.digest}/{last.organization}" if last else "")

    async def download(self, digest: str, organization: str = "") -> bytes:
        """Returns a module's bytes as uploaded.

        Raises:
            NotFoundError: no such module, or not of this organization.
            ConflictError: several organizations have uploaded it, or it was refused.
        """
        module, wasm = await self._store.read(
            lambda tables: (module_named(tables, digest, organization), tables.modules.wasm(digest))
        )
        if wasm is None or not module.report.admissible:
            raise ConflictError(
                f"Module {digest} was refused; only its report was kept.",
                advice="`edge module list` shows why.",
                reason="MODULE_REFUSED",
            )
        return wasm


def _position(token: str) -> tuple[int, str, str]:
    uploaded_ms, *names = token.split("/")
    if not uploaded_ms.isdecimal() or len(uploaded_ms) > 16 or len(names) != 2:
        raise InvalidRequestError("The page token is none of this edge's.", advice="Begin with the first page.")
    return int(uploaded_ms), names[0], names[1]
