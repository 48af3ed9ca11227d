from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from edge.domain.policy import Policy
from edge.errors import ConflictError, EdgeError
from edge.services.identities import CA_FOLDER, EDGE_KEY, ROOT_KEY, Register
from edge.services.provision import DEFAULT_TIERS, POLICY_FILE, EdgePlan, first_policy, hosts_or_local, provision
from edge.services.sign import policy_from_toml
from edge.settings import FILE_NAME, load
from edge.trust.certificates import CertificateAuthority
from edge.trust.documents import open_document
from edge.trust.keys import SigningKey
from edge_sdk.envelope import VerifyKey
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
PLAN = EdgePlan("street-1", ("edge.example.org", "10.0.0.7"), 7_000, "Europe/Berlin")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_edge_folder(tmp_path: Path) -> None:
    """The edge's folder has all that the settings name, and nothing of the operator's secrets."""
    made = provision(tmp_path, PLAN, NOW_MS)
    settings = load(made.edge_folder / FILE_NAME)
    assert (settings.edge.id, settings.edge.timezone, settings.server.port) == ("street-1", "Europe/Berlin", 7_000)
    for name in ("store_key", "tls_certificate", "tls_key", "tls_ca", "device_key", "operator_public_key"):
        assert getattr(settings.paths, name).is_file(), name
    assert not settings.paths.data.exists()
    files = {str(file.relative_to(made.edge_folder)) for file in made.edge_folder.rglob("*") if file.is_file()}
    assert files == {
        "settings.toml",
        "edge.service",
        "operator.pub",
        "documents/policy.json",
        "secrets/device.key",
        "secrets/store.key",
        "secrets/tls.key",
        "tls/ca.pem",
        "tls/cert.pem",
    }
    root_key = (made.operator_folder / ROOT_KEY).read_bytes()
    ca_key = (made.operator_folder / CA_FOLDER / "ca.key").read_bytes()
    for file in files:
        content = (made.edge_folder / file).read_bytes()
        assert root_key not in content
        assert ca_key not in content


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    """Whatever is secret can be read by its owner only, and so can both folders be entered."""
    made = provision(tmp_path, PLAN, NOW_MS)
    identity = made.operator_folder / "identities" / "operator"
    folders = [made.edge_folder, made.operator_folder, made.edge_folder / "secrets", identity]
    assert [oct(mode(folder)) for folder in folders] == ["0o700"] * len(folders)
    secrets = [*(made.edge_folder / "secrets").iterdir(), made.operator_folder / ROOT_KEY, identity / "key.pem"]
    secrets.append(made.operator_folder / CA_FOLDER / "ca.key")
    assert [oct(mode(file)) for file in secrets] == ["0o600"] * 6
    everything = [*made.edge_folder.rglob("*"), *made.operator_folder.rglob("*")]
    assert {file for file in everything if b"PRIVATE KEY" in (file.read_bytes() if file.is_file() else b"")} == {
        file for file in secrets if file.name != "store.key"
    }


def test_what_belongs_together(tmp_path: Path) -> None:
    """Both sides' keys fit: the edge believes the operator's root, the operator's identity knows the device's key."""
    made = provision(tmp_path, PLAN, NOW_MS)
    paths = load(made.edge_folder / FILE_NAME).paths
    root = VerifyKey.from_pem(paths.operator_public_key.read_bytes())
    assert SigningKey.load(made.operator_folder / ROOT_KEY).verify_key == root
    device = VerifyKey.from_pem((made.operator_folder / EDGE_KEY).read_bytes())
    assert SigningKey.load(paths.device_key).verify_key == device
    identity = Identity.load(made.operator_folder / "identities" / "operator")
    assert (identity.role, identity.name, identity.edge_id) == (Role.OPERATOR, "operator", "street-1")
    assert (identity.address, identity.edge_public_key) == ("edge.example.org:7000", device)
    assert identity.ca_pem == paths.tls_ca.read_bytes()
    (issued,) = Register.open(made.operator_folder).issued()
    assert (issued.role, issued.name, issued.issued_ms) == ("operator", "operator", NOW_MS)


