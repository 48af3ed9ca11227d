"""Every setting and every limit of an edge, in one place, with its unit in its name.

`load` reads a TOML file into frozen values; a key that is not here is refused, for a misspelt limit is no limit.
Relative paths are relative to the folder of the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomli_w
from pydantic import AfterValidator, Field, ValidationError, model_validator

from edge.errors import SettingsError
from edge.settings_evaluation import (
    AdmissionSection,
    EvaluationSection,
    FaultsSection,
    ReplaySection,
    SandboxLimits,
)
from edge.settings_people import (
    ActionsSection,
    AuditSection,
    ConsentSection,
    EnrolmentSection,
    HouseholdViewSection,
)
from edge.settings_section import MIB, Section, positive
from edge_sdk.text import problems_of

__all__ = [
    "FILE_NAME",
    "MIB",
    "ActionsSection",
    "AdmissionSection",
    "AuditSection",
    "ConsentSection",
    "EdgeSection",
    "EnrolmentSection",
    "EvaluationSection",
    "FaultsSection",
    "HouseholdViewSection",
    "IngestSection",
    "LogSection",
    "MetricsSection",
    "PathsSection",
    "ReplaySection",
    "RetentionSection",
    "SandboxLimits",
    "ServerSection",
    "Settings",
    "StoreSection",
    "load",
    "to_toml",
]

FILE_NAME = "settings.toml"


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of the database, such as Europe
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as Europe/Amsterdam") from error
    return name


class EdgeSection(Section):
    """Which edge this is and where it stands."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Amsterdam"
    """Decides local hours and weekdays. Stored times are UTC whatever it is."""
    tariff_normal_from_hour: Annotated[int, Field(ge=0, le=23)] = 7
    """On working days the normal tariff begins at this local hour ..."""
    tariff_normal_until_hour: Annotated[int, Field(ge=1, le=24)] = 23
    """... and ends at this one; all other time is low tariff."""

    @model_validator(mode="after")
    def _tariff_begins_before_it_ends(self) -> Self:
        if self.tariff_normal_from_hour >= self.tariff_normal_until_hour:
            raise ValueError("tariff_normal_from_hour is not before tariff_normal_until_hour")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as Python knows it."""
        return ZoneInfo(self.timezone)


class PathsSection(Section):
    """Where files are."""

    data: Path = Path("data")
    store_key: Path = Path("secrets/store.key")
    tls_certificate: Path = Path("tls/cert.pem")
    tls_key: Path = Path("secrets/tls.key")
    tls_ca: Path = Path("tls/ca.pem")
    device_key: Path = Path("secrets/device.key")
    operator_public_key: Path = Path("operator.pub")
    documents: Path = Path("documents")
    """Signed documents that are put in force at start, if they are newer than what is."""


class ServerSection(Section):
    """The gRPC server."""

    host: str = "0.0.0.0"  # noqa: S104 - clients come from outside; every connection needs a certificate
    port: Annotated[int, Field(ge=0, le=65_535)] = 7443
    """0 lets the system choose."""
    message_bytes_max: int = positive(4 * MIB)
    connections_streams_max: int = positive(100)
    keepalive_s: int = positive(60)
    """After so long a silence a connection is pinged, and given up half as long after without an answer."""
    shutdown_s_max: Annotated[float, Field(gt=0, le=5)] = 2.0
    """How long calls may finish after SIGTERM."""


class MetricsSection(Section):
    """Prometheus metrics over HTTP. They carry counts only, and listen on this machine only unless told otherwise."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464


