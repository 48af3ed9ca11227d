from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModuleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODULE_STATE_UNSPECIFIED: _ClassVar[ModuleState]
    MODULE_STATE_PENDING: _ClassVar[ModuleState]
    MODULE_STATE_REFUSED: _ClassVar[ModuleState]
    MODULE_STATE_ACTIVE: _ClassVar[ModuleState]
    MODULE_STATE_SUSPENDED: _ClassVar[ModuleState]
    MODULE_STATE_SUPERSEDED: _ClassVar[ModuleState]
    MODULE_STATE_REVOKED: _ClassVar[ModuleState]
    MODULE_STATE_EXPIRED: _ClassVar[ModuleState]
    MODULE_STATE_QUARANTINED: _ClassVar[ModuleState]
    MODULE_STATE_SHADOW: _ClassVar[ModuleState]
MODULE_STATE_UNSPECIFIED: ModuleState
MODULE_STATE_PENDING: ModuleState
MODULE_STATE_REFUSED: ModuleState
MODULE_STATE_ACTIVE: ModuleState
MODULE_STATE_SUSPENDED: ModuleState
MODULE_STATE_SUPERSEDED: ModuleState
MODULE_STATE_REVOKED: ModuleState
MODULE_STATE_EXPIRED: ModuleState
MODULE_STATE_QUARANTINED: ModuleState
MODULE_STATE_SHADOW: ModuleState

class Module(_message.Message):
    __slots__ = ("digest", "organization", "name", "version", "state", "uploaded_ms", "admission", "approved_from_ms", "approved_until_ms", "approval_version", "report", "health")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_MS_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FROM_MS_FIELD_NUMBER: _ClassVar[int]
    APPROVED_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    digest: str
    organization: str
    name: str
    version: str
    state: ModuleState
    uploaded_ms: int
    admission: AdmissionSummary
    approved_from_ms: int
    approved_until_ms: int
    approval_version: int
    report: AdmissionReport
    health: ModuleHealth
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[_Union[ModuleState, str]] = ..., uploaded_ms: _Optional[int] = ..., admission: _Optional[_Union[AdmissionSummary, _Mapping]] = ..., approved_from_ms: _Optional[int] = ..., approved_until_ms: _Optional[int] = ..., approval_version: _Optional[int] = ..., report: _Optional[_Union[AdmissionReport, _Mapping]] = ..., health: _Optional[_Union[ModuleHealth, _Mapping]] = ...) -> None: ...

class ModuleHealth(_message.Message):
    __slots__ = ("evaluations", "faults", "last_slot_ms", "last_slot_evaluations", "last_slot_faults", "last_fault_slot_ms", "bad_slots", "runs_again_ms", "quarantined_ms")
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    LAST_SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_SLOT_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_SLOT_FAULTS_FIELD_NUMBER: _ClassVar[int]
    LAST_FAULT_SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    BAD_SLOTS_FIELD_NUMBER: _ClassVar[int]
    RUNS_AGAIN_MS_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_MS_FIELD_NUMBER: _ClassVar[int]
    evaluations: int
    faults: FaultCounts
    last_slot_ms: int
    last_slot_evaluations: int
    last_slot_faults: FaultCounts
    last_fault_slot_ms: int
    bad_slots: int
    runs_again_ms: int
    quarantined_ms: int
    def __init__(self, evaluations: _Optional[int] = ..., faults: _Optional[_Union[FaultCounts, _Mapping]] = ..., last_slot_ms: _Optional[int] = ..., last_slot_evaluations: _Optional[int] = ..., last_slot_faults: _Optional[_Union[FaultCounts, _Mapping]] = ..., last_fault_slot_ms: _Optional[int] = ..., bad_slots: _Optional[int] = ..., runs_again_ms: _Optional[int] = ..., quarantined_ms: _Optional[int] = ...) -> None: ...

class FaultCounts(_message.Message):
    __slots__ = ("trap", "fuel", "wall_clock", "bad_outcome", "bad_inputs_address")
    TRAP_FIELD_NUMBER: _ClassVar[int]
    FUEL_FIELD_NUMBER: _ClassVar[int]
    WALL_CLOCK_FIELD_NUMBER: _ClassVar[int]
    BAD_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    BAD_INPUTS_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    trap: int
    fuel: int
    wall_clock: int
    bad_outcome: int
    bad_inputs_address: int
    def __init__(self, trap: _Optional[int] = ..., fuel: _Optional[int] = ..., wall_clock: _Optional[int] = ..., bad_outcome: _Optional[int] = ..., bad_inputs_address: _Optional[int] = ...) -> None: ...

class AdmissionSummary(_message.Message):
    __slots__ = ("admissible", "findings_count", "first_reason")
    ADMISSIBLE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_REASON_FIELD_NUMBER: _ClassVar[int]
    admissible: bool
    findings_count: int
    first_reason: str
    def __init__(self, admissible: _Optional[bool] = ..., findings_count: _Optional[int] = ..., first_reason: _Optional[str] = ...) -> None: ...

class AdmissionReport(_message.Message):
    __slots__ = ("digest", "admissible", "findings", "canonical_json")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ADMISSIBLE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_JSON_FIELD_NUMBER: _ClassVar[int]
    digest: str
    admissible: bool
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    canonical_json: bytes
    def __init__(self, digest: _Optional[str] = ..., admissible: _Optional[bool] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., canonical_json: _Optional[bytes] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("check", "reason", "message", "advice")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    check: str
    reason: str
    message: str
    advice: str
    def __init__(self, check: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...