def test_first_policy(tmp_path: Path) -> None:
    """The edge starts with a signed policy of the default tiers that names nobody; the operator has it to edit."""
    made = provision(tmp_path, PLAN, NOW_MS)
    root = SigningKey.load(made.operator_folder / ROOT_KEY).verify_key
    document = open_document((made.edge_folder / "documents" / "policy.json").read_bytes(), root)
    assert document == first_policy(NOW_MS, {})
    assert isinstance(document, Policy)
    assert (document.version, document.tiers, document.organizations) == (1, DEFAULT_TIERS, {})
    text = (made.operator_folder / POLICY_FILE).read_text()
    assert policy_from_toml(text, version=1, now_ms=NOW_MS) == document


def test_passphrase(tmp_path: Path) -> None:
    """A passphrase locks the operator's keys, and only those: the edge has to start by itself."""
    made = provision(tmp_path, PLAN, NOW_MS, b"correct horse")
    assert SigningKey.load(made.operator_folder / ROOT_KEY, b"correct horse")
    assert CertificateAuthority.load(made.operator_folder / CA_FOLDER, b"correct horse").edge_id == "street-1"
    assert Register.open(made.operator_folder, b"correct horse")
    assert SigningKey.load(made.edge_folder / "secrets" / "device.key")
    with pytest.raises(EdgeError):
        SigningKey.load(made.operator_folder / ROOT_KEY)


def test_no_two_edges_share_keys(tmp_path: Path) -> None:
    """Every edge has keys of its own, also where the plan is the same."""
    folders = [provision(tmp_path / name, PLAN, NOW_MS) for name in ("one", "two")]
    for key in ("edge/secrets/device.key", "edge/secrets/store.key", "edge/secrets/tls.key", "operator/root.key"):
        assert len({(made.edge_folder.parent / key).read_bytes() for made in folders}) == 2


@pytest.mark.parametrize("existing", ["edge", "operator"])
def test_existing(tmp_path: Path, existing: str) -> None:
    """Where there is an edge already nothing is written, nor beside it."""
    (tmp_path / existing).mkdir()
    with pytest.raises(ConflictError) as caught:
        provision(tmp_path, PLAN, NOW_MS)
    assert caught.value.reason == "EDGE_EXISTS"
    assert [path.name for path in tmp_path.rglob("*")] == [existing]


@pytest.mark.parametrize(
    "plan",
    [
        EdgePlan("Street 1", ("localhost",), 7443, "Europe/Berlin"),
        EdgePlan("street-1", ("not a host",), 7443, "Europe/Berlin"),
        EdgePlan("street-1", ("localhost",), 7443, "Mars/Olympus"),
        EdgePlan("street-1", ("localhost",), 70_000, "Europe/Berlin"),
    ],
    ids=["id", "host", "timezone", "port"],
)
def test_impossible_plan(tmp_path: Path, plan: EdgePlan) -> None:
    """A plan that no edge can have is refused before anything is written, so that the next try starts clean."""
    with pytest.raises(EdgeError):
        provision(tmp_path, plan, NOW_MS)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(("host", "address"), [("::1", "[::1]:7443"), ("10.0.0.7", "10.0.0.7:7443")])
def test_address(tmp_path: Path, host: str, address: str) -> None:
    """The operator's identity names the first host in the form that clients read, of IP version 6 too."""
    made = provision(tmp_path, EdgePlan("street-1", (host,), 7443, "Europe/Berlin"), NOW_MS)
    assert Identity.load(made.operator_folder / "identities" / "operator").address == address


def test_hosts() -> None:
    """Without hosts an edge is reached at this machine."""
    assert hosts_or_local(["a.example.org"]) == ("a.example.org",)
    assert hosts_or_local([]) == ("localhost", "127.0.0.1")


def test_systemd_unit(tmp_path: Path) -> None:
    """The unit starts the edge in the folder that is its own, may write there only, and leaves time to stop."""
    made = provision(tmp_path, PLAN, NOW_MS)
    lines = (made.edge_folder / "edge.service").read_text().splitlines()
    expected: dict[str, Any] = {
        "ExecStart": "/opt/edge/bin/edge serve /var/lib/edge",
        "StateDirectory": "edge",
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "KillSignal": "SIGTERM",
    }
    assert {f"{name}={value}" for name, value in expected.items()} <= set(lines)