class LogSection(Section):
    """What is logged: structured lines on standard error. A reading never is."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class IngestSection(Section):
    """What is accepted from meters."""

    batch_readings_max: int = positive(500, up_to=10_000)
    """Readings in one message."""
    flush_readings: int = positive(500)
    flush_ms: int = positive(100)
    """A commit is made when either is reached."""
    unacknowledged_batches_max: int = positive(32)
    """Batches of one stream that may wait for their commit; beyond that the stream is not read."""
    group_readings_max: int = positive(10_000)
    """Readings of one commit."""
    pending_readings_max: int = positive(40_000)
    """Readings of all streams that may wait for their commit; beyond that no stream is read."""
    meter_readings_per_s_max: int = positive(200_000)
    meter_readings_burst_max: int = positive(400_000)
    """A meter that brings more is read more slowly."""
    readings_per_s_max: int = positive(400_000)
    readings_burst_max: int = positive(800_000)
    """The same for all meters together."""
    meter_streams_max: int = positive(8)
    """Streams of one meter that may be open."""
    meter_spools_max: int = positive(64)
    """Spools of one meter that are known."""
    future_s_max: int = positive(120)
    """How far ahead of the edge's clock a reading may be."""
    ahead_s_max: int = positive(86_400)
    """One that is further ahead, but no further than this, waits at its gateway: one of the two clocks is wrong."""
    past_days_max: int = positive(35)
    """How old a reading may be when it arrives."""
    power_w_max: int = positive(100_000, up_to=10**12)
    energy_wh_max: int = positive(10_000_000_000, up_to=10**15)
    voltage_dv_max: int = positive(5_000, up_to=2**31 - 1)
    current_ma_max: int = positive(200_000, up_to=2**31 - 1)
    volume_l_max: int = positive(1_000_000_000, up_to=10**15)
    keep_raw: bool = False
    """Whether registers that no field has are kept as the meter said them."""
    raw_registers_max: int = positive(64, up_to=1_000)
    """Of one reading."""
    raw_chars_max: int = positive(256, up_to=10_000)
    """Of one of them: code, value and unit together."""

    @model_validator(mode="after")
    def _batch_fits(self) -> Self:
        for name in ("group_readings_max", "pending_readings_max"):
            if getattr(self, name) < self.batch_readings_max:
                raise ValueError(f"{name} is less than batch_readings_max")
        return self


class StoreSection(Section):
    """The database."""

    memory_bytes_max: int = positive(1024 * MIB)
    threads_max: int = positive(1)
    write_queue_max: int = positive(1_000)
    """Pieces of work that may wait for the writer."""


class RetentionSection(Section):
    """How long readings are kept. A day is removed whole, when it is older than this."""

    raw_days: Annotated[int, Field(ge=8)] = 40
    """Of readings. Windows reach 7 days back, and may be finer than roll-ups."""
    rollup_days: Annotated[int, Field(ge=8)] = 400
    """Of roll-ups, which windows of whole minutes come from when the readings are gone."""
    store_bytes_max: Annotated[int, Field(ge=0)] = 0
    """Of all files. The oldest days go first, then the oldest roll-ups, never today's. 0 sets no bound."""

    @model_validator(mode="after")
    def _rollups_outlive_readings(self) -> Self:
        if self.rollup_days < self.raw_days:
            raise ValueError("rollup_days is less than raw_days")
        return self


class Settings(Section):
    """All of it."""

    edge: EdgeSection
    paths: PathsSection = PathsSection()
    server: ServerSection = ServerSection()
    metrics: MetricsSection = MetricsSection()
    log: LogSection = LogSection()
    ingest: IngestSection = IngestSection()
    store: StoreSection = StoreSection()
    retention: RetentionSection = RetentionSection()
    evaluation: EvaluationSection = EvaluationSection()
    faults: FaultsSection = FaultsSection()
    replay: ReplaySection = ReplaySection()
    sandbox: SandboxLimits = SandboxLimits()
    admission: AdmissionSection = AdmissionSection()
    enrolment: EnrolmentSection = EnrolmentSection()
    consent: ConsentSection = ConsentSection()
    household_view: HouseholdViewSection = HouseholdViewSection()
    actions: ActionsSection = ActionsSection()
    audit: AuditSection = AuditSection()


def load(file: Path) -> Settings:
    """Reads a settings file.

    Raises:
        SettingsError: missing, not TOML, an unknown key, or a value out of its bounds; names the key.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The settings file {file} cannot be read: {error.strerror}.", advice="Make one with `edge init DIR`."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError(f"The settings file {file} is not valid: {problems_of(error, 'settings')}.") from error
    return settings.model_copy(update={"paths": _absolute(settings.paths, file.resolve().parent)})


def to_toml(settings: Settings) -> str:
    """Writes every setting with its value, so that the file shows all there is to set."""
    return tomli_w.dumps(settings.model_dump(mode="json"))


def _absolute(paths: PathsSection, folder: Path) -> PathsSection:
    return PathsSection(**{name: folder / path for name, path in paths.model_dump().items()})
