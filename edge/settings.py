"""Every setting and every limit of an edge, in one place, with its unit in its name.

`load` reads a TOML file into frozen values; a key that is not here is refused, for a misspelt limit is no limit.
Relative paths are relative to the folder of the file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import SettingsError
from edge_sdk.text import problems_of

FILE_NAME = "settings.toml"

MIB = 1024 * 1024


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of the database, such as Europe
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as Europe/Amsterdam") from error
    return name


def _positive(default: int, *, up_to: int | None = None) -> int:
    return Field(default=default, ge=1, le=up_to)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EdgeSection(_Section):
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


class PathsSection(_Section):
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


class ServerSection(_Section):
    """The gRPC server."""

    host: str = "0.0.0.0"  # noqa: S104 - clients come from outside; every connection needs a certificate
    port: Annotated[int, Field(ge=0, le=65_535)] = 7443
    """0 lets the system choose."""
    message_bytes_max: int = _positive(4 * MIB)
    connections_streams_max: int = _positive(100)
    keepalive_s: int = _positive(60)
    """After so long a silence a connection is pinged, and given up half as long after without an answer."""
    shutdown_s_max: Annotated[float, Field(gt=0, le=5)] = 2.0
    """How long calls may finish after SIGTERM."""


class MetricsSection(_Section):
    """Prometheus metrics over HTTP. They carry counts only, and listen on this machine only unless told otherwise."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464


class LogSection(_Section):
    """What is logged: structured lines on standard error. A reading never is."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class IngestSection(_Section):
    """What is accepted from meters."""

    batch_readings_max: int = _positive(500, up_to=10_000)
    """Readings in one message."""
    flush_readings: int = _positive(500)
    flush_ms: int = _positive(100)
    """A commit is made when either is reached."""
    unacknowledged_batches_max: int = _positive(32)
    """Batches of one stream that may wait for their commit; beyond that the stream is not read."""
    group_readings_max: int = _positive(10_000)
    """Readings of one commit."""
    pending_readings_max: int = _positive(40_000)
    """Readings of all streams that may wait for their commit; beyond that no stream is read."""
    meter_readings_per_s_max: int = _positive(200_000)
    meter_readings_burst_max: int = _positive(400_000)
    """A meter that brings more is read more slowly."""
    readings_per_s_max: int = _positive(400_000)
    readings_burst_max: int = _positive(800_000)
    """The same for all meters together."""
    meter_streams_max: int = _positive(8)
    """Streams of one meter that may be open."""
    meter_spools_max: int = _positive(64)
    """Spools of one meter that are known."""
    future_s_max: int = _positive(120)
    """How far ahead of the edge's clock a reading may be."""
    ahead_s_max: int = _positive(86_400)
    """One that is further ahead, but no further than this, waits at its gateway: one of the two clocks is wrong."""
    past_days_max: int = _positive(35)
    """How old a reading may be when it arrives."""
    power_w_max: int = _positive(100_000, up_to=10**12)
    energy_wh_max: int = _positive(10_000_000_000, up_to=10**15)
    voltage_dv_max: int = _positive(5_000, up_to=2**31 - 1)
    current_ma_max: int = _positive(200_000, up_to=2**31 - 1)
    volume_l_max: int = _positive(1_000_000_000, up_to=10**15)
    keep_raw: bool = False
    """Whether registers that no field has are kept as the meter said them."""
    raw_registers_max: int = _positive(64, up_to=1_000)
    """Of one reading."""
    raw_chars_max: int = _positive(256, up_to=10_000)
    """Of one of them: code, value and unit together."""

    @model_validator(mode="after")
    def _batch_fits(self) -> Self:
        for name in ("group_readings_max", "pending_readings_max"):
            if getattr(self, name) < self.batch_readings_max:
                raise ValueError(f"{name} is less than batch_readings_max")
        return self


class StoreSection(_Section):
    """The database."""

    memory_bytes_max: int = _positive(1024 * MIB)
    threads_max: int = _positive(1)
    write_queue_max: int = _positive(1_000)
    """Pieces of work that may wait for the writer."""


class RetentionSection(_Section):
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


class EvaluationSection(_Section):
    """When triggers run."""

    settle_s: Annotated[int, Field(ge=0, le=300)] = 5
    """How long after a slot its readings may still arrive."""
    catch_up_s_max: int = _positive(900)
    """Slots missed by no more than this are evaluated after a restart; older ones are recorded as missed."""


