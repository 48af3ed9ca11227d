from edge_sdk.wire.v1 import meter_pb2 as _meter_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConsentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_STATE_UNSPECIFIED: _ClassVar[ConsentState]
    CONSENT_STATE_GRANTED: _ClassVar[ConsentState]
    CONSENT_STATE_WITHDRAWN: _ClassVar[ConsentState]
    CONSENT_STATE_EXPIRED: _ClassVar[ConsentState]
    CONSENT_STATE_REFUSED: _ClassVar[ConsentState]

class OfferState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_STATE_UNSPECIFIED: _ClassVar[OfferState]
    OFFER_STATE_UNDECIDED: _ClassVar[OfferState]
    OFFER_STATE_GRANTED: _ClassVar[OfferState]
    OFFER_STATE_OUTGROWN: _ClassVar[OfferState]
    OFFER_STATE_REFUSED: _ClassVar[OfferState]

class ActionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_STATE_UNSPECIFIED: _ClassVar[ActionState]
    ACTION_STATE_WAITING: _ClassVar[ActionState]
    ACTION_STATE_DELIVERED: _ClassVar[ActionState]
    ACTION_STATE_CANCELLED: _ClassVar[ActionState]
CONSENT_STATE_UNSPECIFIED: ConsentState
CONSENT_STATE_GRANTED: ConsentState
CONSENT_STATE_WITHDRAWN: ConsentState
CONSENT_STATE_EXPIRED: ConsentState
CONSENT_STATE_REFUSED: ConsentState
OFFER_STATE_UNSPECIFIED: OfferState
OFFER_STATE_UNDECIDED: OfferState
OFFER_STATE_GRANTED: OfferState
OFFER_STATE_OUTGROWN: OfferState
OFFER_STATE_REFUSED: OfferState
ACTION_STATE_UNSPECIFIED: ActionState
ACTION_STATE_WAITING: ActionState
ACTION_STATE_DELIVERED: ActionState
ACTION_STATE_CANCELLED: ActionState

class SeriesTerms(_message.Message):
    __slots__ = ("name", "window_s", "resolution_s")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WINDOW_S_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_S_FIELD_NUMBER: _ClassVar[int]
    name: str
    window_s: int
    resolution_s: int
    def __init__(self, name: _Optional[str] = ..., window_s: _Optional[int] = ..., resolution_s: _Optional[int] = ...) -> None: ...

class ConsentTerms(_message.Message):
    __slots__ = ("organization", "service", "purpose", "series", "action_kinds")
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    ACTION_KINDS_FIELD_NUMBER: _ClassVar[int]
    organization: str
    service: str
    purpose: str
    series: _containers.RepeatedCompositeFieldContainer[SeriesTerms]
    action_kinds: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, organization: _Optional[str] = ..., service: _Optional[str] = ..., purpose: _Optional[str] = ..., series: _Optional[_Iterable[_Union[SeriesTerms, _Mapping]]] = ..., action_kinds: _Optional[_Iterable[str]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("terms", "state", "leak_bits_per_day", "triggers")
    TERMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LEAK_BITS_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    TRIGGERS_FIELD_NUMBER: _ClassVar[int]
    terms: ConsentTerms
    state: OfferState
    leak_bits_per_day: float
    triggers: _containers.RepeatedCompositeFieldContainer[OfferedTrigger]
    def __init__(self, terms: _Optional[_Union[ConsentTerms, _Mapping]] = ..., state: _Optional[_Union[OfferState, str]] = ..., leak_bits_per_day: _Optional[float] = ..., triggers: _Optional[_Iterable[_Union[OfferedTrigger, _Mapping]]] = ...) -> None: ...

class OfferedTrigger(_message.Message):
    __slots__ = ("name", "version", "module_digest", "scope", "every_s", "max_actions_per_day", "series", "actions", "consented")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    EVERY_S_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIONS_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    CONSENTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    module_digest: str
    scope: str
    every_s: int
    max_actions_per_day: int
    series: _containers.RepeatedCompositeFieldContainer[SeriesTerms]
    actions: _containers.RepeatedCompositeFieldContainer[OfferedAction]
    consented: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., module_digest: _Optional[str] = ..., scope: _Optional[str] = ..., every_s: _Optional[int] = ..., max_actions_per_day: _Optional[int] = ..., series: _Optional[_Iterable[_Union[SeriesTerms, _Mapping]]] = ..., actions: _Optional[_Iterable[_Union[OfferedAction, _Mapping]]] = ..., consented: _Optional[bool] = ...) -> None: ...

class OfferedAction(_message.Message):
    __slots__ = ("name", "recommendation", "appliance_command")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    APPLIANCE_COMMAND_FIELD_NUMBER: _ClassVar[int]
    name: str
    recommendation: Recommendation
    appliance_command: ApplianceCommand
    def __init__(self, name: _Optional[str] = ..., recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., appliance_command: _Optional[_Union[ApplianceCommand, _Mapping]] = ...) -> None: ...

