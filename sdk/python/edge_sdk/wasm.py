"""The shell of a WebAssembly binary: its sections, by the core specification (3.0, chapter 5, binary format).

Strict and bounded, for bytes of unknown origin: whatever they are, nothing but `WasmFormatError` leaves this file, and
the work is proportional to their number. It reads what is around the code, never the code: a module it accepts may
still be invalid, which is for a compiler to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_sdk.errors import WasmFormatError
from edge_sdk.text import printable

MAGIC: Final = b"\0asm"
VERSION: Final = b"\x01\0\0\0"
CUSTOM: Final = 0

# Custom sections are free, so a binary could be made of nothing else; real ones have about twenty.
SECTIONS_MAX: Final = 1000
# Of a vector. A megabyte can announce half a million memories, and reading them all would take seconds.
ENTRIES_MAX: Final = 50_000

# In the order of the binary format, which is not that of the ids.
SECTION_NAMES: Final = {
    1: "type",
    2: "import",
    3: "function",
    4: "table",
    5: "memory",
    13: "tag",
    6: "global",
    7: "export",
    8: "start",
    9: "element",
    12: "data count",
    10: "code",
    11: "data",
}
_ORDER = {section_id: position for position, section_id in enumerate(SECTION_NAMES)}


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section is.

    Attributes:
        id: by the specification, 0 for a custom section.
        name: of a custom section; None for the others.
        start: offset of its id byte.
        offset: offset of its payload, which in a custom section is what follows the name.
        size: bytes of its payload.
    """

    id: int
    name: str | None
    start: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """Offset of what follows it."""
        return self.offset + self.size


