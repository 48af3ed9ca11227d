"""Sets up a new edge: on the one side what goes into the street cabinet, on the other what never leaves the operator.

DIR/edge/        settings.toml, TLS certificate, device key, store key, the operator's public key, a first policy
DIR/operator/    the root key, the certificate authority, policy.toml, the operator's own identity
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.domain.policy import Policy, Tier
from edge.domain.slot import DAY_MS
from edge.errors import ConflictError, SettingsError
from edge.services.identities import CA_FOLDER, EDGE_KEY, OPERATOR_NAME, ROOT_KEY, Register
from edge.services.sign import policy_to_toml
from edge.settings import FILE_NAME, EdgeSection, ServerSection, Settings, to_toml
from edge.trust.certificates import CertificateAuthority
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey, write_private
from edge_sdk.identity import Role
from edge_sdk.text import problems_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.trust.certificates import IssuedCertificate

POLICY_VALID_DAYS = 1_825
DEVICE_VALID_DAYS = 1_825
OPERATOR_VALID_DAYS = 365
POLICY_FILE = "policy.toml"

DEFAULT_TIERS = {
    "supplier": Tier(
        series=("*",),
        action_kinds=("recommendation", "appliance:*"),
        every_s_min=300,
        leak_bits_per_day_max=64,
        group_min=15,
        fuel_max=10_000_000,
    ),
    "service-provider": Tier(
        series=("power_import", "power_export", "power_net", "neighbourhood.power_net"),
        action_kinds=("recommendation",),
        every_s_min=900,
        leak_bits_per_day_max=32,
        group_min=50,
        fuel_max=5_000_000,
    ),
    "researcher": Tier(
        series=("neighbourhood.power_net", "neighbourhood.power_import", "neighbourhood.power_export"),
        action_kinds=("recommendation",),
        every_s_min=3_600,
        leak_bits_per_day_max=8,
        group_min=50,
        fuel_max=5_000_000,
    ),
}


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Where everything is."""

    edge_folder: Path
    operator_folder: Path
    settings: Settings


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """What an edge is to be."""

    edge_id: str
    hosts: tuple[str, ...]
    port: int
    timezone: str

    @property
    def address(self) -> str:
        """Where clients reach it."""
        host = f"[{self.hosts[0]}]" if ":" in self.hosts[0] else self.hosts[0]
        return f"{host}:{self.port}"


def provision(folder: Path, plan: EdgePlan, now_ms: int, passphrase: bytes | None = None) -> Provisioned:
    """Makes both folders under `folder`.

    Raises:
        ConflictError: there is an edge already.
        EdgeError: the plan is not one that an edge can have; nothing was written.
    """
    edge_folder, operator_folder = folder / "edge", folder / "operator"
    for existing in (edge_folder, operator_folder):
        if existing.exists():
            raise ConflictError(
                f"{existing} exists already.",
                advice="Choose an empty folder; nothing was changed.",
                reason="EDGE_EXISTS",
            )
    root, device = SigningKey.generate(), SigningKey.generate()
    authority = CertificateAuthority.create(plan.edge_id, now_ms)
    certificate = authority.issue_device(plan.hosts, now_ms, DEVICE_VALID_DAYS)
    settings = _settings(plan)
    for new in (edge_folder, operator_folder):
        new.mkdir(parents=True, mode=0o700)
    _write_edge(edge_folder, settings, authority, certificate, root, device, now_ms)
    _write_operator(operator_folder, plan, authority, root, device, now_ms, passphrase)
    return Provisioned(edge_folder, operator_folder, settings)


def _settings(plan: EdgePlan) -> Settings:
    try:
        edge, server = EdgeSection(id=plan.edge_id, timezone=plan.timezone), ServerSection(port=plan.port)
    except ValidationError as error:
        raise SettingsError(
            f"No edge can be set up like this: {problems_of(error, 'plan')}.", advice="Correct it."
        ) from error
    return Settings(edge=edge, server=server)


def _write_edge(
    folder: Path,
    settings: Settings,
    authority: CertificateAuthority,
    certificate: IssuedCertificate,
    root: SigningKey,
    device: SigningKey,
    now_ms: int,
) -> None:
    paths = settings.paths
    for secret_folder in {paths.tls_key.parent, paths.device_key.parent, paths.store_key.parent}:
        (folder / secret_folder).mkdir(mode=0o700, exist_ok=True)
    for plain_folder in (paths.tls_certificate.parent, paths.documents):
        (folder / plain_folder).mkdir(exist_ok=True)
    (folder / FILE_NAME).write_text(to_toml(settings), encoding="utf-8")
    (folder / paths.tls_certificate).write_bytes(certificate.certificate_pem)
    (folder / paths.tls_ca).write_bytes(authority.certificate_pem)
    (folder / paths.operator_public_key).write_bytes(root.verify_key.to_pem())
    write_private(folder / paths.tls_key, certificate.key_pem)
    write_private(folder / paths.store_key, secrets.token_hex(32).encode())
    device.save(folder / paths.device_key)
    policy = first_policy(now_ms, {})
    (folder / paths.documents / "policy.json").write_bytes(sign_document(policy, root).to_json())
    (folder / "edge.service").write_text(_systemd_unit(settings.edge.id), encoding="utf-8")


def _write_operator(
    folder: Path,
    plan: EdgePlan,
    authority: CertificateAuthority,
    root: SigningKey,
    device: SigningKey,
    now_ms: int,
    passphrase: bytes | None,
) -> None:
    root.save(folder / ROOT_KEY, passphrase)
    authority.save(folder / CA_FOLDER, passphrase)
    (folder / EDGE_KEY).write_bytes(device.verify_key.to_pem())
    (folder / POLICY_FILE).write_text(policy_to_toml(first_policy(now_ms, {})), encoding="utf-8")
    register = Register(folder, authority, device.verify_key)
    register.issue(Role.OPERATOR, OPERATOR_NAME, plan.address, now_ms, OPERATOR_VALID_DAYS)


def first_policy(now_ms: int, organizations: dict[str, str]) -> Policy:
    """Returns version 1 of a policy with the default tiers."""
    return Policy(
        version=1,
        not_before_ms=now_ms,
        not_after_ms=now_ms + POLICY_VALID_DAYS * DAY_MS,
        tiers=DEFAULT_TIERS,
        organizations=organizations,
    )


def hosts_or_local(hosts: Sequence[str]) -> tuple[str, ...]:
    """Returns the names to put in the device's certificate; this machine's own if none are given."""
    return tuple(hosts) or ("localhost", "127.0.0.1")


def _systemd_unit(edge_id: str) -> str:
    return f"""\
# An example for the device. Install the package into /opt/edge (python3 -m venv /opt/edge), copy this folder to
# /var/lib/edge, owned by the user edge, and this file to /etc/systemd/system/edge.service.
[Unit]
Description=Edge {edge_id}
After=network-online.target time-sync.target
Wants=network-online.target time-sync.target

[Service]
Type=exec
User=edge
ExecStart=/opt/edge/bin/edge serve /var/lib/edge
Restart=on-failure
RestartSec=2
TimeoutStopSec=10
KillSignal=SIGTERM

# The edge needs its own folder and the network, nothing else of the machine.
StateDirectory=edge
StateDirectoryMode=0700
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
LockPersonality=yes
UMask=0077
LimitNOFILE=65536
MemoryMax=4G

[Install]
WantedBy=multi-user.target
"""