class Consent(_message.Message):
    __slots__ = ("consent_id", "terms", "state", "decided_ms", "expires_ms", "ended_ms")
    CONSENT_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_MS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_MS_FIELD_NUMBER: _ClassVar[int]
    consent_id: str
    terms: ConsentTerms
    state: ConsentState
    decided_ms: int
    expires_ms: int
    ended_ms: int
    def __init__(self, consent_id: _Optional[str] = ..., terms: _Optional[_Union[ConsentTerms, _Mapping]] = ..., state: _Optional[_Union[ConsentState, str]] = ..., decided_ms: _Optional[int] = ..., expires_ms: _Optional[int] = ..., ended_ms: _Optional[int] = ...) -> None: ...

class ListOffersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOffersResponse(_message.Message):
    __slots__ = ("offer",)
    OFFER_FIELD_NUMBER: _ClassVar[int]
    offer: Offer
    def __init__(self, offer: _Optional[_Union[Offer, _Mapping]] = ...) -> None: ...

class ListConsentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListConsentsResponse(_message.Message):
    __slots__ = ("consents",)
    CONSENTS_FIELD_NUMBER: _ClassVar[int]
    consents: _containers.RepeatedCompositeFieldContainer[Consent]
    def __init__(self, consents: _Optional[_Iterable[_Union[Consent, _Mapping]]] = ...) -> None: ...

class GrantConsentRequest(_message.Message):
    __slots__ = ("terms", "expires_ms")
    TERMS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    terms: ConsentTerms
    expires_ms: int
    def __init__(self, terms: _Optional[_Union[ConsentTerms, _Mapping]] = ..., expires_ms: _Optional[int] = ...) -> None: ...

class GrantConsentResponse(_message.Message):
    __slots__ = ("consent",)
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    consent: Consent
    def __init__(self, consent: _Optional[_Union[Consent, _Mapping]] = ...) -> None: ...

class RefuseConsentRequest(_message.Message):
    __slots__ = ("terms",)
    TERMS_FIELD_NUMBER: _ClassVar[int]
    terms: ConsentTerms
    def __init__(self, terms: _Optional[_Union[ConsentTerms, _Mapping]] = ...) -> None: ...

class RefuseConsentResponse(_message.Message):
    __slots__ = ("consent",)
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    consent: Consent
    def __init__(self, consent: _Optional[_Union[Consent, _Mapping]] = ...) -> None: ...

class WithdrawConsentRequest(_message.Message):
    __slots__ = ("consent_id",)
    CONSENT_ID_FIELD_NUMBER: _ClassVar[int]
    consent_id: str
    def __init__(self, consent_id: _Optional[str] = ...) -> None: ...

class WithdrawConsentResponse(_message.Message):
    __slots__ = ("consent", "actions_cancelled")
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    consent: Consent
    actions_cancelled: int
    def __init__(self, consent: _Optional[_Union[Consent, _Mapping]] = ..., actions_cancelled: _Optional[int] = ...) -> None: ...

class GetConsentReceiptRequest(_message.Message):
    __slots__ = ("consent_id",)
    CONSENT_ID_FIELD_NUMBER: _ClassVar[int]
    consent_id: str
    def __init__(self, consent_id: _Optional[str] = ...) -> None: ...

class GetConsentReceiptResponse(_message.Message):
    __slots__ = ("envelope_json",)
    ENVELOPE_JSON_FIELD_NUMBER: _ClassVar[int]
    envelope_json: bytes
    def __init__(self, envelope_json: _Optional[bytes] = ...) -> None: ...

class StreamInboxRequest(_message.Message):
    __slots__ = ("after_cursor", "no_follow", "unacknowledged_only")
    AFTER_CURSOR_FIELD_NUMBER: _ClassVar[int]
    NO_FOLLOW_FIELD_NUMBER: _ClassVar[int]
    UNACKNOWLEDGED_ONLY_FIELD_NUMBER: _ClassVar[int]
    after_cursor: int
    no_follow: bool
    unacknowledged_only: bool
    def __init__(self, after_cursor: _Optional[int] = ..., no_follow: _Optional[bool] = ..., unacknowledged_only: _Optional[bool] = ...) -> None: ...

