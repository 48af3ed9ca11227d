"""The record of a run in a file: self-contained JSON, its floats bit for bit, under a digest over all of it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.domain.module import digest_of
from edge.domain.recording import Conditions
from edge.errors import InvalidRequestError
from edge.sandbox.evaluation import FaultCode
from edge.services.subjects import Inputs, Subject
from edge_sdk.text import printable, problems_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT: Final = "edge.record/1"
RECORD_BYTES_MAX: Final = 512 * 1024 * 1024
_FLOAT_BYTES = 8
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a module was given and what it came to. Inputs keep the bits of every float, those of a NaN too."""

    module_digest: str
    manifest_digest: str
    trigger: str
    version: str
    conditions: Conditions
    inputs: Inputs
    outcomes: NDArray[np.int16]
    faults: NDArray[np.int8]
    fuel_total: int

    def to_json(self) -> bytes:
        """Returns the file's content."""
        table: dict[str, Any] = {
            "format": FORMAT,
            "module": {
                "digest": self.module_digest,
                "manifest_digest": self.manifest_digest,
                "trigger": self.trigger,
                "version": self.version,
            },
            "conditions": {
                name: getattr(self.conditions, name)
                for name in ("fuel_max", "memory_bytes_max", "table_elements_max", "stack_bytes_max")
            }
            | {"engine": dict(self.conditions.engine)},
            "samples": self.inputs.block.shape[1],
            "fuel_total": self.fuel_total,
            "evaluations": [
                {
                    "household": subject.household,
                    "slot_ms": subject.slot_ms,
                    "inputs": base64.b64encode(row.astype("<f8").tobytes()).decode("ascii"),
                    "outcome": outcome,
                    "fault": FaultCode(fault).name,
                }
                for subject, row, outcome, fault in zip(
                    self.inputs.subjects, self.inputs.block, self.outcomes.tolist(), self.faults.tolist(), strict=True
                )
            ],
        }
        table["digest"] = digest_of(rfc8785.dumps(table))
        return json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Module(_Table):
    digest: Digest
    manifest_digest: Digest
    trigger: str
    version: str


class _Conditions(_Table):
    # Somebody else's record sets no limits that this machine could not bear.
    fuel_max: Annotated[int, Field(ge=1, le=10**12)]
    memory_bytes_max: Annotated[int, Field(ge=1, le=2**30)]
    table_elements_max: Annotated[int, Field(ge=1, le=2**20)]
    stack_bytes_max: Annotated[int, Field(ge=1, le=2**20)]
    engine: dict[str, str | int | bool]


class _Evaluation(_Table):
    household: str
    slot_ms: int | None
    inputs: str
    outcome: Annotated[int, Field(ge=0, le=np.iinfo(np.int16).max)]
    fault: Literal[tuple(code.name for code in FaultCode)]  # type: ignore[valid-type]


class _File(_Table):
    format: Literal["edge.record/1"]
    module: _Module
    conditions: _Conditions
    samples: Annotated[int, Field(ge=1)]
    fuel_total: Annotated[int, Field(ge=0)]
    evaluations: list[_Evaluation]


def read_record(file: Path) -> Record:
    """Reads the record of a run.

    Raises:
        InvalidRequestError: it is none, or is not as it was written.
    """
    if file.stat().st_size > RECORD_BYTES_MAX:
        raise _invalid(file, f"it has more than {RECORD_BYTES_MAX} bytes")
    try:
        table = json.loads(file.read_bytes())
        digest = table.pop("digest")
        whole = digest == digest_of(rfc8785.dumps(table))
        record = _File.model_validate(table)
    except ValidationError as error:
        raise _invalid(file, problems_of(error, "record")) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _invalid(file, "it is not JSON of that kind") from error
    if not whole:
        raise _invalid(file, "its digest is not that of its content: it was altered, or not copied whole")
    return _record(file, record)


def _record(file: Path, record: _File) -> Record:
    rows = record.evaluations
    block = np.array([_floats(file, row.inputs, record.samples) for row in rows], dtype=np.float64)
    return Record(
        module_digest=record.module.digest,
        manifest_digest=record.module.manifest_digest,
        trigger=record.module.trigger,
        version=record.module.version,
        conditions=Conditions(**record.conditions.model_dump()),
        inputs=Inputs(
            tuple(Subject(row.household, row.slot_ms) for row in rows), block.reshape(len(rows), record.samples)
        ),
        outcomes=np.array([row.outcome for row in rows], dtype=np.int16),
        faults=np.array([FaultCode[row.fault] for row in rows], dtype=np.int8),
        fuel_total=record.fuel_total,
    )


def _floats(file: Path, text: str, samples: int) -> NDArray[np.float64]:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(file, "inputs are not base64") from error
    if len(content) != samples * _FLOAT_BYTES:
        raise _invalid(file, f"inputs are not {samples} floats")
    return np.frombuffer(content, "<f8").astype(np.float64)


def _invalid(file: Path, what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{printable(str(file), chars_max=None)} is not the record of a run: {what}.",
        advice="Make one with `edge module run FILE --inputs DATA --record OUT`.",
        reason="RECORD_INVALID",
    )
