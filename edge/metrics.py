"""What the edge counts for its operator. Numbers over all households only: no label names a meter or a household."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from edge.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Metrics:
    """One set of metrics in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "edge_rpc_calls", "RPCs by method and status.", ["method", "status"], registry=self.registry
        )
        self.bytes_in = Counter("edge_bytes_in", "Bytes of the messages that came in.", registry=self.registry)
        self.bytes_out = Counter("edge_bytes_out", "Bytes of the messages that went out.", registry=self.registry)
        self.streams = Gauge("edge_meter_streams", "Meter streams that are open.", registry=self.registry)
        self.readings = Counter("edge_readings", "Readings stored.", registry=self.registry)
        self.duplicates = Counter(
            "edge_readings_duplicate", "Readings that were stored before.", registry=self.registry
        )
        self.refused = Counter(
            "edge_readings_refused", "Readings refused, by reason.", ["reason"], registry=self.registry
        )
        self.missing = Counter(
            "edge_readings_missing",
            "Numbers that gateways passed over: readings lost here, by damage or an old backup, or there.",
            registry=self.registry,
        )
        self.commit_s = Histogram("edge_commit_seconds", "Time of one commit of readings.", registry=self.registry)
        self.evaluations = Counter("edge_evaluations", "Households evaluated.", ["trigger"], registry=self.registry)
        self.faults = Counter(
            "edge_faults", "Evaluations that faulted, by code.", ["trigger", "code"], registry=self.registry
        )
        self.quarantines = Counter(
            "edge_quarantines", "Times a module was quarantined.", ["trigger"], registry=self.registry
        )
        self.actions = Counter("edge_actions", "Actions created.", ["trigger"], registry=self.registry)
        self.delivered = Counter(
            "edge_actions_delivered", "Actions acknowledged by households.", registry=self.registry
        )
        self.evaluation_s = Histogram(
            "edge_evaluation_seconds",
            "Time of one trigger at one slot, from its first query to its outcomes durable and recorded.",
            registry=self.registry,
        )
        self.audit_entries = Gauge("edge_audit_entries", "Entries of the audit log.", registry=self.registry)

    def note_slot(self, trigger: str, evaluations: int, faults: Mapping[str, int], actions: int) -> None:
        """Counts what one trigger came to at one slot; `faults` by code."""
        self.evaluations.labels(trigger).inc(evaluations)
        for code, count in faults.items():
            self.faults.labels(trigger, code).inc(count)
        self.actions.labels(trigger).inc(actions)

    def streams_open(self) -> int:
        """Returns how many meter streams are open now."""
        return int(self.registry.get_sample_value("edge_meter_streams") or 0)

    def bytes_moved(self) -> tuple[int, int]:
        """Returns how many bytes of messages came in and went out."""
        moved_in = self.registry.get_sample_value("edge_bytes_in_total") or 0
        moved_out = self.registry.get_sample_value("edge_bytes_out_total") or 0
        return int(moved_in), int(moved_out)


def serve(metrics: Metrics, host: str, port: int) -> Callable[[], None]:
    """Serves metrics over HTTP in a thread; returns what ends that.

    Raises:
        SettingsError: the port is not free.
    """
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise SettingsError(
            f"Metrics cannot be served on {host}:{port}: {error.strerror}.",
            advice="Set metrics.port to a free one, or metrics.enabled = false.",
            reason="PORT_IN_USE",
        ) from error

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close
