"""A hostile sample: a module in the text format whose first lines say what must become of it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.sandbox.assemble import assemble
from edge.settings import MIB, SandboxLimits
from edge_sdk.manifest import SECTION, parse_toml
from edge_sdk.scaffold import MANIFEST_NAME, scaffold
from edge_sdk.wasm import embed_custom_section, read_sections

FOLDER = Path(__file__).parent
_DIRECTIVE = re.compile(r"^;; (\w+): (.+)$", re.MULTILINE)
_KNOWN = {"verdict", "outcome", "time", "memory", "limits", "manifest", "needs", "proves"}
_REPEAT = re.compile(r"^ *;; repeat (\d+)\n((?:(?! *;; (?:repeat|end)).*\n)*) *;; end\n", re.MULTILINE)
_NUMBER = re.compile(r"\{n(?:\*(\d+))?(?:%(\d+))?\}")
_RANDOM = re.compile(r"\{random (\d+)\}")
_MANIFEST = parse_toml(scaffold()[MANIFEST_NAME]).canonical_json()


@dataclass(frozen=True)
class Sample:
    """A hostile module and what its comments claim about it.

    Attributes:
        name: of its file, without suffix.
        wat: the module, its repetitions written as such.
        claims: what each of its first lines says.
    """

    name: str
    wat: str
    claims: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Sample:
        """Returns the sample in a file."""
        wat = path.read_text(encoding="utf-8")
        claims = dict(_DIRECTIVE.findall(wat))
        assert set(claims) <= _KNOWN, f"{path.name}: no such line: {set(claims) - _KNOWN}"
        return cls(path.stem, wat, claims)

    @property
    def refused(self) -> tuple[str, str] | None:
        """The check and the reason that refuse it; None if it is contained."""
        if not self.claims["verdict"].startswith("refused at "):
            return None
        check, reason = self.claims["verdict"].removeprefix("refused at ").split()
        return check, reason

    @property
    def fault(self) -> str:
        """What every evaluation ends with, of a sample that is contained."""
        return self.claims["verdict"].removeprefix("contained ")

    @property
    def outcome(self) -> int:
        """What every evaluation gives, of a sample that is contained."""
        return int(self.claims.get("outcome", 0))

    @property
    def cpu_s_max(self) -> float:
        """The most that it may cost."""
        return float(self.claims["time"].removesuffix(" s"))

    @property
    def memory_bytes_max(self) -> int:
        """The most that it may take."""
        return int(self.claims["memory"].removesuffix(" MiB")) * MIB

    @property
    def limits(self) -> SandboxLimits:
        """The default limits, but for those that the sample lowers to be over sooner."""
        lowered: dict[str, Any] = dict(item.split("=") for item in self.claims.get("limits", "").split())
        return replace(
            SandboxLimits(), **{name: type(getattr(SandboxLimits(), name))(lowered[name]) for name in lowered}
        )

    def wasm(self) -> bytes:
        """Returns the binary."""
        return assemble(expand(self.wat), self.name)

    def module(self) -> bytes:
        """Returns the binary with a manifest, unless it has its own or is about having none."""
        wasm = self.wasm()
        if self.claims.get("manifest") == "none" or any(found.name == SECTION for found in read_sections(wasm)):
            return wasm
        return embed_custom_section(wasm, SECTION, _MANIFEST)


def expand(wat: str) -> str:
    """Returns the text with every repetition written out: the innermost first, its number for `{n}`.

    `{n*3%100}` is the number times 3, modulo 100; either part may be missing. `{random 100}` is one of 0 to 99, as
    if by chance, and the same in every run.
    """
    while (found := _REPEAT.search(wat)) is not None:
        times, body = int(found[1]), found[2]
        lines = "".join(_NUMBER.sub(lambda hole, n=n: _number(n, hole), body) for n in range(times))
        wat = wat[: found.start()] + lines + wat[found.end() :]
    dice = random.Random(1)
    return _RANDOM.sub(lambda hole: str(dice.randrange(int(hole[1]))), wat)


def _number(n: int, hole: re.Match[str]) -> str:
    product = n * int(hole[1] or 1)
    return str(product % int(hole[2]) if hole[2] else product)


def samples(pattern: str = "*.wat") -> list[Sample]:
    """Returns the samples whose file is so named, by name."""
    return [Sample.read(path) for path in sorted(FOLDER.glob(pattern))]