class StreamInboxResponse(_message.Message):
    __slots__ = ("action",)
    ACTION_FIELD_NUMBER: _ClassVar[int]
    action: Action
    def __init__(self, action: _Optional[_Union[Action, _Mapping]] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ("cursor", "action_id", "name", "recommendation", "appliance_command", "cause", "created_ms", "expires_ms", "state")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    APPLIANCE_COMMAND_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    action_id: str
    name: str
    recommendation: Recommendation
    appliance_command: ApplianceCommand
    cause: Cause
    created_ms: int
    expires_ms: int
    state: ActionState
    def __init__(self, cursor: _Optional[int] = ..., action_id: _Optional[str] = ..., name: _Optional[str] = ..., recommendation: _Optional[_Union[Recommendation, _Mapping]] = ..., appliance_command: _Optional[_Union[ApplianceCommand, _Mapping]] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., created_ms: _Optional[int] = ..., expires_ms: _Optional[int] = ..., state: _Optional[_Union[ActionState, str]] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ("text",)
    class TextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: _containers.ScalarMap[str, str]
    def __init__(self, text: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ApplianceCommand(_message.Message):
    __slots__ = ("appliance", "limit_w", "on")
    APPLIANCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_W_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    appliance: str
    limit_w: int
    on: bool
    def __init__(self, appliance: _Optional[str] = ..., limit_w: _Optional[int] = ..., on: _Optional[bool] = ...) -> None: ...

class Cause(_message.Message):
    __slots__ = ("organization", "service", "purpose", "trigger", "module_version", "module_digest", "consent_id", "slot_ms")
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    MODULE_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONSENT_ID_FIELD_NUMBER: _ClassVar[int]
    SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    organization: str
    service: str
    purpose: str
    trigger: str
    module_version: str
    module_digest: str
    consent_id: str
    slot_ms: int
    def __init__(self, organization: _Optional[str] = ..., service: _Optional[str] = ..., purpose: _Optional[str] = ..., trigger: _Optional[str] = ..., module_version: _Optional[str] = ..., module_digest: _Optional[str] = ..., consent_id: _Optional[str] = ..., slot_ms: _Optional[int] = ...) -> None: ...

class AcknowledgeActionsRequest(_message.Message):
    __slots__ = ("action_ids",)
    ACTION_IDS_FIELD_NUMBER: _ClassVar[int]
    action_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, action_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AcknowledgeActionsResponse(_message.Message):
    __slots__ = ("acknowledged",)
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    acknowledged: int
    def __init__(self, acknowledged: _Optional[int] = ...) -> None: ...

class ReadSeriesRequest(_message.Message):
    __slots__ = ("series", "from_ms", "until_ms", "resolution_s")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_S_FIELD_NUMBER: _ClassVar[int]
    series: _containers.RepeatedScalarFieldContainer[str]
    from_ms: int
    until_ms: int
    resolution_s: int
    def __init__(self, series: _Optional[_Iterable[str]] = ..., from_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., resolution_s: _Optional[int] = ...) -> None: ...

class ReadSeriesResponse(_message.Message):
    __slots__ = ("from_ms", "resolution_s", "series", "timezone")
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_S_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    from_ms: int
    resolution_s: int
    series: _containers.RepeatedCompositeFieldContainer[SeriesSamples]
    timezone: str
    def __init__(self, from_ms: _Optional[int] = ..., resolution_s: _Optional[int] = ..., series: _Optional[_Iterable[_Union[SeriesSamples, _Mapping]]] = ..., timezone: _Optional[str] = ...) -> None: ...

class SeriesSamples(_message.Message):
    __slots__ = ("name", "unit", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class ListReadingsRequest(_message.Message):
    __slots__ = ("from_ms", "until_ms", "page_size", "page_token")
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    from_ms: int
    until_ms: int
    page_size: int
    page_token: str
    def __init__(self, from_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReadingsResponse(_message.Message):
    __slots__ = ("readings", "next_page_token", "timezone")
    READINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    readings: _containers.RepeatedCompositeFieldContainer[MeterReading]
    next_page_token: str
    timezone: str
    def __init__(self, readings: _Optional[_Iterable[_Union[MeterReading, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., timezone: _Optional[str] = ...) -> None: ...

class StreamReadingsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StreamReadingsResponse(_message.Message):
    __slots__ = ("readings", "left_out", "timezone")
    READINGS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    readings: _containers.RepeatedCompositeFieldContainer[MeterReading]
    left_out: int
    timezone: str
    def __init__(self, readings: _Optional[_Iterable[_Union[MeterReading, _Mapping]]] = ..., left_out: _Optional[int] = ..., timezone: _Optional[str] = ...) -> None: ...

class MeterReading(_message.Message):
    __slots__ = ("meter_id", "received_ms", "marks", "reading")
    METER_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_MS_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    READING_FIELD_NUMBER: _ClassVar[int]
    meter_id: str
    received_ms: int
    marks: _containers.RepeatedScalarFieldContainer[str]
    reading: _meter_pb2.Reading
    def __init__(self, meter_id: _Optional[str] = ..., received_ms: _Optional[int] = ..., marks: _Optional[_Iterable[str]] = ..., reading: _Optional[_Union[_meter_pb2.Reading, _Mapping]] = ...) -> None: ...
