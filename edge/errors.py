"""What the edge raises on purpose. The SDK's tree (`edge_sdk.errors`) hangs from the same root.

    EdgeError
    ├── SettingsError                     the settings file cannot be used
    ├── AuthenticationError               no usable certificate, or it was revoked or has expired
    ├── PermissionDeniedError             this role, tier or consent does not allow it
    ├── InvalidRequestError               a request that breaks the contract
    ├── NotFoundError                     no such module, consent, meter, document
    ├── ConflictError                     it clashes with what is there (state, version)
    ├── LimitError                        over a limit of the settings
    ├── DocumentError                     a signed document that is not accepted
    │   └── SignatureError                ... because its signature does not hold
    ├── ReadingError                      one reading was refused
    ├── ClockError                        the edge's clock cannot be believed
    ├── SandboxError                      the sandbox could not do its work
    └── StoreError                        the store could not do its work
        ├── StoreCorruptError             ... because a file is damaged
        ├── StoreDiskError                ... because the disk takes nothing
        └── StoreFullError                ... because it has reached its bound
Each has a `category`, from which the wire status follows (`edge.rpc.status`), and a `reason` for programs. A more
precise reason is given where it is raised: `NotFoundError("...", reason="MODULE_NOT_FOUND")`.
"""

from __future__ import annotations

from enum import StrEnum

from edge_sdk.errors import EdgeError, Fault

__all__ = [
    "AuthenticationError",
    "Category",
    "ClockError",
    "ConflictError",
    "DocumentError",
    "EdgeError",
    "Fault",
    "InvalidRequestError",
    "LimitError",
    "NotFoundError",
    "PermissionDeniedError",
    "ReadingError",
    "SandboxError",
    "ServerError",
    "SettingsError",
    "SignatureError",
    "StoreCorruptError",
    "StoreDiskError",
    "StoreError",
    "StoreFullError",
]


class Category(StrEnum):
    """What kind of failure it is, independent of any protocol."""

    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    LIMIT = "limit"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
    DATA_LOSS = "data_loss"


class ServerError(EdgeError):
    """An error of the edge's own, with a category and an optional, more precise reason."""

    category: Category = Category.INTERNAL

    def __init__(self, message: str, *, advice: str = "", reason: str = "", fault: Fault | None = None) -> None:
        super().__init__(message, advice=advice)
        self.reason = reason or type(self).reason
        self.fault = fault or type(self).fault


class SettingsError(ServerError):
    """The settings file cannot be used."""

    reason = "SETTINGS_INVALID"
    fault = Fault.OPERATOR
    category = Category.INVALID


class AuthenticationError(ServerError):
    """The caller has no usable certificate."""

    reason = "UNAUTHENTICATED"
    fault = Fault.CALLER
    category = Category.UNAUTHENTICATED
    default_advice = "Ask the operator for an identity (`edge identity issue`)."


class PermissionDeniedError(ServerError):
    """This role, tier or consent does not allow it."""

    reason = "PERMISSION_DENIED"
    fault = Fault.CALLER
    category = Category.DENIED


class InvalidRequestError(ServerError):
    """A request breaks the contract."""

    reason = "REQUEST_INVALID"
    fault = Fault.CALLER
    category = Category.INVALID


class NotFoundError(ServerError):
    """What the request names is not there."""

    reason = "NOT_FOUND"
    fault = Fault.CALLER
    category = Category.NOT_FOUND


class ConflictError(ServerError):
    """The request clashes with what is there."""

    reason = "CONFLICT"
    fault = Fault.CALLER
    category = Category.CONFLICT


class LimitError(ServerError):
    """The request goes over a limit of the settings."""

    reason = "LIMIT_EXCEEDED"
    fault = Fault.CALLER
    category = Category.LIMIT


class DocumentError(ServerError):
    """A signed document is not accepted."""

    reason = "DOCUMENT_INVALID"
    fault = Fault.OPERATOR
    category = Category.INVALID


class SignatureError(DocumentError):
    """A document's signature does not hold."""

    reason = "SIGNATURE_INVALID"
    default_advice = "Sign it with the operator's root key that this edge was set up with."


class ReadingError(ServerError):
    """One reading was refused."""

    reason = "READING_INVALID"
    fault = Fault.METER
    category = Category.INVALID


class ClockError(ServerError):
    """The edge's clock cannot be believed; what depends on it has to wait."""

    reason = "CLOCK_BEHIND"
    fault = Fault.OPERATOR
    category = Category.UNAVAILABLE
    default_advice = "Let the edge's machine set its clock over the network (NTP); gateways keep their readings."


class SandboxError(ServerError):
    """The sandbox could not do its work; not the guest's doing."""

    reason = "SANDBOX_FAILED"
    default_advice = "See the edge's log; report it if it happens again."


class StoreError(ServerError):
    """The store could not do its work."""

    reason = "STORE_FAILED"
    default_advice = "Check disk space and permissions of the data directory, then restart the edge."


class StoreCorruptError(StoreError):
    """A file of the store is damaged."""

    reason = "STORE_CORRUPT"
    category = Category.DATA_LOSS


class StoreDiskError(StoreError):
    """The disk takes nothing: it is full, or may not be written to."""

    reason = "STORE_DISK_FULL"
    fault = Fault.OPERATOR
    category = Category.UNAVAILABLE


class StoreFullError(StoreError):
    """The store has reached its bound, and nothing in it may go."""

    reason = "STORE_FULL"
    fault = Fault.OPERATOR
    category = Category.UNAVAILABLE
    default_advice = "Raise retention.store_bytes_max, or free the disk of files that were set aside."
