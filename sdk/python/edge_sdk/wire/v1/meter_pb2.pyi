from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubMeterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUB_METER_KIND_UNSPECIFIED: _ClassVar[SubMeterKind]
    SUB_METER_KIND_GAS: _ClassVar[SubMeterKind]
    SUB_METER_KIND_WATER: _ClassVar[SubMeterKind]
    SUB_METER_KIND_HEAT: _ClassVar[SubMeterKind]
    SUB_METER_KIND_COLD: _ClassVar[SubMeterKind]
    SUB_METER_KIND_ELECTRICITY: _ClassVar[SubMeterKind]
SUB_METER_KIND_UNSPECIFIED: SubMeterKind
SUB_METER_KIND_GAS: SubMeterKind
SUB_METER_KIND_WATER: SubMeterKind
SUB_METER_KIND_HEAT: SubMeterKind
SUB_METER_KIND_COLD: SubMeterKind
SUB_METER_KIND_ELECTRICITY: SubMeterKind

class GapQuery(_message.Message):
    __slots__ = ("from_ms", "until_ms", "longer_than_ms", "page_size", "page_token")
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    LONGER_THAN_MS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    from_ms: int
    until_ms: int
    longer_than_ms: int
    page_size: int
    page_token: str
    def __init__(self, from_ms: _Optional[int] = ..., until_ms: _Optional[int] = ..., longer_than_ms: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("spool_id", "first_sequence", "last_sequence", "from_ms", "until_ms")
    SPOOL_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    spool_id: str
    first_sequence: int
    last_sequence: int
    from_ms: int
    until_ms: int
    def __init__(self, spool_id: _Optional[str] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., from_ms: _Optional[int] = ..., until_ms: _Optional[int] = ...) -> None: ...

class ListGapsRequest(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: GapQuery
    def __init__(self, query: _Optional[_Union[GapQuery, _Mapping]] = ...) -> None: ...

class ListGapsResponse(_message.Message):
    __slots__ = ("gaps", "next_page_token")
    GAPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    next_page_token: str
    def __init__(self, gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReportReadingsRequest(_message.Message):
    __slots__ = ("readings", "columns")
    READINGS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    readings: _containers.RepeatedCompositeFieldContainer[Reading]
    columns: ReadingColumns
    def __init__(self, readings: _Optional[_Iterable[_Union[Reading, _Mapping]]] = ..., columns: _Optional[_Union[ReadingColumns, _Mapping]] = ...) -> None: ...

class ReportReadingsResponse(_message.Message):
    __slots__ = ("durable_sequence", "rejections", "batch_readings_max")
    DURABLE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    BATCH_READINGS_MAX_FIELD_NUMBER: _ClassVar[int]
    durable_sequence: int
    rejections: _containers.RepeatedCompositeFieldContainer[ReadingRejection]
    batch_readings_max: int
    def __init__(self, durable_sequence: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[ReadingRejection, _Mapping]]] = ..., batch_readings_max: _Optional[int] = ...) -> None: ...

class ReadingRejection(_message.Message):
    __slots__ = ("sequence", "reason", "message")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    reason: str
    message: str
    def __init__(self, sequence: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Reading(_message.Message):
    __slots__ = ("sequence", "time_ms", "energy_import_t1_wh", "energy_import_t2_wh", "energy_import_wh", "energy_export_t1_wh", "energy_export_t2_wh", "energy_export_wh", "tariff", "power_import_w", "power_export_w", "phases", "power_failures", "long_power_failures", "demand_w", "peak_demand_w", "sub_meters", "raw_registers")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_T1_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_T2_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_T1_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_T2_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_WH_FIELD_NUMBER: _ClassVar[int]
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    POWER_IMPORT_W_FIELD_NUMBER: _ClassVar[int]
    POWER_EXPORT_W_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    POWER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    LONG_POWER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    DEMAND_W_FIELD_NUMBER: _ClassVar[int]
    PEAK_DEMAND_W_FIELD_NUMBER: _ClassVar[int]
    SUB_METERS_FIELD_NUMBER: _ClassVar[int]
    RAW_REGISTERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time_ms: int
    energy_import_t1_wh: int
    energy_import_t2_wh: int
    energy_import_wh: int
    energy_export_t1_wh: int
    energy_export_t2_wh: int
    energy_export_wh: int
    tariff: int
    power_import_w: int
    power_export_w: int
    phases: _containers.RepeatedCompositeFieldContainer[Phase]
    power_failures: int
    long_power_failures: int
    demand_w: int
    peak_demand_w: int
    sub_meters: _containers.RepeatedCompositeFieldContainer[SubMeter]
    raw_registers: _containers.RepeatedCompositeFieldContainer[RawRegister]
    def __init__(self, sequence: _Optional[int] = ..., time_ms: _Optional[int] = ..., energy_import_t1_wh: _Optional[int] = ..., energy_import_t2_wh: _Optional[int] = ..., energy_import_wh: _Optional[int] = ..., energy_export_t1_wh: _Optional[int] = ..., energy_export_t2_wh: _Optional[int] = ..., energy_export_wh: _Optional[int] = ..., tariff: _Optional[int] = ..., power_import_w: _Optional[int] = ..., power_export_w: _Optional[int] = ..., phases: _Optional[_Iterable[_Union[Phase, _Mapping]]] = ..., power_failures: _Optional[int] = ..., long_power_failures: _Optional[int] = ..., demand_w: _Optional[int] = ..., peak_demand_w: _Optional[int] = ..., sub_meters: _Optional[_Iterable[_Union[SubMeter, _Mapping]]] = ..., raw_registers: _Optional[_Iterable[_Union[RawRegister, _Mapping]]] = ...) -> None: ...

class Phase(_message.Message):
    __slots__ = ("power_import_w", "power_export_w", "voltage_dv", "current_ma", "voltage_sags", "voltage_swells")
    POWER_IMPORT_W_FIELD_NUMBER: _ClassVar[int]
    POWER_EXPORT_W_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_DV_FIELD_NUMBER: _ClassVar[int]
    CURRENT_MA_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_SAGS_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_SWELLS_FIELD_NUMBER: _ClassVar[int]
    power_import_w: int
    power_export_w: int
    voltage_dv: int
    current_ma: int
    voltage_sags: int
    voltage_swells: int
    def __init__(self, power_import_w: _Optional[int] = ..., power_export_w: _Optional[int] = ..., voltage_dv: _Optional[int] = ..., current_ma: _Optional[int] = ..., voltage_sags: _Optional[int] = ..., voltage_swells: _Optional[int] = ...) -> None: ...

class SubMeter(_message.Message):
    __slots__ = ("channel", "kind", "time_ms", "volume_l", "energy_wh")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_L_FIELD_NUMBER: _ClassVar[int]
    ENERGY_WH_FIELD_NUMBER: _ClassVar[int]
    channel: int
    kind: SubMeterKind
    time_ms: int
    volume_l: int
    energy_wh: int
    def __init__(self, channel: _Optional[int] = ..., kind: _Optional[_Union[SubMeterKind, str]] = ..., time_ms: _Optional[int] = ..., volume_l: _Optional[int] = ..., energy_wh: _Optional[int] = ...) -> None: ...

class RawRegister(_message.Message):
    __slots__ = ("code", "value", "unit")
    CODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    code: str
    value: str
    unit: str
    def __init__(self, code: _Optional[str] = ..., value: _Optional[str] = ..., unit: _Optional[str] = ...) -> None: ...

class ReadingColumns(_message.Message):
    __slots__ = ("count", "sequence", "time_ms", "energy_import_t1_wh", "energy_import_t2_wh", "energy_import_wh", "energy_export_t1_wh", "energy_export_t2_wh", "energy_export_wh", "tariff", "power_import_w", "power_export_w", "power_failures", "long_power_failures", "demand_w", "peak_demand_w", "phases", "sub_meters", "raw_registers")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_T1_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_T2_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IMPORT_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_T1_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_T2_WH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_EXPORT_WH_FIELD_NUMBER: _ClassVar[int]
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    POWER_IMPORT_W_FIELD_NUMBER: _ClassVar[int]
    POWER_EXPORT_W_FIELD_NUMBER: _ClassVar[int]
    POWER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    LONG_POWER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    DEMAND_W_FIELD_NUMBER: _ClassVar[int]
    PEAK_DEMAND_W_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    SUB_METERS_FIELD_NUMBER: _ClassVar[int]
    RAW_REGISTERS_FIELD_NUMBER: _ClassVar[int]
    count: int
    sequence: Column
    time_ms: Column
    energy_import_t1_wh: Column
    energy_import_t2_wh: Column
    energy_import_wh: Column
    energy_export_t1_wh: Column
    energy_export_t2_wh: Column
    energy_export_wh: Column
    tariff: Column
    power_import_w: Column
    power_export_w: Column
    power_failures: Column
    long_power_failures: Column
    demand_w: Column
    peak_demand_w: Column
    phases: _containers.RepeatedCompositeFieldContainer[PhaseColumns]
    sub_meters: SubMeterColumns
    raw_registers: RawRegisterColumns
    def __init__(self, count: _Optional[int] = ..., sequence: _Optional[_Union[Column, _Mapping]] = ..., time_ms: _Optional[_Union[Column, _Mapping]] = ..., energy_import_t1_wh: _Optional[_Union[Column, _Mapping]] = ..., energy_import_t2_wh: _Optional[_Union[Column, _Mapping]] = ..., energy_import_wh: _Optional[_Union[Column, _Mapping]] = ..., energy_export_t1_wh: _Optional[_Union[Column, _Mapping]] = ..., energy_export_t2_wh: _Optional[_Union[Column, _Mapping]] = ..., energy_export_wh: _Optional[_Union[Column, _Mapping]] = ..., tariff: _Optional[_Union[Column, _Mapping]] = ..., power_import_w: _Optional[_Union[Column, _Mapping]] = ..., power_export_w: _Optional[_Union[Column, _Mapping]] = ..., power_failures: _Optional[_Union[Column, _Mapping]] = ..., long_power_failures: _Optional[_Union[Column, _Mapping]] = ..., demand_w: _Optional[_Union[Column, _Mapping]] = ..., peak_demand_w: _Optional[_Union[Column, _Mapping]] = ..., phases: _Optional[_Iterable[_Union[PhaseColumns, _Mapping]]] = ..., sub_meters: _Optional[_Union[SubMeterColumns, _Mapping]] = ..., raw_registers: _Optional[_Union[RawRegisterColumns, _Mapping]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("values", "differences", "presence")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    differences: _containers.RepeatedScalarFieldContainer[int]
    presence: bytes
    def __init__(self, values: _Optional[_Iterable[int]] = ..., differences: _Optional[_Iterable[int]] = ..., presence: _Optional[bytes] = ...) -> None: ...

class PhaseColumns(_message.Message):
    __slots__ = ("power_import_w", "power_export_w", "voltage_dv", "current_ma", "voltage_sags", "voltage_swells")
    POWER_IMPORT_W_FIELD_NUMBER: _ClassVar[int]
    POWER_EXPORT_W_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_DV_FIELD_NUMBER: _ClassVar[int]
    CURRENT_MA_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_SAGS_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_SWELLS_FIELD_NUMBER: _ClassVar[int]
    power_import_w: Column
    power_export_w: Column
    voltage_dv: Column
    current_ma: Column
    voltage_sags: Column
    voltage_swells: Column
    def __init__(self, power_import_w: _Optional[_Union[Column, _Mapping]] = ..., power_export_w: _Optional[_Union[Column, _Mapping]] = ..., voltage_dv: _Optional[_Union[Column, _Mapping]] = ..., current_ma: _Optional[_Union[Column, _Mapping]] = ..., voltage_sags: _Optional[_Union[Column, _Mapping]] = ..., voltage_swells: _Optional[_Union[Column, _Mapping]] = ...) -> None: ...

class SubMeterColumns(_message.Message):
    __slots__ = ("row", "channel", "kind", "time_ms", "volume_l", "energy_wh")
    ROW_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_L_FIELD_NUMBER: _ClassVar[int]
    ENERGY_WH_FIELD_NUMBER: _ClassVar[int]
    row: Column
    channel: Column
    kind: Column
    time_ms: Column
    volume_l: Column
    energy_wh: Column
    def __init__(self, row: _Optional[_Union[Column, _Mapping]] = ..., channel: _Optional[_Union[Column, _Mapping]] = ..., kind: _Optional[_Union[Column, _Mapping]] = ..., time_ms: _Optional[_Union[Column, _Mapping]] = ..., volume_l: _Optional[_Union[Column, _Mapping]] = ..., energy_wh: _Optional[_Union[Column, _Mapping]] = ...) -> None: ...

class RawRegisterColumns(_message.Message):
    __slots__ = ("row", "registers")
    ROW_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    row: Column
    registers: _containers.RepeatedCompositeFieldContainer[RawRegister]
    def __init__(self, row: _Optional[_Union[Column, _Mapping]] = ..., registers: _Optional[_Iterable[_Union[RawRegister, _Mapping]]] = ...) -> None: ...
