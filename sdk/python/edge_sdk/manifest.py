"""The manifest: what a module declares about itself, and all that it may ever see or say.

`trigger.toml` is what a person writes; inside the module it stands as canonical JSON (RFC 8785) in the custom section
`edge.manifest`. Both hold the same three tables: `trigger`, `input`, `action`.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from typing import Annotated, Any, Literal, Self, TypeAlias

import rfc8785
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge_sdk.catalogue import APPLIANCES, CATALOGUE, Extent
from edge_sdk.durations import parse_duration_s
from edge_sdk.errors import ManifestError
from edge_sdk.text import problems_of

SECTION = "edge.manifest"
"""Name of the custom section that holds the manifest."""

DAY_S = 86_400
SLOT_STEP_S = 60
WINDOW_S_MAX = 7 * DAY_S
SAMPLES_MAX = 4096
INPUTS_MAX = 32
ACTIONS_MAX = 32
MANIFEST_BYTES_MAX = 65_536

_SLUG = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
_LANGUAGE = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"


def _printable(text: str) -> str:
    # These texts reach terminals and phones of people who must be able to trust what they see.
    if not text.isprintable() or not text.strip():
        raise ValueError("holds nothing or characters that cannot be printed")
    return text


def _duration(text: str) -> str:
    parse_duration_s(text)
    return text


def _series(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError(f"{name!r} is not in the catalogue; it has {', '.join(sorted(CATALOGUE))}")
    return name


def _language(tag: str) -> str:
    if not re.fullmatch(_LANGUAGE, tag):
        raise ValueError(f"{tag!r} is not a language tag such as en or nl-BE")
    return tag


Slug = Annotated[str, Field(pattern=f"^{_SLUG}$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$")]
Purpose = Annotated[str, Field(max_length=280), AfterValidator(_printable)]
Text = Annotated[str, Field(max_length=500), AfterValidator(_printable)]
Duration = Annotated[str, AfterValidator(_duration)]
SeriesName = Annotated[str, AfterValidator(_series)]
LanguageTag = Annotated[str, AfterValidator(_language)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TriggerTable(_Table):
    """Who the trigger is, for whom it runs, when and how often it may act."""

    name: Slug
    version: Version
    service: Slug
    purpose: Purpose
    scope: Literal["household", "neighbourhood"]
    every: Duration
    max_actions_per_day: Annotated[int, Field(ge=1, le=96)]

    @property
    def every_s(self) -> int:
        """Seconds between two slots."""
        return parse_duration_s(self.every)

    @model_validator(mode="after")
    def _slots_fill_a_day(self) -> Self:
        if self.every_s % SLOT_STEP_S or DAY_S % self.every_s:
            raise ValueError(f"every = {self.every!r} does not divide a day into slots of whole minutes")
        return self


class InputTable(_Table):
    """One window: a series at a resolution, oldest sample first."""

    series: SeriesName
    window: Duration
    resolution: Duration

    @property
    def window_s(self) -> int:
        """Length of the window, seconds."""
        return parse_duration_s(self.window)

    @property
    def resolution_s(self) -> int:
        """Length of one sample, seconds."""
        return parse_duration_s(self.resolution)

    @property
    def samples(self) -> int:
        """How many numbers the window holds."""
        return self.window_s // self.resolution_s

    @model_validator(mode="after")
    def _samples_fill_the_window(self) -> Self:
        if self.window_s % self.resolution_s:
            raise ValueError(f"window {self.window} is not a multiple of resolution {self.resolution}")
        if self.window_s > WINDOW_S_MAX:
            raise ValueError(f"window {self.window} is longer than 7d")
        return self


class Recommendation(_Table):
    """An action that tells the household something."""

    name: Slug
    kind: Literal["recommendation"]
    text: Annotated[dict[LanguageTag, Text], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _has_english(self) -> Self:
        if "en" not in self.text:
            raise ValueError("text has no en; every recommendation needs one language that everyone can fall back to")
        return self

    @property
    def consent_kind(self) -> str:
        """What a household consents to for this action."""
        return "recommendation"


class Command(_Table):
    """What an appliance is told."""

    limit_w: Annotated[int, Field(ge=0, le=100_000)] | None = None
    on: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.limit_w is None and self.on is None:
            raise ValueError("a command needs limit_w, on, or both")
        return self


class ApplianceCommand(_Table):
    """An action that commands one of the household's appliances."""

    name: Slug
    kind: Literal["appliance"]
    appliance: str
    command: Command

    @model_validator(mode="after")
    def _known_appliance(self) -> Self:
        if self.appliance not in APPLIANCES:
            raise ValueError(f"appliance {self.appliance!r} is not one of {', '.join(sorted(APPLIANCES))}")
        return self

    @property
    def consent_kind(self) -> str:
        """What a household consents to for this action."""
        return f"appliance:{self.appliance}"


