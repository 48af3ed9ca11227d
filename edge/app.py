"""The composition root: the only place where rooms are wired together."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog
from prometheus_client import start_http_server

from edge.channels.inbox import InboxChannel
from edge.clock import Clock, SystemClock
from edge.domain.window import LocalTime
from edge.errors import EdgeError, SettingsError
from edge.metrics import Metrics
from edge.rpc.audit import AuditServicer
from edge.rpc.gate import Gate
from edge.rpc.household import HouseholdServicer
from edge.rpc.meter import MeterServicer
from edge.rpc.operator import OperatorServicer
from edge.rpc.organization import OrganizationServicer
from edge.rpc.server import RpcServer, Servicers, TlsFiles
from edge.sandbox.sandbox import Sandbox
from edge.services.admit import Admission
from edge.services.audit import AuditLog
from edge.services.cancel import Cancellation
from edge.services.conclude import Conclusion
from edge.services.consent import Consents
from edge.services.control import Control
from edge.services.dispatch import Dispatch
from edge.services.documents import Documents
from edge.services.enrol import Enrolment
from edge.services.evaluate import Evaluator
from edge.services.examine import Examination
from edge.services.faults import FaultWatch
from edge.services.ingest import Ingest
from edge.services.keep import Keeper
from edge.services.live import LiveReadings
from edge.services.load import Guests
from edge.services.meter_record import MeterRecords
from edge.services.organizations import Organizations
from edge.services.reader import Readers
from edge.services.receipt import Receipts
from edge.services.record import Recorder
from edge.services.replay import Replays
from edge.services.retain import Retention
from edge.services.shadow import Shadows
from edge.services.status import StatusReport
from edge.services.view import HouseholdView
from edge.settings import FILE_NAME
from edge.store.store import Store
from edge.trust.documents import precedence
from edge.trust.keys import SigningKey
from edge_sdk.envelope import VerifyKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.domain.meter import Meter
    from edge.settings import PathsSection, Settings

_log = structlog.get_logger(__name__)


class Application:
    """One edge, from its settings. `start` it, `stop` it; both once."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Opens the store and wires the rooms.

        Args:
            settings: with absolute paths, as `edge.settings.load` returns them.
            clock: the time the edge lives in; the machine's if None.
            random_bytes: source of salts and ids.

        Raises:
            SettingsError: a file that the settings name is missing or cannot be used.
            StoreError: the data folder cannot be used.
        """
        self._settings = settings
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        edge_id, paths = settings.edge.id, settings.paths
        device_key = SigningKey.load(paths.device_key)
        operator_key = VerifyKey.from_pem(_read(paths.operator_public_key))
        self._store = open_store(settings, settings.paths.data)
        self._sandbox = Sandbox(settings.sandbox)
        store, clock = self._store, self.clock

        self._audit = AuditLog(store, edge_id, device_key, clock, random_bytes, self.metrics)
        self._cancellation = Cancellation(self._audit, clock)
        self._documents = Documents(store, self._audit, self._cancellation, edge_id, operator_key, clock)
        self._watch = FaultWatch(store, self._audit, self._cancellation, settings.faults, clock, self.metrics)
        self._shadows = Shadows(store, self._audit)
        self._live = LiveReadings(store, settings.household_view)
        self._view = HouseholdView(store, settings.household_view, clock)
        self._ingest = Ingest(store, settings.ingest, clock, self.metrics, self._live.note_durable)
        self._admission = Admission(
            store,
            self._audit,
            Examination(self._sandbox, settings.sandbox),
            settings.sandbox,
            self._documents.policy,
            clock,
            settings.admission,
        )
        self._consents = Consents(store, self._audit, self._documents, settings.consent, clock, random_bytes)
        self._receipts = Receipts(store, clock, edge_id, device_key)
        self._dispatch = Dispatch(store, InboxChannel(), (), settings.actions, self.metrics)
        self._recorder = Recorder(store.recordings, settings.replay, clock)
        self._replays = Replays(store, self._audit, settings.sandbox, settings.replay, clock)
        self.evaluator = Evaluator(
            store,
            self._audit,
            self._documents,
            Guests(store, self._sandbox, self._documents),
            self._dispatch,
            Conclusion(self._audit, self._documents, self._watch, self._shadows, settings.actions, clock),
            self._recorder,
            settings.evaluation,
            _local_time(settings),
            clock,
            self.metrics,
        )
        self.keeper = Keeper(store, self._audit, Retention(store, self._audit, settings.retention, clock), clock)
        gate = Gate(edge_id, SystemClock(), lambda: self._documents.revocations, self.metrics)
        self._server = RpcServer(settings.server, _tls_files(paths), gate, self._servicers())
        self._evaluating: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._metrics_server: Callable[[], None] | None = None

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self._server.port

    async def start(self) -> None:
        """Puts provisioned documents in force, then begins to take readings, to evaluate and to answer."""
        for file in _documents(self._settings.paths.documents):
            await self._submit_provisioned(file)
        await self._ingest.start()
        await self._recorder.forget_old()
        self._evaluating = asyncio.create_task(self.evaluator.run(), name="evaluator")
        self._keeping = asyncio.create_task(self.keeper.run(), name="keeper")
        await self._server.start()
        if self._settings.metrics.enabled:
            self._metrics_server = self._serve_metrics()
        _log.info("edge_started", edge=self._settings.edge.id, port=self.port)

    async def stop(self) -> None:
        """Lets calls and commits finish, then closes everything. What was acknowledged is on disk."""
        # The last named goes first; each goes, whatever became of the others.
        async with AsyncExitStack() as stack:
            stack.callback(_log.info, "edge_stopped", edge=self._settings.edge.id)
            stack.push_async_callback(asyncio.to_thread, self._store.close)
            stack.push_async_callback(asyncio.to_thread, self._recorder.close)
            stack.callback(self._sandbox.close)
            stack.push_async_callback(asyncio.to_thread, self._admission.close)
            if self._metrics_server is not None:
                stack.callback(self._metrics_server)
            stack.push_async_callback(self._ingest.stop)
            stack.push_async_callback(asyncio.to_thread, self.evaluator.close)
            stack.push_async_callback(asyncio.to_thread, self._replays.close)
            stack.push_async_callback(asyncio.to_thread, self._view.close)
            stack.push_async_callback(_cancel, self._keeping)
            stack.push_async_callback(_cancel, self._evaluating)
            stack.push_async_callback(self._server.stop)
            stack.callback(self._live.close)
            # A compilation may take longer than whoever stops the edge waits: it ends now, and its upload says so.
            stack.callback(self._sandbox.stop_compiling)

    def _servicers(self) -> Servicers:
        settings, store, clock, edge_id = self._settings, self._store, self.clock, self._settings.edge.id
        records = MeterRecords(store, clock, settings.enrolment.page_gaps_max)
        operator = OperatorServicer(
            Enrolment(store, self._audit, clock, settings.enrolment.page_meters_max, self._note_meter),
            self._admission,
            self._documents,
            Control(store, self._audit, self._cancellation, clock),
            Organizations(store, self._audit, self._documents, self._cancellation, clock),
            self._watch,
            self._shadows,
            StatusReport(store, self._audit, self._documents, clock),
            self._replays,
            records,
            edge_id,
            clock,
            self.metrics,
        )
        return Servicers(
            MeterServicer(self._ingest, records, edge_id, settings.ingest, self.metrics),
            HouseholdServicer(
                self._consents,
                self._receipts,
                self._dispatch,
                self._view,
                self._live,
                Readers(store, self._audit, clock),
                settings.edge,
                clock,
            ),
            OrganizationServicer(self._admission, edge_id, clock),
            operator,
            AuditServicer(self._audit, edge_id, settings.audit.page_entries_max),
        )

    def _note_meter(self, meter: Meter) -> None:
        self._live.note_meter(meter)
        if meter.retired_ms is not None:
            self._ingest.note_retired(meter.meter_id)

    async def failed(self) -> None:
        """Returns when the evaluator has ended, which it does only by failing; raises what it failed with."""
        if self._evaluating is not None:
            await asyncio.shield(self._evaluating)

    async def _submit_provisioned(self, file: Path) -> None:
        try:
            await self._documents.submit(_read(file))
        except EdgeError as error:
            # Seen before: the ordinary case at every start but the first.
            if error.reason != "DOCUMENT_OUTDATED":
                _log.error("provisioned_document_refused", file=file.name, reason=error.reason, error=str(error))

    def _serve_metrics(self) -> Callable[[], None]:
        section = self._settings.metrics
        try:
            server, thread = start_http_server(section.port, section.host, self.metrics.registry)
        except OSError as error:
            raise SettingsError(
                f"Metrics cannot be served on {section.host}:{section.port}: {error.strerror}.",
                advice="Set metrics.port to a free one, or metrics.enabled = false.",
                reason="PORT_IN_USE",
            ) from error

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return close


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


def settings_file(folder: Path) -> Path:
    """Returns where the settings of the edge in a folder are; what `edge init` made has them in its folder `edge`."""
    return folder / FILE_NAME if (folder / FILE_NAME).exists() else folder / "edge" / FILE_NAME


def open_store(settings: Settings, folder: Path) -> Store:
    """Opens the store in a folder with an edge's key and bounds.

    Raises:
        SettingsError: the key is missing.
        StoreError: see `Store.open`.
    """
    return Store.open(
        folder,
        _read(settings.paths.store_key).decode("ascii").strip(),
        memory_bytes_max=settings.store.memory_bytes_max,
        threads_max=settings.store.threads_max,
        write_queue_max=settings.store.write_queue_max,
    )


def _tls_files(paths: PathsSection) -> TlsFiles:
    return TlsFiles(_read(paths.tls_certificate), _read(paths.tls_key), _read(paths.tls_ca))


def _documents(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda file: (precedence(_read(file)), file.name))


def _local_time(settings: Settings) -> LocalTime:
    section = settings.edge
    return LocalTime(section.zone, section.tariff_normal_from_hour, section.tariff_normal_until_hour)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The file {file} cannot be read: {error.strerror}.",
            advice="`edge init` makes every file that an edge needs; the settings say where they are.",
        ) from error
