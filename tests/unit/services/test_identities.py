from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from edge.errors import NotFoundError, SettingsError
from edge.services.identities import CA_FOLDER, EDGE_KEY, Register
from edge.services.provision import EdgePlan, provision
from edge_sdk.errors import IdentityError
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
ADDRESS = "127.0.0.1:7443"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's folder."""
    return provision(tmp_path, EdgePlan("street-1", ("127.0.0.1",), 7443, "Europe/Berlin"), NOW_MS).operator_folder


@pytest.fixture
def register(folder: Path) -> Register:
    return Register.open(folder)


def test_issue(folder: Path, register: Register) -> None:
    """An identity is what its folder holds, valid from now on for as long as asked, for this edge."""
    identity, where = register.issue(Role.METER, "m-1", ADDRESS, NOW_MS, 30)
    assert where == folder / "identities" / "meter-m-1"
    assert Identity.load(where) == identity
    assert (identity.role, identity.name, identity.edge_id) == (Role.METER, "m-1", "street-1")
    assert (identity.address, identity.server_name) == (ADDRESS, "street-1.edge.internal")
    assert identity.not_after_ms == NOW_MS + 30 * DAY_MS
    identity.check_validity(NOW_MS)


def test_issue_elsewhere(tmp_path: Path, register: Register) -> None:
    """An identity can be written to any folder, and is remembered all the same."""
    _, where = register.issue(Role.HOUSEHOLD, "h-1", ADDRESS, NOW_MS, 30, tmp_path / "stick")
    assert where == tmp_path / "stick"
    assert Identity.load(where).name == "h-1"
    assert len(register.serials_of(Role.HOUSEHOLD, "h-1")) == 1


def test_no_two_share_a_folder(register: Register) -> None:
    """Whatever their names, no identity is written over another's."""
    issued = [
        register.issue(role, name, ADDRESS, NOW_MS, 30)[1]
        for role, name in (
            (Role.METER, "x"),
            (Role.OPERATOR, "meter-x"),
            (Role.OPERATOR, "operator"),
            (Role.OPERATOR, "operator-x"),
            (Role.OPERATOR, "x"),
            (Role.ORGANIZATION, "operator"),
        )
    ]
    assert len(set(issued)) == len(issued)


def test_register(folder: Path, register: Register) -> None:
    """The register has every certificate in the order of issue, also after it was opened anew; names may repeat."""
    for name, now_ms in (("m-1", NOW_MS + 1), ("m-2", NOW_MS + 2), ("m-1", NOW_MS + 3)):
        register.issue(Role.METER, name, ADDRESS, now_ms, 30)
    issued = Register.open(folder).issued()
    assert [(item.role, item.name, item.issued_ms - NOW_MS) for item in issued] == [
        ("operator", "operator", 0),
        ("meter", "m-1", 1),
        ("meter", "m-2", 2),
        ("meter", "m-1", 3),
    ]
    assert len({item.serial_hex for item in issued}) == 4


def test_serials(register: Register) -> None:
    """To revoke somebody is to revoke every certificate of that role and name, and none of a namesake's."""
    for role in (Role.METER, Role.METER, Role.HOUSEHOLD):
        register.issue(role, "x", ADDRESS, NOW_MS, 30)
    meters, households = register.serials_of(Role.METER, "x"), register.serials_of(Role.HOUSEHOLD, "x")
    assert (len(meters), len(households)) == (2, 1)
    assert not set(meters) & set(households)
    with pytest.raises(NotFoundError) as caught:
        register.serials_of(Role.METER, "y")
    assert caught.value.reason == "IDENTITY_NOT_FOUND"


def test_remembered_before_it_is_handed_out(folder: Path, register: Register) -> None:
    """A certificate that could not be written down is never handed out: else nobody could revoke it."""
    (folder / "issued.jsonl").rename(folder / "kept.jsonl")
    (folder / "issued.jsonl").mkdir()
    with pytest.raises(SettingsError, match="Nothing was issued"):
        register.issue(Role.METER, "m-1", ADDRESS, NOW_MS, 30)
    assert not (folder / "identities" / "meter-m-1").exists()


@pytest.mark.parametrize("name", ["", "M", "a b", "../x", "-x"])
def test_bad_names(register: Register, name: str) -> None:
    """A name that cannot stand in a certificate is refused, and nothing is remembered."""
    with pytest.raises(IdentityError):
        register.issue(Role.METER, name, ADDRESS, NOW_MS, 30)
    assert len(register.issued()) == 1


def test_address(folder: Path) -> None:
    """New identities reach the edge where the operator does."""
    assert Register.open(folder).address() == ADDRESS


@pytest.mark.parametrize("missing", [EDGE_KEY, os.path.join(CA_FOLDER, "ca.key"), os.path.join(CA_FOLDER, "ca.pem")])  # noqa: PTH118
def test_incomplete_folder(folder: Path, missing: str) -> None:
    """A folder that lacks the authority or the device's key is not an operator's, and the error names the file."""
    (folder / missing).unlink()
    with pytest.raises(SettingsError, match=missing.rsplit("/", maxsplit=1)[-1]):
        Register.open(folder)
