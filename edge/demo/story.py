"""The story: an edge is set up, an organization offers its code, households decide, a day goes by.

Time is simulated and moves slot by slot: all meters deliver a quarter-hour, every batch is acknowledged as durable,
then the clock moves on and the edge evaluates. So the outcome does not depend on how fast the machine is. Everything
else is as in the street: TLS, the encrypted store, signatures, the sandbox.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.app import Application
from edge.clock import SimulatedClock, SystemClock
from edge.demo.actors import ReadingHousehold, inbox_of
from edge.demo.plan import SLOT_MS, Plan
from edge.demo.result import DemoResult, Latency
from edge.demo.street import Street
from edge.errors import ServerError
from edge.sandbox.assemble import assemble
from edge.services.build import build
from edge.services.identities import ROOT_KEY, Register
from edge.services.provision import EdgePlan, Provisioned, first_policy, provision
from edge.services.sign import approval
from edge.settings import FILE_NAME, Settings, load
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.auditor import AuditClient
from edge_sdk.household import HouseholdClient
from edge_sdk.identity import Identity, Role
from edge_sdk.operator import OperatorClient
from edge_sdk.organization import OrganizationClient
from edge_sdk.scaffold import MANIFEST_NAME, SOURCE_NAME, scaffold
from edge_sdk.wire.v1.operator_pb2 import METER_KIND_ELECTRICITY

if TYPE_CHECKING:
    from pathlib import Path

    from edge.demo.view import View
    from edge_sdk.audit import TreeHead
    from edge_sdk.wire.v1.household_pb2 import Action
    from edge_sdk.wire.v1.module_pb2 import Module

ORGANIZATION, TIER = "sunny-energy", "supplier"
CONSENTING_SHARE, REFUSING_SHARE, WITHDRAWING_SHARE = 0.6, 0.1, 0.05
_DELIVERY_S_MAX = 30.0

_SPY = '(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))'


@dataclass(slots=True)
class _Tally:
    """What is counted on the way."""

    consents: dict[str, str] = field(default_factory=dict)
    ever_consented: set[str] = field(default_factory=set)
    received: dict[str, list[Action]] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    readings: int = 0


class Story:
    """One showing, in a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, view: View) -> None:
        self._plan = plan
        self._view = view
        self._folder = folder
        self._tally = _Tally()

    async def play(self) -> DemoResult:
        """Plays it from the first key to the last proof.

        Raises:
            EdgeError: something did not go as it has to.
        """
        began_s = time.monotonic()
        async with AsyncExitStack() as stack:
            await self._set_up(stack)
            early_head = await self._head()
            await self._approve(await self._upload())
            await self._decide()
            await self._open_streams(stack)
            await self._live_through()
            return await self._conclude(early_head, began_s)

    async def _set_up(self, stack: AsyncExitStack) -> None:
        provisioned = provision(
            self._folder, EdgePlan("demo", ("127.0.0.1",), 7443, self._plan.timezone.key), SystemClock().now_ms()
        )
        # It is valid from today, and the story plays on another day: it signs a policy of its own.
        (provisioned.edge_folder / "documents" / "policy.json").unlink()
        self._clock = SimulatedClock(self._plan.start_ms)
        self._app = Application(_settings(provisioned), clock=self._clock)
        self._key = SigningKey.load(provisioned.operator_folder / ROOT_KEY)
        self._register = Register.open(provisioned.operator_folder)
        await self._app.start()
        stack.push_async_callback(self._app.stop)
        self._operator = await stack.enter_async_context(OperatorClient(self._issue(Role.OPERATOR, "operator")))
        self._view.milestone("edge running", f"mutual TLS on port {self._app.port}, encrypted DuckDB, wasmtime")
        self._street = Street.built(self._plan, self._issue)
        for home in self._street.homes:
            await self._operator.enrol_meter(home.meter_id, home.name, METER_KIND_ELECTRICITY)
        self._view.milestone("meters enrolled", self._street.described())

    async def _upload(self) -> Module:
        policy = first_policy(self._clock.now_ms(), {ORGANIZATION: TIER})
        await self._operator.submit(sign_document(policy, self._key).to_json())
        self._policy = policy
        self._view.milestone(
            "policy signed", f"{ORGANIZATION} is in tier {TIER}; signed with the operator's offline key"
        )
        source = scaffold()
        wasm = build(source[MANIFEST_NAME], SOURCE_NAME, source[SOURCE_NAME].encode())
        async with OrganizationClient(self._issue(Role.ORGANIZATION, ORGANIZATION)) as client:
            spy = await client.upload(assemble(_SPY, "spy.wat"))
            if spy.report.admissible:
                raise ServerError("A module with imports was admitted.")
            finding = spy.report.findings[0]
            self._view.milestone("module refused", f"{finding.message} {finding.advice}")
            module = await client.upload(wasm)
        if not module.report.admissible:
            raise ServerError(f"The demo's module was refused: {module.report.findings[0].message}")
        self._view.milestone("module admitted", f"{module.name} {module.version}, {len(wasm)} bytes, imports nothing")
        return module

    async def _approve(self, module: Module) -> None:
        document = approval(
            organization=module.organization,
            trigger=module.name,
            module_digest=module.digest,
            report_digest=module.report.digest,
            policy=self._policy,
            version=1,
            now_ms=self._clock.now_ms(),
            days=365,
            fuel_max=None,
        )
        await self._operator.submit(sign_document(document, self._key).to_json())
        self._view.milestone("module approved", f"digest {module.digest[:19]}, signed offline, verified by the edge")

    async def _decide(self) -> None:
        consenting = max(1, round(len(self._street.homes) * CONSENTING_SHARE))
        refusing = round(len(self._street.homes) * REFUSING_SHARE)
        bits = 0.0
        for number, home in enumerate(self._street.homes[: consenting + refusing]):
            async with HouseholdClient(home.identity) as client:
                offer = (await client.offers())[0]
                bits = offer.leak_bits_per_day
                if number < consenting:
                    consent = await client.grant(offer.terms)
                    self._tally.consents[home.name] = consent.consent_id
                    self._tally.ever_consented.add(home.name)
                else:
                    await client.refuse(offer.terms)
        self._view.milestone(
            "households decided",
            f"{consenting} consented (at most {bits:.1f} bits a day), {refusing} refused, "
            f"{len(self._street.homes) - consenting - refusing} did not answer",
        )

    async def _open_streams(self, stack: AsyncExitStack) -> None:
        for home in self._street.homes:
            home.meter.start()
            stack.push_async_callback(home.meter.stop)
            if home.name in self._tally.consents:
                household = ReadingHousehold(home.identity, self._receive)
                household.start()
                stack.push_async_callback(household.stop)

    async def _live_through(self) -> None:
        withdrawing = list(self._tally.consents)[: round(len(self._street.homes) * WITHDRAWING_SHARE)]
        began_s = time.monotonic()
        for number in range(self._plan.slots):
            await asyncio.sleep(began_s + number * self._plan.slot_real_s - time.monotonic())
            slot_ms = self._plan.start_ms + (number + 1) * SLOT_MS
            # Meters report what has been, so the quarter-hour has to be over; its slot has not come yet.
            self._clock.advance_to(slot_ms - 1)
            await self._until_evaluated()
            readings, street_w = await self._street.report(slot_ms)
            self._tally.readings += readings
            self._clock.advance_to(slot_ms)
            await self._until_evaluated()
            self._tick(slot_ms, number + 1, street_w)
            if number + 1 == self._plan.slots // 2:
                await self._withdraw(withdrawing)
        await self._until_delivered()

    async def _until_evaluated(self) -> None:
        """Returns when the edge has done what the slot asked for; raises what it failed with, if it did."""
        failed = asyncio.create_task(self._app.failed())
        slept = asyncio.create_task(self._clock.until_somebody_sleeps())
        done, pending = await asyncio.wait([failed, slept], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()

    async def _withdraw(self, names: list[str]) -> None:
        for home in self._street.homes:
            if home.name in names:
                async with HouseholdClient(home.identity) as client:
                    await client.withdraw(self._tally.consents.pop(home.name))
        if names:
            self._view.milestone("consents withdrawn", f"{len(names)} households, before the next evaluation")

    async def _until_delivered(self) -> None:
        """Waits for the actions still on their way; what a household that withdrew did not fetch is cancelled."""
        deadline_s = time.monotonic() + _DELIVERY_S_MAX
        while time.monotonic() < deadline_s:
            waiting = [home for home in self._street.homes if home.name in self._tally.consents]
            for home in waiting:
                inbox = await inbox_of(home.identity)
                if len(inbox) > len(self._tally.received.get(home.name, ())):
                    break
            else:
                return
            await asyncio.sleep(0.1)
        raise ServerError("Actions were not delivered in time.")

    async def _conclude(self, early_head: TreeHead, began_s: float) -> DemoResult:
        inboxes = {home.name: await inbox_of(home.identity) for home in self._street.homes}
        reached = {name for name, actions in inboxes.items() if actions}
        strangers = reached - self._tally.ever_consented
        self._view.milestone(
            "exactly those who consented",
            f"{len(reached)} households got recommendations, {len(strangers)} of them without consent",
        )
        audit_ok = await self._check_log(early_head)
        status = await self._operator.status()
        bytes_in, bytes_out = self._app.metrics.bytes_moved()
        return DemoResult(
            households=status.households,
            households_consenting=len(self._tally.ever_consented),
            households_with_actions=len(reached),
            households_with_actions_but_no_consent=len(strangers),
            readings=status.readings,
            evaluations=status.evaluations,
            faults=status.faults,
            actions_delivered=status.actions_delivered,
            releases=status.releases,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            reading_to_action_ms=Latency.of(self._tally.latencies_ms),
            audit_entries=status.audit_entries,
            audit_ok=audit_ok,
            simulated_s=self._plan.slots * SLOT_MS // 1000,
            real_s=round(time.monotonic() - began_s, 1),
        )

    async def _head(self) -> TreeHead:
        async with AuditClient(self._operator.identity) as client:
            return await client.head()

    async def _check_log(self, early_head: TreeHead) -> bool:
        """Verifies, as the operator and as a household, every entry that concerns it and that the log only grew."""
        verified = 0
        for identity in (self._operator.identity, self._street.homes[0].identity):
            async with AuditClient(identity) as client:
                head = await client.head(early_head)
                verified += len([entry async for entry in client.entries(head)])
        self._view.milestone("audit log verified", f"{head.tree_size} entries, signed head, {verified} proofs checked")
        return True

    def _receive(self, household: str, action: Action) -> None:
        sent_s = self._street.home(household).meter.sent_s
        self._tally.latencies_ms.append((time.monotonic() - sent_s) * 1000)
        self._tally.received.setdefault(household, []).append(action)
        self._view.action(f"{household}: {action.recommendation.text['en']}")

    def _tick(self, slot_ms: int, slots: int, street_w: int) -> None:
        counts = {
            "readings durable": self._tally.readings,
            "consents in force": len(self._tally.consents),
            "recommendations": sum(len(actions) for actions in self._tally.received.values()),
            "audit entries": int(self._app.metrics.registry.get_sample_value("edge_audit_entries") or 0),
        }
        self._view.tick(slot_ms, slots / self._plan.slots, street_w, counts)

    def _issue(self, role: Role, name: str) -> Identity:
        address = f"127.0.0.1:{self._app.port}"
        identity, _ = self._register.issue(role, name, address, SystemClock().now_ms(), valid_days=2)
        return identity


def _settings(provisioned: Provisioned) -> Settings:
    settings = load(provisioned.edge_folder / FILE_NAME)
    return settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"host": "127.0.0.1", "port": 0, "shutdown_s_max": 0.2}),
            "metrics": settings.metrics.model_copy(update={"enabled": False}),
            # Simulated time stands still until every meter has delivered.
            "evaluation": settings.evaluation.model_copy(update={"settle_s": 0}),
        }
    )
