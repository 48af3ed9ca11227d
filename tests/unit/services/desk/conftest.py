"""The operator's desk, and at the other end of the line an edge that answers what a test lets it answer."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import rfc8785

from edge.cli.approval import fetch
from edge.domain.module import digest_of
from edge.sandbox.sandbox import Sandbox
from edge.services.examine import Examination
from edge.services.identities import ROOT_KEY, Register
from edge.services.provision import EdgePlan, first_policy, provision
from edge.services.vet import Vetted, Wanted, vet
from edge.settings import SandboxLimits
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.wire.v1 import module_pb2, operator_pb2, operator_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DAY_MS = 86_400_000


@dataclass
class Liar(operator_pb2_grpc.OperatorServiceServicer):
    """Answers as an edge that holds one module, whose answers a test may change; keeps what is submitted."""

    module: module_pb2.Module
    wasm: bytes
    policy_json: bytes
    submitted: list[bytes] = field(default_factory=list)

    async def ListModules(self, *_: Any) -> operator_pb2.OperatorServiceListModulesResponse:  # noqa: N802
        return operator_pb2.OperatorServiceListModulesResponse(modules=[self.module])

    async def GetModule(self, *_: Any) -> operator_pb2.OperatorServiceGetModuleResponse:  # noqa: N802
        return operator_pb2.OperatorServiceGetModuleResponse(module=self.module)

    async def DownloadModule(self, *_: Any) -> operator_pb2.DownloadModuleResponse:  # noqa: N802
        return operator_pb2.DownloadModuleResponse(wasm=self.wasm)

    async def GetDocument(self, *_: Any) -> operator_pb2.GetDocumentResponse:  # noqa: N802
        return operator_pb2.GetDocumentResponse(envelope_json=self.policy_json)

    async def SubmitDocument(self, request: operator_pb2.SubmitDocumentRequest, _: Any) -> Any:  # noqa: N802
        self.submitted.append(request.envelope_json)
        return operator_pb2.SubmitDocumentResponse(kind="approval", version=1, module=self.module)

    def tell(self, report: Any) -> None:
        """Shows another report, with the digest that belongs to it."""
        content = report if isinstance(report, bytes) else rfc8785.dumps(report)
        self.module.report.canonical_json = content
        self.module.report.digest = digest_of(content)

    def report(self) -> Any:
        return json.loads(self.module.report.canonical_json)


@dataclass
class Desk:
    """The operator's, with an edge at the other end of the line."""

    liar: Liar
    identity: Identity
    folder: Path
    key: SigningKey
    now_ms: int

    async def vetted(self, wanted: Wanted) -> Vetted:
        shown = await fetch(self.identity, wanted.digest_beginning, wanted.organization)
        return vet(shown, wanted, edge_id=self.identity.edge_id, operator_key=self.key.verify_key, now_ms=self.now_ms)

    def sign_policy(self, key: SigningKey | None = None, **changes: Any) -> bytes:
        policy = first_policy(self.now_ms - DAY_MS, {"acme": "supplier"}).model_copy(update=changes)
        return sign_document(policy, key or self.key).to_json()


@pytest.fixture
async def desk(tmp_path: Path, module: Callable[..., bytes]) -> AsyncIterator[Desk]:
    now_ms = time.time_ns() // 1_000_000
    made = provision(tmp_path / "site", EdgePlan("street-1", ("127.0.0.1",), 7443, "Europe/Amsterdam"), now_ms)
    key = SigningKey.load(made.operator_folder / ROOT_KEY)
    wasm = module()
    with Sandbox() as sandbox:
        report, _ = Examination(sandbox, SandboxLimits()).examine(wasm, None)
    shown = module_pb2.Module(
        digest=report.module_digest,
        organization="acme",
        name="pulse",
        report=module_pb2.AdmissionReport(digest=report.summary().digest, canonical_json=report.canonical_json()),
    )
    liar = Liar(shown, wasm, b"")
    async with serving(liar, made.edge_folder) as port:
        register = Register.open(made.operator_folder)
        address = f"127.0.0.1:{port}"
        identity, folder = register.issue(Role.OPERATOR, "desk", address, now_ms, 2, tmp_path / "desk")
        desk = Desk(liar, identity, folder, key, now_ms)
        liar.policy_json = desk.sign_policy()
        yield desk


@asynccontextmanager
async def serving(liar: Liar, edge_folder: Path) -> AsyncIterator[int]:
    """Lets the liar answer with the edge's own certificate; yields the port."""
    server: Any = grpc.aio.server()
    operator_pb2_grpc.add_OperatorServiceServicer_to_server(liar, server)
    own_key, certificate, ca = (
        (edge_folder / name).read_bytes() for name in ("secrets/tls.key", "tls/cert.pem", "tls/ca.pem")
    )
    credentials = grpc.ssl_server_credentials([(own_key, certificate)], ca, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)