class Reader:
    """Reads values of the binary format from a part of a binary, never beyond its end.

    Every method raises WasmFormatError, naming the part and the byte, when the bytes are not what it reads.
    """

    def __init__(self, data: bytes, *, part: str, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._end = len(data) if end is None else end
        self.part = part
        self.position = start

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.position >= self._end

    def error(self, problem: str, *, at: int | None = None) -> WasmFormatError:
        """Returns the error to raise for a problem at byte `at`, or else where the reader stands."""
        return WasmFormatError(f"{self.part}, byte {self.position if at is None else at}: {problem}.")

    def byte(self) -> int:
        """Returns the next byte."""
        if self.position >= self._end:
            raise self.error("it ends where another byte is needed")
        value = self._data[self.position]
        self.position += 1
        return value

    def take(self, size: int) -> bytes:
        """Returns the next `size` bytes."""
        start = self.position
        self.skip(size)
        return self._data[start : self.position]

    def between(self, start: int, end: int) -> bytes:
        """Returns bytes that have been read already, by their offsets in the whole binary."""
        return self._data[start:end]

    def skip(self, size: int) -> None:
        """Passes over `size` bytes."""
        left = self._end - self.position
        if size > left:
            raise self.error(f"{size} bytes are needed but only {left} are left")
        self.position += size

    def u32(self) -> int:
        """Returns an unsigned LEB128 of at most 5 bytes and 32 bits."""
        return self._unsigned(32)

    def u64(self) -> int:
        """Returns an unsigned LEB128 of at most 10 bytes and 64 bits."""
        return self._unsigned(64)

    def _unsigned(self, bits: int) -> int:
        start = self.position
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                if value >> bits:
                    raise self.error(f"an integer does not fit {bits} bits", at=start)
                return value
        raise self.error(f"an integer of {bits} bits has an overlong encoding", at=start)

    def skip_signed(self, bits: int) -> None:
        """Passes over a signed LEB128 of at most `bits` bits."""
        start = self.position
        for shift in range(0, bits, 7):
            byte = self.byte()
            if byte & 0x80:
                continue
            used = bits - shift
            # In the last byte the bits beyond the width repeat the sign bit (5.2.2).
            if used < 7 and (byte & 0x7F) >> (used - 1) not in (0, 0x7F >> (used - 1)):
                raise self.error(f"a signed integer does not fit {bits} bits", at=start)
            return
        raise self.error(f"a signed integer of {bits} bits has an overlong encoding", at=start)

    def count(self, what: str) -> int:
        """Returns the length of a vector, none of whose elements is smaller than a byte."""
        start = self.position
        count = self.u32()
        if count > ENTRIES_MAX:
            raise self.error(f"it announces {count} {what}, more than the {ENTRIES_MAX} that are read", at=start)
        if count > self._end - self.position:
            raise self.error(f"it announces {count} {what} but has {self._end - self.position} bytes left", at=start)
        return count

    def name(self) -> str:
        """Returns a name: a length and as many bytes of UTF-8."""
        start = self.position
        try:
            return self.take(self.u32()).decode()
        except UnicodeDecodeError as error:
            raise self.error("a name is not UTF-8", at=start) from error

    def part_of(self, size: int, part: str) -> Reader:
        """Returns a reader of the next `size` bytes, which this one passes over."""
        start = self.position
        self.skip(size)
        return Reader(self._data, part=part, start=start, end=self.position)

    def expect_end(self) -> None:
        """Refuses bytes after what should have been the last."""
        if not self.at_end:
            raise self.error(f"{self._end - self.position} bytes follow what should be its end")


def section_label(section_id: int) -> str:
    """Returns what messages call a section."""
    return f"{SECTION_NAMES[section_id]} section" if section_id in SECTION_NAMES else "custom section"


def read_sections(wasm: bytes) -> tuple[Section, ...]:
    """Returns the sections of a module, in their order.

    Raises:
        WasmFormatError: if `wasm` is not a module of version 1, or a section is out of order, repeated or out of
            bounds.
    """
    reader = Reader(wasm, part="header")
    if wasm[:4] != MAGIC:
        raise reader.error("it does not start with the four bytes of every WebAssembly binary")
    if wasm[4:8] != VERSION:
        raise reader.error("it is not a core module of version 1; components are not supported", at=4)
    reader.skip(8)
    sections: list[Section] = []
    last_order = -1
    while not reader.at_end:
        if len(sections) == SECTIONS_MAX:
            raise reader.error(f"more than {SECTIONS_MAX} sections")
        section = _read_section(reader)
        if section.id != CUSTOM:
            if _ORDER[section.id] <= last_order:
                raise reader.error("the section is repeated or out of order", at=section.start)
            last_order = _ORDER[section.id]
        sections.append(section)
    return tuple(sections)


def _read_section(reader: Reader) -> Section:
    reader.part = "section header"
    start = reader.position
    section_id = reader.byte()
    if section_id != CUSTOM and section_id not in _ORDER:
        raise reader.error(f"there is no section with id {section_id}", at=start)
    reader.part = section_label(section_id)
    size = reader.u32()
    payload = reader.part_of(size, reader.part)
    end = reader.position
    name = payload.name() if section_id == CUSTOM else None
    return Section(id=section_id, name=name, start=start, offset=payload.position, size=end - payload.position)


def custom_section(wasm: bytes, name: str) -> bytes | None:
    """Returns the payload of a module's custom section, None if it has no such section.

    Raises:
        WasmFormatError: if `wasm` is not a module, or has two custom sections of that name: two readers could then
            believe two things.
    """
    found = [section for section in read_sections(wasm) if section.name == name]
    if not found:
        return None
    if len(found) > 1:
        raise Reader(wasm, part="custom section").error(
            f"`{printable(name)}` appears {len(found)} times", at=found[1].start
        )
    return wasm[found[0].offset : found[0].end]


def embed_custom_section(wasm: bytes, name: str, payload: bytes) -> bytes:
    """Returns the module with one custom section of that name, at its end, in place of any that it had.

    Raises:
        WasmFormatError: if `wasm` is not a module.
    """
    kept = [wasm[section.start : section.end] for section in read_sections(wasm) if section.name != name]
    encoded_name = name.encode()
    body = encode_u32(len(encoded_name)) + encoded_name + payload
    return b"".join([MAGIC, VERSION, *kept, bytes([CUSTOM]), encode_u32(len(body)), body])


def encode_u32(value: int) -> bytes:
    """Returns an unsigned LEB128, as short as can be."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
