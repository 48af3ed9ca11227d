from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import WasmFormatError
from edge_sdk.wasm import SECTIONS_MAX, Reader, custom_section, embed_custom_section, read_sections

HEADER = b"\0asm\x01\0\0\0"
# One type () -> i32, one function of it that returns 0, exported as `f`; and a custom section `note`.
TYPES = b"\x01\x05\x01\x60\x00\x01\x7f"
FUNCTIONS = b"\x03\x02\x01\x00"
EXPORTS = b"\x07\x05\x01\x01f\x00\x00"
CODE = b"\x0a\x06\x01\x04\x00\x41\x00\x0b"
NOTE = b"\x00\x08\x04notehey"
MODULE = HEADER + TYPES + FUNCTIONS + EXPORTS + NOTE + CODE

names = st.text(max_size=20)
mutations = st.lists(st.tuples(st.integers(0, len(MODULE) - 1), st.integers(0, 255)), max_size=4)


def reader(data: bytes) -> Reader:
    return Reader(data, part="test")


def leb128(value: int) -> bytes:
    encoded = [value >> shift & 0x7F | 0x80 for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*encoded[:-1], encoded[-1] & 0x7F])


def test_sections_of_a_module() -> None:
    """Sections come in the module's order, with the offsets and sizes of their payloads."""
    sections = read_sections(MODULE)
    assert [section.id for section in sections] == [1, 3, 7, 0, 10]
    assert [section.name for section in sections] == [None, None, None, "note", None]
    payloads = [MODULE[section.offset : section.end] for section in sections]
    assert payloads == [TYPES[2:], FUNCTIONS[2:], EXPORTS[2:], b"hey", CODE[2:]]
    assert b"".join(MODULE[section.start : section.end] for section in sections) == MODULE[8:]


def test_section_order_is_not_that_of_ids() -> None:
    """Tag (13) stands before global (6), data count (12) before code (10), as the specification orders them."""
    in_order = b"".join(bytes([section_id, 1, 0]) for section_id in (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11))
    assert len(read_sections(HEADER + in_order)) == 13
    with pytest.raises(WasmFormatError, match="data count section, byte 11: the section is repeated or out of order"):
        read_sections(HEADER + b"\x0a\x01\x00\x0c\x01\x00")


def test_padded_leb128_is_allowed() -> None:
    """Linkers pad sizes to five bytes; the specification allows it, only more than five are overlong."""
    (section,) = read_sections(HEADER + b"\x01\x81\x80\x80\x80\x00\x00")
    assert (section.offset, section.size) == (14, 1)


def test_sections_are_bounded() -> None:
    """A binary of nothing but custom sections is read up to a bound."""
    empty = b"\0\x01\0"
    assert len(read_sections(HEADER + empty * SECTIONS_MAX)) == SECTIONS_MAX
    with pytest.raises(WasmFormatError, match="more than"):
        read_sections(HEADER + empty * (SECTIONS_MAX + 1))


@given(st.integers(0, 2**32 - 1))
def test_u32_round_trip(value: int) -> None:
    """Every u32 is read from its shortest encoding, to its last byte."""
    read = reader(leb128(value))
    assert read.u32() == value
    assert read.at_end


@given(st.integers(2**32, 2**40))
def test_u32_too_large(value: int) -> None:
    """A number of more than 32 bits is refused where it starts, whatever its length."""
    with pytest.raises(WasmFormatError, match="test, byte 0: an integer"):
        reader(leb128(value)).u32()


@given(st.integers(0, 2**64 - 1))
def test_u64_round_trip(value: int) -> None:
    """Every u64 is read from its shortest encoding."""
    assert reader(leb128(value)).u64() == value


@pytest.mark.parametrize(
    ("encoded", "bits", "is_allowed"),
    [
        (b"\x7f", 32, True),  # -1
        (b"\x80\x80\x80\x80\x78", 32, True),  # the lowest
        (b"\xff\xff\xff\xff\x07", 32, True),  # the highest
        (b"\xff\xff\xff\xff\x0f", 32, False),  # one bit beyond
        (b"\xff\xff\xff\xff\x0f", 33, True),
        (b"\x80\x80\x80\x80\x80\x00", 32, False),  # six bytes
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 64, True),
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 64, False),
        (b"\x80", 32, False),
    ],
)
def test_signed(encoded: bytes, bits: int, is_allowed: bool) -> None:  # noqa: FBT001
    """Signed integers are passed over to their end; overlong ones and those with bits beyond the width are refused."""
    read = reader(encoded)
    if is_allowed:
        read.skip_signed(bits)
        assert read.at_end
    else:
        with pytest.raises(WasmFormatError):
            read.skip_signed(bits)


def test_reader_stays_in_its_part() -> None:
    """A reader of a part does not see the bytes after it, and the outer one goes on behind it."""
    outer = reader(b"abcd")
    inner = outer.part_of(2, "inner")
    assert inner.take(2) == b"ab"
    with pytest.raises(WasmFormatError, match="inner, byte 2: it ends where another byte is needed"):
        inner.byte()
    assert outer.take(2) == b"cd"


def test_expect_end() -> None:
    """Bytes left over are refused."""
    with pytest.raises(WasmFormatError, match="byte 0: 1 bytes follow what should be its end"):
        reader(b"a").expect_end()


def test_custom_section() -> None:
    """A payload is found by name; a name that is not there gives None."""
    assert custom_section(MODULE, "note") == b"hey"
    assert custom_section(MODULE, "type") is None


def test_custom_section_twice() -> None:
    """A name that appears twice is refused, at the second."""
    with pytest.raises(WasmFormatError, match=re.escape("custom section, byte 36: `note` appears 2 times.")):
        custom_section(MODULE[: -len(CODE)] + NOTE, "note")


@given(name=names, payload=st.binary(max_size=300))
def test_embed_then_read(name: str, payload: bytes) -> None:
    """What was embedded is read back, and embedding again replaces it and nothing else."""
    once = embed_custom_section(MODULE, name, b"something else")
    twice = embed_custom_section(once, name, payload)
    assert custom_section(twice, name) == payload
    assert embed_custom_section(MODULE, name, payload) == twice
    assert [s.id for s in read_sections(twice) if s.id] == [s.id for s in read_sections(MODULE) if s.id]


def test_embed_replaces_all_of_that_name() -> None:
    """A module with two sections of the name has one afterwards."""
    assert custom_section(embed_custom_section(MODULE + NOTE, "note", b"new"), "note") == b"new"


def try_everything(wasm: bytes) -> None:
    for read in (
        read_sections,
        lambda data: custom_section(data, "note"),
        lambda data: embed_custom_section(data, "n", b""),
    ):
        try:
            read(wasm)
        except WasmFormatError as error:
            assert re.search(r"byte \d+: ", error.message)  # noqa: PT017 - that none is raised is fine too


@given(st.binary(max_size=200), st.booleans())
def test_only_format_errors_escape_random_bytes(data: bytes, with_header: bool) -> None:  # noqa: FBT001
    """Random bytes give sections or WasmFormatError with a byte offset, never anything else."""
    try_everything(HEADER + data if with_header else data)


@given(mutations, st.integers(0, len(MODULE)))
def test_only_format_errors_escape_mutations(changes: list[tuple[int, int]], length: int) -> None:
    """A module with a few bytes changed or its end missing gives sections or WasmFormatError, never anything else."""
    mutated = bytearray(MODULE)
    for position, value in changes:
        mutated[position] = value
    try_everything(bytes(mutated[:length]))
    try_everything(bytes(mutated))
