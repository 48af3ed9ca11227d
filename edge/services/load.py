"""Loads a trigger's code into the sandbox, believing nothing that it has not checked again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from edge.domain.module import digest_of
from edge.errors import SandboxError, SignatureError
from edge.sandbox.batch import Batch
from edge_sdk.manifest import SECTION
from edge_sdk.wasm import custom_section

if TYPE_CHECKING:
    from edge.domain.approval import Approval
    from edge.domain.trigger import Trigger
    from edge.sandbox.sandbox import Sandbox
    from edge.services.documents import Documents
    from edge.store.store import Store

_Key: TypeAlias = "tuple[str, str, Approval, bytes, int]"


class Guests:
    """Compiled code by approval, manifest and fuel, loaded when first needed; if one changes, all is checked again."""

    def __init__(self, store: Store, sandbox: Sandbox, documents: Documents) -> None:
        self._store = store
        self._sandbox = sandbox
        self._documents = documents
        self._loaded: dict[_Key, Batch] = {}

    async def get(self, trigger: Trigger) -> Batch:
        """Returns the trigger's code, ready to be evaluated.

        Raises:
            PermissionDeniedError: the policy in force has no tier for its organization.
            SignatureError: the stored approval is not the operator's, or is for something else.
            SandboxError: the stored module is not the one that was approved.
            ModuleCompileError: it no longer compiles.
        """
        key = self._key(trigger)
        guest = self._loaded.get(key)
        if guest is None:
            guest = self._loaded[key] = await asyncio.to_thread(self._load, trigger)
        return guest

    def has(self, trigger: Trigger) -> bool:
        """Whether the trigger's code is loaded."""
        return self._key(trigger) in self._loaded

    def keep_only(self, triggers: list[Trigger]) -> None:
        """Lets go of code that is not among `triggers` any more."""
        wanted = {self._key(trigger) for trigger in triggers}
        self._loaded = {key: guest for key, guest in self._loaded.items() if key in wanted}

    def _load(self, trigger: Trigger) -> Batch:
        envelope_json, wasm = self._store.read_now(
            lambda tables: (
                tables.modules.approval_envelope(trigger.organization, trigger.module_digest),
                tables.modules.wasm(trigger.module_digest),
            )
        )
        if envelope_json is None or self._documents.open_approval(envelope_json) != trigger.approval:
            raise SignatureError(f"The stored approval of {trigger.key} is not what the operator signed.")
        if wasm is None or digest_of(wasm) != trigger.approval.module_digest:
            raise SandboxError(f"The stored module of {trigger.key} is not the one that was approved.")
        if custom_section(wasm, SECTION) != trigger.manifest.canonical_json():
            raise SandboxError(f"The stored manifest of {trigger.key} is not the one in its module.")
        guest = self._sandbox.load(
            self._sandbox.compile(wasm),
            input_samples=trigger.manifest.samples,
            actions=len(trigger.manifest.action),
            limits=replace(self._sandbox.limits, fuel_max=self._fuel_max(trigger)),
        )
        return Batch(guest)

    def _fuel_max(self, trigger: Trigger) -> int:
        # The policy in force may be newer than the approval, and grant less.
        _, tier = self._documents.policy().tier_of(trigger.organization)
        return min(trigger.approval.fuel_max, tier.fuel_max, self._sandbox.limits.fuel_max)

    def _key(self, trigger: Trigger) -> _Key:
        manifest_json = trigger.manifest.canonical_json()
        return trigger.organization, trigger.module_digest, trigger.approval, manifest_json, self._fuel_max(trigger)
