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
MODULE_STATE_UNSPECIFIED: ModuleState
MODULE_STATE_PENDING: ModuleState
MODULE_STATE_REFUSED: ModuleState
MODULE_STATE_ACTIVE: ModuleState
MODULE_STATE_SUSPENDED: ModuleState
MODULE_STATE_SUPERSEDED: ModuleState
MODULE_STATE_REVOKED: ModuleState
MODULE_STATE_EXPIRED: ModuleState

class Module(_message.Message):
    __slots__ = ("digest", "organization", "name", "version", "state", "uploaded_ms", "admission", "approved_from_ms", "approved_until_ms", "approval_version", "report")
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
    def __init__(self, digest: _Optional[str] = ..., organization: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[_Union[ModuleState, str]] = ..., uploaded_ms: _Optional[int] = ..., admission: _Optional[_Union[AdmissionSummary, _Mapping]] = ..., approved_from_ms: _Optional[int] = ..., approved_until_ms: _Optional[int] = ..., approval_version: _Optional[int] = ..., report: _Optional[_Union[AdmissionReport, _Mapping]] = ...) -> None: ...

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
