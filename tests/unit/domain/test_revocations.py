from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.domain.module import digest_of
from edge.domain.peer import Peer
from edge.domain.revocations import Revocations, check_repeats
from edge.errors import DocumentError
from edge_sdk.identity import Role

SERIALS = st.sampled_from([f"{number:040x}" for number in (1, 2, 10, 2**159)])
DIGESTS = st.sampled_from([digest_of(name) for name in (b"a", b"b", b"c")])


def revocations(certificates: frozenset[str], modules: frozenset[str], version: int = 1) -> Revocations:
    """Returns a list of revocations."""
    return Revocations(
        version=version,
        not_before_ms=0,
        not_after_ms=1,
        certificates=tuple(sorted(certificates)),
        modules=tuple(sorted(modules)),
    )


LISTS = st.builds(revocations, st.frozensets(SERIALS), st.frozensets(DIGESTS))


@given(new=LISTS, old=LISTS)
def test_nothing_is_taken_back(new: Revocations, old: Revocations) -> None:
    """A new list is refused if and only if something that was revoked is missing from it."""
    missing = {*old.certificates, *old.modules} - {*new.certificates, *new.modules}
    if missing:
        with pytest.raises(DocumentError, match=f"leave out {len(missing)} ") as caught:
            check_repeats(new, old)
        assert caught.value.reason == "REVOCATION_MISSING"
    else:
        check_repeats(new, old)


@given(new=LISTS)
def test_first_list(new: Revocations) -> None:
    """The first list may be any."""
    check_repeats(new, None)


@given(revoked=LISTS, serial=SERIALS)
def test_revokes_by_serial(revoked: Revocations, serial: str) -> None:
    """A peer is revoked if its certificate's serial number is on the list, whatever its role and name."""
    peer = Peer(Role.METER, "m1", serial, not_after_ms=1)
    assert revoked.revokes(peer) == (serial in revoked.certificates)


@pytest.mark.parametrize("serial", ["", "1", "0A" * 20, "0x" + "1" * 38, "1" * 41, "g" * 40, "1" * 39 + "\n"])
def test_serials_spelt_one_way(serial: str) -> None:
    """A serial number spelt otherwise than the edge spells it, which would revoke nothing, is refused."""
    document = {"version": 1, "not_before_ms": 0, "not_after_ms": 1, "certificates": [serial]}
    with pytest.raises(ValidationError, match="certificates"):
        Revocations.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("digest", ["", "00" * 32, "sha256:" + "0" * 63, "sha256:" + "A" * 64, "sha512:" + "0" * 64])
def test_digests_spelt_one_way(digest: str) -> None:
    """A digest that no module can have is refused."""
    document = {"version": 1, "not_before_ms": 0, "not_after_ms": 1, "modules": [digest]}
    with pytest.raises(ValidationError, match="modules"):
        Revocations.model_validate_json(json.dumps(document))


@given(document=LISTS)
def test_signed_bytes_round_trip(document: Revocations) -> None:
    """A list is read back from its signed bytes."""
    assert Revocations.model_validate_json(document.canonical_json()) == document
