"""The root of every error that Edge raises on purpose, and those the SDK raises itself.

    EdgeError
    ├── ManifestError        a manifest that breaks the contract
    ├── WasmFormatError      bytes that are not a WebAssembly module
    ├── IdentityError        a certificate or key that cannot be used
    ├── ProofError           a Merkle proof or signed head that does not hold
    └── RpcError             the edge refused a call, or could not be reached
        └── UnreachableError

The server's own errors hang from the same root, in `edge.errors`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """Whose fault an error is: who has to change something for it to go away."""

    CALLER = "caller"
    METER = "meter"
    HOUSEHOLD = "household"
    ORGANIZATION = "organization"
    OPERATOR = "operator"
    EDGE = "edge"
    NETWORK = "network"


class EdgeError(Exception):
    """Something went wrong that Edge knows about.

    Attributes:
        message: what is wrong, for a person.
        advice: what to do about it, for a person; may be empty.
        reason: what is wrong, for a program: one upper-case word of the error catalogue.
        fault: who has to change something.
    """

    reason: str = "EDGE_ERROR"
    fault: Fault = Fault.EDGE
    advice: str = ""
    default_advice: ClassVar[str] = ""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice or self.default_advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()


class ManifestError(EdgeError):
    """A manifest breaks the contract."""

    reason = "MANIFEST_INVALID"
    fault = Fault.ORGANIZATION
    default_advice = "Correct trigger.toml and build the module again."


class WasmFormatError(EdgeError):
    """Bytes are not a well-formed WebAssembly module."""

    reason = "MODULE_MALFORMED"
    fault = Fault.ORGANIZATION
    default_advice = "Upload the .wasm file that `edge module build` made."


class IdentityError(EdgeError):
    """A certificate or key cannot be used."""

    reason = "IDENTITY_UNUSABLE"
    fault = Fault.CALLER
    default_advice = "Ask the operator for a new identity (`edge identity issue`)."


class ProofError(EdgeError):
    """A Merkle proof or a signed tree head does not hold: what was shown is not what was logged."""

    reason = "PROOF_INVALID"
    fault = Fault.EDGE
    default_advice = "Keep this output and show it to the operator and the regulator: the log has been altered."


class RpcError(EdgeError):
    """The edge refused a call.

    Attributes:
        status: name of the gRPC status code, such as `PERMISSION_DENIED`.
    """

    def __init__(self, message: str, *, advice: str, reason: str, fault: Fault, status: str) -> None:
        super().__init__(message, advice=advice)
        self.reason = reason
        self.fault = fault
        self.status = status


class UnreachableError(RpcError):
    """The edge did not answer: it is down, the network is, or one side's certificate was not accepted."""
