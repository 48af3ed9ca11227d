from edge_sdk.wire.v1 import meter_pb2 as _meter_pb2
from edge_sdk.wire.v1 import module_pb2 as _module_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MeterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METER_KIND_UNSPECIFIED: _ClassVar[MeterKind]
    METER_KIND_ELECTRICITY: _ClassVar[MeterKind]
    METER_KIND_SUB: _ClassVar[MeterKind]
    METER_KIND_GAS: _ClassVar[MeterKind]
METER_KIND_UNSPECIFIED: MeterKind
METER_KIND_ELECTRICITY: MeterKind
METER_KIND_SUB: MeterKind
METER_KIND_GAS: MeterKind

class Meter(_message.Message):
    __slots__ = ("meter_id", "household_id", "kind", "enrolled_ms", "retired_ms")
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLD_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_MS_FIELD_NUMBER: _ClassVar[int]
    RETIRED_MS_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    household_id: str
    kind: MeterKind
    enrolled_ms: int
    retired_ms: int
    def __init__(self, meter_id: _Optional[str] = ..., household_id: _Optional[str] = ..., kind: _Optional[_Union[MeterKind, str]] = ..., enrolled_ms: _Optional[int] = ..., retired_ms: _Optional[int] = ...) -> None: ...

class EnrolMeterRequest(_message.Message):
    __slots__ = ("meter_id", "household_id", "kind")
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLD_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    household_id: str
    kind: MeterKind
    def __init__(self, meter_id: _Optional[str] = ..., household_id: _Optional[str] = ..., kind: _Optional[_Union[MeterKind, str]] = ...) -> None: ...

class EnrolMeterResponse(_message.Message):
    __slots__ = ("meter",)
    METER_FIELD_NUMBER: _ClassVar[int]
    meter: Meter
    def __init__(self, meter: _Optional[_Union[Meter, _Mapping]] = ...) -> None: ...

class RetireMeterRequest(_message.Message):
    __slots__ = ("meter_id",)
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    def __init__(self, meter_id: _Optional[str] = ...) -> None: ...

class RetireMeterResponse(_message.Message):
    __slots__ = ("meter",)
    METER_FIELD_NUMBER: _ClassVar[int]
    meter: Meter
    def __init__(self, meter: _Optional[_Union[Meter, _Mapping]] = ...) -> None: ...

class ListMetersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMetersResponse(_message.Message):
    __slots__ = ("meters", "next_page_token")
    METERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    meters: _containers.RepeatedCompositeFieldContainer[Meter]
    next_page_token: str
    def __init__(self, meters: _Optional[_Iterable[_Union[Meter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OperatorServiceListModulesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class OperatorServiceListModulesResponse(_message.Message):
    __slots__ = ("modules", "next_page_token")
    MODULES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    modules: _containers.RepeatedCompositeFieldContainer[_module_pb2.Module]
    next_page_token: str
    def __init__(self, modules: _Optional[_Iterable[_Union[_module_pb2.Module, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OperatorServiceGetModuleRequest(_message.Message):
    __slots__ = ("digest", "organization")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ...) -> None: ...

class OperatorServiceGetModuleResponse(_message.Message):
    __slots__ = ("module",)
    MODULE_FIELD_NUMBER: _ClassVar[int]
    module: _module_pb2.Module
    def __init__(self, module: _Optional[_Union[_module_pb2.Module, _Mapping]] = ...) -> None: ...

class DownloadModuleRequest(_message.Message):
    __slots__ = ("digest", "organization")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ...) -> None: ...

class DownloadModuleResponse(_message.Message):
    __slots__ = ("wasm",)
    WASM_FIELD_NUMBER: _ClassVar[int]
    wasm: bytes
    def __init__(self, wasm: _Optional[bytes] = ...) -> None: ...

class SubmitDocumentRequest(_message.Message):
    __slots__ = ("envelope_json",)
    ENVELOPE_JSON_FIELD_NUMBER: _ClassVar[int]
    envelope_json: bytes
    def __init__(self, envelope_json: _Optional[bytes] = ...) -> None: ...

class SubmitDocumentResponse(_message.Message):
    __slots__ = ("kind", "version", "module")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    version: int
    module: _module_pb2.Module
    def __init__(self, kind: _Optional[str] = ..., version: _Optional[int] = ..., module: _Optional[_Union[_module_pb2.Module, _Mapping]] = ...) -> None: ...

class GetDocumentRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: str
    def __init__(self, kind: _Optional[str] = ...) -> None: ...

class GetDocumentResponse(_message.Message):
    __slots__ = ("envelope_json",)
    ENVELOPE_JSON_FIELD_NUMBER: _ClassVar[int]
    envelope_json: bytes
    def __init__(self, envelope_json: _Optional[bytes] = ...) -> None: ...

class SuspendModuleRequest(_message.Message):
    __slots__ = ("digest", "organization", "reason")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    reason: str
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SuspendModuleResponse(_message.Message):
    __slots__ = ("module",)
    MODULE_FIELD_NUMBER: _ClassVar[int]
    module: _module_pb2.Module
    def __init__(self, module: _Optional[_Union[_module_pb2.Module, _Mapping]] = ...) -> None: ...

class ResumeModuleRequest(_message.Message):
    __slots__ = ("digest", "organization")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ...) -> None: ...

class ResumeModuleResponse(_message.Message):
    __slots__ = ("module",)
    MODULE_FIELD_NUMBER: _ClassVar[int]
    module: _module_pb2.Module
    def __init__(self, module: _Optional[_Union[_module_pb2.Module, _Mapping]] = ...) -> None: ...

class ListApprovalsRequest(_message.Message):
    __slots__ = ("organization", "trigger")
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    organization: str
    trigger: str
    def __init__(self, organization: _Optional[str] = ..., trigger: _Optional[str] = ...) -> None: ...

class ListApprovalsResponse(_message.Message):
    __slots__ = ("envelopes_json",)
    ENVELOPES_JSON_FIELD_NUMBER: _ClassVar[int]
    envelopes_json: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, envelopes_json: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetShadowRequest(_message.Message):
    __slots__ = ("digest", "organization")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ...) -> None: ...

class GetShadowResponse(_message.Message):
    __slots__ = ("module", "slots", "total", "newest")
    MODULE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    module: _module_pb2.Module
    slots: int
    total: ShadowSlot
    newest: _containers.RepeatedCompositeFieldContainer[ShadowSlot]
    def __init__(self, module: _Optional[_Union[_module_pb2.Module, _Mapping]] = ..., slots: _Optional[int] = ..., total: _Optional[_Union[ShadowSlot, _Mapping]] = ..., newest: _Optional[_Iterable[_Union[ShadowSlot, _Mapping]]] = ...) -> None: ...

class ShadowSlot(_message.Message):
    __slots__ = ("slot_ms", "evaluations", "faults", "actions", "compared", "different")
    class ActionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    DIFFERENT_FIELD_NUMBER: _ClassVar[int]
    slot_ms: int
    evaluations: int
    faults: int
    actions: _containers.ScalarMap[str, int]
    compared: int
    different: int
    def __init__(self, slot_ms: _Optional[int] = ..., evaluations: _Optional[int] = ..., faults: _Optional[int] = ..., actions: _Optional[_Mapping[str, int]] = ..., compared: _Optional[int] = ..., different: _Optional[int] = ...) -> None: ...

class Organization(_message.Message):
    __slots__ = ("name", "tier", "suspended_ms", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    tier: str
    suspended_ms: int
    reason: str
    def __init__(self, name: _Optional[str] = ..., tier: _Optional[str] = ..., suspended_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ListOrganizationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOrganizationsResponse(_message.Message):
    __slots__ = ("organizations",)
    ORGANIZATIONS_FIELD_NUMBER: _ClassVar[int]
    organizations: _containers.RepeatedCompositeFieldContainer[Organization]
    def __init__(self, organizations: _Optional[_Iterable[_Union[Organization, _Mapping]]] = ...) -> None: ...

class SuspendOrganizationRequest(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SuspendOrganizationResponse(_message.Message):
    __slots__ = ("organization",)
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    organization: Organization
    def __init__(self, organization: _Optional[_Union[Organization, _Mapping]] = ...) -> None: ...

class ResumeOrganizationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeOrganizationResponse(_message.Message):
    __slots__ = ("organization",)
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    organization: Organization
    def __init__(self, organization: _Optional[_Union[Organization, _Mapping]] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("edge_id", "software_version", "time_ms", "started_ms", "households", "meters", "meters_connected", "readings", "readings_refused", "evaluations", "faults", "actions", "actions_delivered", "releases", "consents_in_force", "modules_active", "audit_entries", "policy_version", "modules_shadow", "modules_quarantined", "organizations_suspended", "modules_troubled", "store_bytes", "store_full", "days_of_readings", "days_of_rollups", "files_set_aside", "days_unusable")
    EDGE_ID_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLDS_FIELD_NUMBER: _ClassVar[int]
    METERS_FIELD_NUMBER: _ClassVar[int]
    METERS_CONNECTED_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    READINGS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    CONSENTS_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    MODULES_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    AUDIT_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULES_SHADOW_FIELD_NUMBER: _ClassVar[int]
    MODULES_QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATIONS_SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    MODULES_TROUBLED_FIELD_NUMBER: _ClassVar[int]
    STORE_BYTES_FIELD_NUMBER: _ClassVar[int]
    STORE_FULL_FIELD_NUMBER: _ClassVar[int]
    DAYS_OF_READINGS_FIELD_NUMBER: _ClassVar[int]
    DAYS_OF_ROLLUPS_FIELD_NUMBER: _ClassVar[int]
    FILES_SET_ASIDE_FIELD_NUMBER: _ClassVar[int]
    DAYS_UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    edge_id: str
    software_version: str
    time_ms: int
    started_ms: int
    households: int
    meters: int
    meters_connected: int
    readings: int
    readings_refused: int
    evaluations: int
    faults: int
    actions: int
    actions_delivered: int
    releases: int
    consents_in_force: int
    modules_active: int
    audit_entries: int
    policy_version: int
    modules_shadow: int
    modules_quarantined: int
    organizations_suspended: int
    modules_troubled: _containers.RepeatedCompositeFieldContainer[_module_pb2.Module]
    store_bytes: int
    store_full: bool
    days_of_readings: int
    days_of_rollups: int
    files_set_aside: int
    days_unusable: int
    def __init__(self, edge_id: _Optional[str] = ..., software_version: _Optional[str] = ..., time_ms: _Optional[int] = ..., started_ms: _Optional[int] = ..., households: _Optional[int] = ..., meters: _Optional[int] = ..., meters_connected: _Optional[int] = ..., readings: _Optional[int] = ..., readings_refused: _Optional[int] = ..., evaluations: _Optional[int] = ..., faults: _Optional[int] = ..., actions: _Optional[int] = ..., actions_delivered: _Optional[int] = ..., releases: _Optional[int] = ..., consents_in_force: _Optional[int] = ..., modules_active: _Optional[int] = ..., audit_entries: _Optional[int] = ..., policy_version: _Optional[int] = ..., modules_shadow: _Optional[int] = ..., modules_quarantined: _Optional[int] = ..., organizations_suspended: _Optional[int] = ..., modules_troubled: _Optional[_Iterable[_Union[_module_pb2.Module, _Mapping]]] = ..., store_bytes: _Optional[int] = ..., store_full: _Optional[bool] = ..., days_of_readings: _Optional[int] = ..., days_of_rollups: _Optional[int] = ..., files_set_aside: _Optional[int] = ..., days_unusable: _Optional[int] = ...) -> None: ...

class ReplayEvaluationRequest(_message.Message):
    __slots__ = ("trigger", "slot_ms", "interpreter")
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    INTERPRETER_FIELD_NUMBER: _ClassVar[int]
    trigger: str
    slot_ms: int
    interpreter: bool
    def __init__(self, trigger: _Optional[str] = ..., slot_ms: _Optional[int] = ..., interpreter: _Optional[bool] = ...) -> None: ...

class ReplayEvaluationResponse(_message.Message):
    __slots__ = ("same", "module_digest", "evaluations", "outcomes_differ", "faults_differ", "wall_clock", "fuel_same", "inputs_proven", "runtime_recorded", "runtime_replayed")
    SAME_FIELD_NUMBER: _ClassVar[int]
    MODULE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_DIFFER_FIELD_NUMBER: _ClassVar[int]
    FAULTS_DIFFER_FIELD_NUMBER: _ClassVar[int]
    WALL_CLOCK_FIELD_NUMBER: _ClassVar[int]
    FUEL_SAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_PROVEN_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_RECORDED_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_REPLAYED_FIELD_NUMBER: _ClassVar[int]
    same: bool
    module_digest: str
    evaluations: int
    outcomes_differ: int
    faults_differ: int
    wall_clock: int
    fuel_same: bool
    inputs_proven: bool
    runtime_recorded: str
    runtime_replayed: str
    def __init__(self, same: _Optional[bool] = ..., module_digest: _Optional[str] = ..., evaluations: _Optional[int] = ..., outcomes_differ: _Optional[int] = ..., faults_differ: _Optional[int] = ..., wall_clock: _Optional[int] = ..., fuel_same: _Optional[bool] = ..., inputs_proven: _Optional[bool] = ..., runtime_recorded: _Optional[str] = ..., runtime_replayed: _Optional[str] = ...) -> None: ...

class GetMeterRecordRequest(_message.Message):
    __slots__ = ("meter_id",)
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    def __init__(self, meter_id: _Optional[str] = ...) -> None: ...

class GetMeterRecordResponse(_message.Message):
    __slots__ = ("meter", "readings", "readings_today", "newest_ms", "received_ms", "delay_ms_min", "marks", "refused", "spools")
    class MarksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    METER_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    READINGS_TODAY_FIELD_NUMBER: _ClassVar[int]
    NEWEST_MS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_MS_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_MIN_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    SPOOLS_FIELD_NUMBER: _ClassVar[int]
    meter: Meter
    readings: int
    readings_today: int
    newest_ms: int
    received_ms: int
    delay_ms_min: int
    marks: _containers.ScalarMap[str, int]
    refused: _containers.ScalarMap[str, int]
    spools: _containers.RepeatedCompositeFieldContainer[SpoolRecord]
    def __init__(self, meter: _Optional[_Union[Meter, _Mapping]] = ..., readings: _Optional[int] = ..., readings_today: _Optional[int] = ..., newest_ms: _Optional[int] = ..., received_ms: _Optional[int] = ..., delay_ms_min: _Optional[int] = ..., marks: _Optional[_Mapping[str, int]] = ..., refused: _Optional[_Mapping[str, int]] = ..., spools: _Optional[_Iterable[_Union[SpoolRecord, _Mapping]]] = ...) -> None: ...

class SpoolRecord(_message.Message):
    __slots__ = ("spool_id", "last_sequence", "received_ms")
    SPOOL_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_MS_FIELD_NUMBER: _ClassVar[int]
    spool_id: str
    last_sequence: int
    received_ms: int
    def __init__(self, spool_id: _Optional[str] = ..., last_sequence: _Optional[int] = ..., received_ms: _Optional[int] = ...) -> None: ...

class ListMeterGapsRequest(_message.Message):
    __slots__ = ("meter_id", "query")
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    query: _meter_pb2.GapQuery
    def __init__(self, meter_id: _Optional[str] = ..., query: _Optional[_Union[_meter_pb2.GapQuery, _Mapping]] = ...) -> None: ...

class ListMeterGapsResponse(_message.Message):
    __slots__ = ("gaps", "next_page_token")
    GAPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    gaps: _containers.RepeatedCompositeFieldContainer[_meter_pb2.Gap]
    next_page_token: str
    def __init__(self, gaps: _Optional[_Iterable[_Union[_meter_pb2.Gap, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
