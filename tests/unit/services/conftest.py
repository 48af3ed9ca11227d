"""One edge of one street in this process: real store, sandbox, keys, sockets, and a clock that moves when told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pytest

from edge.app import Application
from edge.clock import SimulatedClock
from edge.domain.event import EventKind
from edge.sandbox.assemble import assemble
from edge.services.identities import ROOT_KEY, Register
from edge.services.provision import DEFAULT_TIERS, EdgePlan, first_policy, provision
from edge.services.sign import approval
from edge.settings import FILE_NAME, Settings, load
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.auditor import AuditClient, VerifiedEntry
from edge_sdk.builder import embed_manifest
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.manifest import Manifest
from edge_sdk.meter import MeterClient
from edge_sdk.operator import OperatorClient
from edge_sdk.organization import OrganizationClient
from edge_sdk.wire.v1.meter_pb2 import Reading, ReportReadingsResponse
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from edge.domain.policy import Policy
    from edge_sdk.client import Client
    from edge_sdk.wire.v1.household_pb2 import Action, Consent, Offer
    from edge_sdk.wire.v1.module_pb2 import Module
    from edge_sdk.wire.v1.operator_pb2 import MeterKind, SubmitDocumentResponse

C = TypeVar("C", bound="Client")

DAY_MS = 86_400_000
SLOT_MS = 900_000
START_MS = 20_623 * DAY_MS + 8 * 3_600_000
"""2026-06-19 08:00 UTC."""

MEASURED = "(f64.eq (f64.load (i32.const 0)) (f64.load (i32.const 0)))"
"""The body of a guest that acts where its first sample is a number: NaN does not equal itself."""


HEARD = {"name": "heard", "kind": "recommendation", "text": {"en": "Your meter was heard."}}


def make_manifest(**changes: Any) -> Manifest:
    """A manifest that differs from the plainest by fields of its trigger table, series, window, resolution, action."""
    series, length = changes.pop("series", "power_import"), changes.pop("window", "15m")
    resolution = changes.pop("resolution", length)
    action = changes.pop("action", [HEARD])
    trigger = {
        "name": "pulse",
        "version": "1.0.0",
        "service": "advice",
        "purpose": "Say that the meter was heard.",
        "scope": "household",
        "every": "15m",
        "max_actions_per_day": 4,
        **changes,
    }
    window = {"window": length, "resolution": resolution}
    names = [series] if isinstance(series, str) else series
    return Manifest.model_validate(
        {"trigger": trigger, "input": [{"series": name, **window} for name in names], "action": action}
    )


def make_module(body: str = MEASURED, **changes: Any) -> bytes:
    """A module of the plainest kind: inputs at address 0, `body` as its `evaluate`."""
    wat = f"""(module (memory (export "memory") 1)
      (func (export "edge_inputs") (result i32) (i32.const 0))
      (func (export "evaluate") (result i32) {body}))"""
    return embed_manifest(assemble(wat, "test"), make_manifest(**changes))


class Street:
    """An edge with everybody who deals with it. Used within `async with`, which starts and stops it."""

    def __init__(self, folder: Path, **sections: dict[str, Any]) -> None:
        """Provisions the edge in `folder`; `sections` are settings to change, by section."""
        plan = EdgePlan("street-1", ("127.0.0.1",), 7443, "Europe/Amsterdam")
        self.provisioned = provision(folder, plan, time.time_ns() // 1_000_000)
        self.clock = SimulatedClock(START_MS)
        self.key = SigningKey.load(self.provisioned.operator_folder / ROOT_KEY)
        self.register = Register.open(self.provisioned.operator_folder)
        # As if it had been set up when the simulated time begins; only TLS goes by the machine's clock.
        policy = sign_document(first_policy(START_MS, {}), self.key).to_json()
        (self.provisioned.edge_folder / "documents" / "policy.json").write_bytes(policy)
        self.policy: Policy | None = None
        self.app: Any = None
        self.settings = _quick(load(self.provisioned.edge_folder / FILE_NAME), sections)
        self._identities: dict[tuple[Role, str], Identity] = {}
        self._clients: dict[tuple[type, str], Any] = {}
        self._stack = AsyncExitStack()
        self._policy_version = 1
        self._sequences: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    async def start(self) -> None:
        self.app = Application(self.settings, clock=self.clock)
        await self.app.start()
        await self._until_evaluated()

    async def stop(self) -> None:
        await self._stack.aclose()
        self._clients.clear()
        await self.app.stop()

    async def restart(self, at_ms: int | None = None) -> None:
        """Stops the edge and starts it anew on the same folder, at a later time if one is given."""
        await self.stop()
        self.clock.advance_to(at_ms or self.now_ms)
        await self.start()

    async def advance(self, time_ms: int) -> None:
        """Moves the time and returns once the edge has evaluated what fell due."""
        self.clock.advance_to(time_ms)
        await self._until_evaluated()

    def identity(self, role: Role, name: str) -> Identity:
        """Somebody's identity, issued when first asked for."""
        address = f"127.0.0.1:{self.app.port}"
        if (role, name) not in self._identities:
            issued, _ = self.register.issue(role, name, address, time.time_ns() // 1_000_000, valid_days=2)
            self._identities[role, name] = issued
        return replace(self._identities[role, name], address=address)

    async def client(self, kind: type[C], role: Role, name: str) -> C:
        """Somebody's connection, which stays open until the edge stops."""
        if (kind, name) not in self._clients:
            self._clients[kind, name] = await self._stack.enter_async_context(kind(self.identity(role, name)))
        client: C = self._clients[kind, name]
        return client

    async def operator(self) -> OperatorClient:
        return await self.client(OperatorClient, Role.OPERATOR, "operator")

    async def organization(self, name: str = "acme") -> OrganizationClient:
        return await self.client(OrganizationClient, Role.ORGANIZATION, name)

    async def household(self, name: str) -> HouseholdClient:
        return await self.client(HouseholdClient, Role.HOUSEHOLD, name)

    async def set_policy(self, organizations: dict[str, str] | None = None, **supplier: Any) -> Policy:
        """Signs and submits the next policy; its tier `supplier` is roomy except for what `supplier` says."""
        self._policy_version += 1
        roomy = {"group_min": 2, "leak_bits_per_day_max": 2_000}
        tiers = {**DEFAULT_TIERS, "supplier": DEFAULT_TIERS["supplier"].model_copy(update={**roomy, **supplier})}
        self.policy = first_policy(self.now_ms, organizations or {"acme": "supplier"}).model_copy(
            update={"version": self._policy_version, "tiers": tiers}
        )
        await self.submit(self.policy)
        return self.policy

    async def submit(self, document: Any, key: SigningKey | None = None) -> SubmitDocumentResponse:
        """Signs a document, with the operator's root key unless told otherwise, and submits it."""
        return await (await self.operator()).submit(sign_document(document, key or self.key).to_json())

    async def enrol(self, *households: str, kind: MeterKind = METER_KIND_ELECTRICITY) -> None:
        """Enrols meter m-NAME for each household."""
        for household in households:
            await (await self.operator()).enrol_meter(f"m-{household}", household, kind)

    async def upload(self, wasm: bytes | None = None, organization: str = "acme") -> Module:
        return await (await self.organization(organization)).upload(make_module() if wasm is None else wasm)

    def approval_of(self, module: Module, *, days: int = 365, **changes: Any) -> Any:
        """What the operator would sign for a module, changed by `changes`."""
        assert self.policy is not None
        document = approval(
            organization=module.organization,
            trigger=module.name,
            module_digest=module.digest,
            report_digest=module.report.digest,
            policy=self.policy,
            version=module.approval_version + 1,
            now_ms=self.now_ms,
            days=days,
            fuel_max=None,
        )
        return document.model_copy(update=changes)

    async def approve(self, module: Module, **changes: Any) -> Module:
        return (await self.submit(self.approval_of(module, **changes))).module

    async def run_module(self, wasm: bytes | None = None, organization: str = "acme", **changes: Any) -> Module:
        """Uploads and approves a module."""
        return await self.approve(await self.upload(wasm, organization), **changes)

    async def offer(self, household: str, service: str = "advice") -> Offer:
        """The newest offer of a service."""
        offers = await (await self.household(household)).offers()
        return next(offer for offer in offers if offer.terms.service == service)

    async def consent(self, household: str, service: str = "advice", *, expires_ms: int = 0) -> Consent:
        """Consents to an offer as it is."""
        offer = await self.offer(household, service)
        return await (await self.household(household)).grant(offer.terms, expires_ms)

    async def report(
        self, meter: str, readings: Sequence[Reading], *, spool_id: str = ""
    ) -> list[ReportReadingsResponse]:
        """Sends one batch over a connection of its own and returns every answer."""

        async def batches() -> AsyncIterator[Sequence[Reading]]:
            yield readings

        async with MeterClient(self.identity(Role.METER, meter)) as client:
            return [response async for response in client.report(batches(), spool_id=spool_id)]

    async def measure(self, *households: str, power_w: int = 500, time_ms: int | None = None) -> None:
        """Lets the meter of each household report one reading, of a minute ago unless told otherwise."""
        for household in households:
            meter = f"m-{household}"
            self._sequences[meter] = self._sequences.get(meter, 0) + 1
            reading = Reading(
                sequence=self._sequences[meter], time_ms=time_ms or self.now_ms - 60_000, power_import_w=power_w
            )
            answers = await self.report(meter, [reading])
            assert not answers[-1].rejections

    async def next_slot(self, *measured: str, power_w: int = 500) -> int:
        """Lives through to the next quarter-hour, just before which the meters of `measured` report; returns it."""
        slot_ms = self.now_ms - self.now_ms % SLOT_MS + SLOT_MS
        await self.advance(slot_ms - 60_000)
        await self.measure(*measured, power_w=power_w, time_ms=slot_ms - 60_000)
        await self.advance(slot_ms)
        return slot_ms

    async def inbox(self, household: str, *, unacknowledged_only: bool = False, after_cursor: int = 0) -> list[Action]:
        """What waits in an inbox or was there before."""
        client = await self.household(household)
        actions = client.inbox(follow=False, unacknowledged_only=unacknowledged_only, after_cursor=after_cursor)
        return [action async for action in actions]

    async def entries(self, role: Role = Role.OPERATOR, name: str = "operator") -> list[VerifiedEntry]:
        """Every entry of the audit log that concerns somebody, its proof verified."""
        client = await self.client(AuditClient, role, name)
        return [entry async for entry in client.entries(await client.head())]

    async def events(self, kind: str, role: Role = Role.OPERATOR, name: str = "operator") -> list[dict[str, Any]]:
        """The details of the entries of one kind that concern somebody."""
        entries = await self.entries(role, name)
        return [entry.payload["detail"] for entry in entries if entry.payload["kind"] == kind]

    async def set_up(self, wasm: bytes, *households: str) -> Module:
        """Approves a module, under a new policy, and lets households enrol and consent."""
        await self.set_policy()
        await self.enrol(*households)
        approved = await self.run_module(wasm)
        for household in households:
            await self.consent(household)
        return approved

    async def runs(self, module: str = "") -> list[dict[str, Any]]:
        """What the audit log says of every evaluation, or of those of one digest."""
        events = await self.events(EventKind.EVALUATION_RUN)
        return [event for event in events if not module or event["module"] == module]

    async def counts(self, *households: str) -> list[int]:
        """How many actions there are in each inbox."""
        return [len(await self.inbox(name)) for name in households]

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks or changes the database behind the edge's back."""
        rows: list[tuple[Any, ...]] = await self.app._store.write(
            lambda tables: tables.modules._cursor.execute(sql).fetchall()
        )
        return rows

    async def _until_evaluated(self) -> None:
        """Returns when the edge waits for the next slot; raises what its evaluator failed with, if it did."""
        failed = asyncio.create_task(self.app.failed())
        slept = asyncio.create_task(self.clock.until_somebody_sleeps())
        done, pending = await asyncio.wait([failed, slept], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


NewStreet = Callable[..., Street]


def _quick(settings: Settings, sections: dict[str, dict[str, Any]]) -> Settings:
    """Settings that wait for nothing that a test does not ask for."""
    changes: dict[str, dict[str, Any]] = {
        "server": {"host": "127.0.0.1", "port": 0, "shutdown_s_max": 0.1},
        "metrics": {"enabled": False},
        "evaluation": {"settle_s": 0},
        "ingest": {"flush_ms": 1},
    }
    table = settings.model_dump()
    for section in (changes, sections):
        for name, values in section.items():
            table[name] |= values
    return Settings.model_validate(table)


@pytest.fixture(scope="session")
def new_street() -> NewStreet:
    """Makes an edge in a folder, to be started with `async with`."""
    return Street


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """An edge that has not started."""
    return Street(tmp_path / "street")


@pytest.fixture(scope="session")
def module() -> Callable[..., bytes]:
    """Makes modules: `evaluate`'s body in text, and what differs in the manifest."""
    return make_module