class FaultsSection(_Section):
    """When a module whose evaluations fault has to sit out."""

    share_max: Annotated[float, Field(ge=0, le=1)] = 0.1
    """A slot where a larger share of its evaluations faults is bad. With 1 none is, and no module is ever stopped."""
    sit_out_slots_max: int = _positive(96, up_to=10_000)
    """After bad slots in a row it sits out 1, 2, 4, ... slots, but never more than this."""
    quarantine_after: int = _positive(5, up_to=1_000)
    """After so many bad slots in a row it is quarantined."""


class ReplaySection(_Section):
    """What is kept of evaluations so that they can be replayed. It holds readings a second time."""

    keep_days: Annotated[int, Field(ge=0, le=366)] = 7
    """UTC days before today whose recordings are kept; 0 keeps none at all."""
    bytes_per_day_max: int = _positive(256 * MIB)
    """On disk. Beyond it what comes is not recorded, and says so."""
    evaluations_max: int = _positive(20_000)
    """Of one replay."""


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What a module may be, what compiling it may cost, and what one evaluation may use.

    Attributes:
        module_bytes_max: the binary as uploaded.
        types_max: entries of the type section.
        params_max: parameters of one type; a block can have as many, and each branch to it carries them.
        results_max: results of one type; each call gives the compiler as many values, and is two bytes long.
        functions_max: functions the module defines.
        function_body_bytes_max: code of one function; the compiler's cost grows faster than this.
        locals_max: locals one function declares; with many blocks they are what makes a compile bomb.
        globals_max: globals the module defines.
        exports_max: entries of the export section.
        export_name_bytes_max: one name of the export section; every instance reads them all.
        element_segments_max: segments that fill the table; every instance runs them, and no fuel covers that.
        elements_max: of all element segments together; the same.
        table_elements_max: elements of the table, at the start and after any growth.
        memory_bytes_max: the memory, at the start and after any growth.
        data_segments_max: segments that fill the memory; every instance may have to copy each, and no fuel covers it.
        data_bytes_max: all data segments together.
        compile_s_max: wall-clock seconds of compilation, the child's start included.
        compile_memory_bytes_max: address space of the compiling child.
        fuel_max: fuel of one evaluation, unless the approval names less; as much again prepares the instance before it.
        evaluation_wall_s_max: wall-clock seconds of one evaluation: the second line behind fuel.
        stack_bytes_max: stack of one evaluation.
        input_samples_max: f64 samples of the input block.
    """

    # A plain value to the sandbox, checked like every other section when it is read from the file.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    module_bytes_max: Count = 1 * MIB
    types_max: Count = 1_000
    params_max: Count = 64
    results_max: Count = 16
    functions_max: Count = 2_000
    function_body_bytes_max: Count = 64 * 1024
    locals_max: Count = 1_000
    globals_max: Count = 64
    exports_max: Count = 64
    export_name_bytes_max: Count = 1_024
    element_segments_max: Count = 64
    elements_max: Count = 1_024
    table_elements_max: Count = 1_024
    memory_bytes_max: Count = 4 * MIB
    data_segments_max: Count = 1_000
    data_bytes_max: Count = 1 * MIB
    compile_s_max: Seconds = 20.0
    compile_memory_bytes_max: Count = 2_048 * MIB
    fuel_max: Count = 10_000_000
    evaluation_wall_s_max: Seconds = 1.0
    stack_bytes_max: Count = 256 * 1024
    input_samples_max: Count = 4_096


class AdmissionSection(_Section):
    """What organizations may leave here."""

    modules_max: int = _positive(200)
    """Uploads kept of one organization, refused ones included."""
    page_modules_max: int = _positive(200, up_to=1_000)
    """In one answer of a list."""


class EnrolmentSection(_Section):
    """The register of meters."""

    page_meters_max: int = _positive(1_000, up_to=10_000)
    page_gaps_max: int = _positive(1_000, up_to=10_000)
    """In one answer of a list."""


class ConsentSection(_Section):
    """What households may decide."""

    days_default: int = _positive(365)
    days_max: int = _positive(730)
    decisions_max: int = _positive(500, up_to=1_000)
    """Grants and refusals kept of one household. Withdrawing makes none. As many as the bound fit into one message."""

    @model_validator(mode="after")
    def _default_within_bounds(self) -> Self:
        if self.days_default > self.days_max:
            raise ValueError("days_default is more than days_max")
        return self


class ActionsSection(_Section):
    """What reaches households."""

    valid_s: int = _positive(3_600)
    """After this an action is history, not to be acted on."""
    page_actions_max: int = _positive(200)


class AuditSection(_Section):
    """The audit log."""

    page_entries_max: int = _positive(500)


class Settings(_Section):
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