Action: TypeAlias = Annotated[Recommendation | ApplianceCommand, Field(discriminator="kind")]


class Manifest(_Table):
    """All a module declares. Immutable; equal manifests have equal canonical bytes."""

    trigger: TriggerTable
    input: Annotated[tuple[InputTable, ...], Field(min_length=1, max_length=INPUTS_MAX, strict=False)]
    action: Annotated[tuple[Action, ...], Field(min_length=1, max_length=ACTIONS_MAX, strict=False)]

    @property
    def samples(self) -> int:
        """Length of the input block: all windows together."""
        return sum(item.samples for item in self.input)

    @property
    def series(self) -> tuple[str, ...]:
        """The distinct series it reads, sorted."""
        return tuple(sorted({item.series for item in self.input}))

    @property
    def consent_kinds(self) -> tuple[str, ...]:
        """The distinct kinds of action a household has to agree to, sorted."""
        return tuple(sorted({action.consent_kind for action in self.action}))

    @property
    def slots_per_day(self) -> int:
        """How often it is evaluated in 24 hours."""
        return DAY_S // self.trigger.every_s

    @property
    def leak_bits_per_day(self) -> float:
        """Upper bound on what its actions can tell about one household in a day."""
        return leak_bits(self.slots_per_day, self.trigger.max_actions_per_day, len(self.action))

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        # A guest names an outcome after its action, with underscores.
        names = {action.name.replace("-", "_") for action in self.action}
        if len(names) != len(self.action):
            raise ValueError("two actions have the same name, up to - and _")
        if self.samples > SAMPLES_MAX:
            raise ValueError(f"the windows hold {self.samples} samples together, more than {SAMPLES_MAX}")
        if self.trigger.max_actions_per_day > self.slots_per_day:
            raise ValueError(f"max_actions_per_day is more than the {self.slots_per_day} slots of a day")
        if self.trigger.scope == "neighbourhood":
            own = [item.series for item in self.input if CATALOGUE[item.series].extent is Extent.HOUSEHOLD]
            if own:
                raise ValueError(f"scope neighbourhood cannot read a household's own {', '.join(own)}")
        return self

    def canonical_json(self) -> bytes:
        """The bytes that stand in the module (RFC 8785)."""
        return rfc8785.dumps(self.model_dump(mode="json", exclude_none=True))


def leak_bits(slots: int, actions_max: int, actions: int) -> float:
    """Upper bound, in bits, on what a day of outcomes can tell: log2( sum over i <= m of C(n, i) a^i ).

    A day's history names, for at most `actions_max` of the `slots`, one of the declared `actions`; the sum counts
    those histories, and no code can choose among more.
    """
    return math.log2(sum(math.comb(slots, used) * actions**used for used in range(actions_max + 1)))


def parse_toml(text: str) -> Manifest:
    """Reads `trigger.toml`.

    Raises:
        ManifestError: not TOML, or not a valid manifest; says which field and what is wrong with it.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"trigger.toml is not valid TOML: {error}.") from error
    return _validate(data)


def parse_canonical_json(payload: bytes) -> Manifest:
    """Reads the custom section of a module.

    Raises:
        ManifestError: too large, not JSON, not a valid manifest, or not in canonical form.
    """
    if len(payload) > MANIFEST_BYTES_MAX:
        raise ManifestError(f"The manifest has {len(payload)} bytes, more than {MANIFEST_BYTES_MAX}.")
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"The custom section {SECTION} is not JSON: {error}.") from error
    manifest = _validate(data)
    if manifest.canonical_json() != payload:
        raise ManifestError(
            f"The custom section {SECTION} is not in canonical form (RFC 8785).",
            advice="Let `edge module build` embed the manifest.",
        )
    return manifest


def _validate(data: Any) -> Manifest:
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise ManifestError(f"The manifest is not valid: {problems_of(error, 'manifest')}.") from error
