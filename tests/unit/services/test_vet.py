"""An edge that lies to its operator is caught at the operator's desk. The liar here speaks over real TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import rfc8785

from edge.cli.approval import fetch
from edge.domain.approval import Approval
from edge.domain.module import digest_of
from edge.errors import EdgeError
from edge.sandbox.assemble import assemble
from edge.sandbox.sandbox import Sandbox
from edge.services.examine import Examination
from edge.services.identities import ROOT_KEY, Register
from edge.services.provision import EdgePlan, first_policy, provision
from edge.services.sign import revocations_after
from edge.services.vet import Vetted, Wanted, vet
from edge.settings import SandboxLimits
from edge.trust.documents import open_document, sign_document
from edge.trust.keys import SigningKey
from edge_sdk.identity import Identity, Role
from edge_sdk.wire.v1 import module_pb2, operator_pb2, operator_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DAY_MS = 86_400_000
BARE = '(module (memory (export "memory") 1))'


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


async def approve(desk: Desk, *options: str, answer: str = "y\n") -> subprocess.CompletedProcess[str]:
    """Runs `edge module approve` and answers its question."""
    key = desk.folder / "key"
    if not key.exists():
        desk.key.save(key)
    digest = desk.liar.module.digest
    words = [sys.executable, "-m", "edge", "module", "approve", digest, "--key", key, "--as", desk.folder, *options]
    return await asyncio.to_thread(
        subprocess.run, words, input=answer, capture_output=True, text=True, timeout=60, check=False
    )


def signed(desk: Desk) -> Approval:
    """The one approval that was submitted."""
    (envelope_json,) = desk.liar.submitted
    document = open_document(envelope_json, desk.key.verify_key)
    assert isinstance(document, Approval)
    return document


async def test_what_is_signed_is_what_was_checked(desk: Desk) -> None:
    """The operator reads both examinations and signs, for this edge alone, what the code and its own policy say: a
    trigger that the edge calls by another name is approved under the name inside the code.
    """
    desk.liar.module.name = "something-harmless"
    done = await approve(desk)
    assert done.returncode == 0, done.stderr
    facts = desk.liar.report()["facts"]
    for value in (facts["dry_run"]["fuel_worst"], facts["compile"]["peak_memory_bytes"], facts["leak"]["bits_per_day"]):
        assert str(value) in done.stdout.split("The edge's own report")[1]
    approval = signed(desk)
    assert (approval.trigger, approval.organization, approval.edges) == ("pulse", "acme", ("street-1",))
    assert (approval.module_digest, approval.version) == (digest_of(desk.liar.wasm), 1)
    assert approval.report_digest == digest_of(desk.liar.module.report.canonical_json)


async def test_for_every_edge_when_asked(desk: Desk) -> None:
    """An approval for all edges is signed when that is asked for; with --json one object is printed."""
    done = await approve(desk, "--all-edges", "--json")
    assert json.loads(done.stdout)["digest"] == desk.liar.module.digest
    assert signed(desk).edges == ("*",)


async def test_nothing_is_signed_without_a_yes(desk: Desk) -> None:
    """An operator who reads and does not agree has signed nothing; nor has one whose edge lied."""
    assert (await approve(desk, answer="n\n")).returncode == 1
    desk.liar.module.report.digest = "sha256:" + "0" * 64
    done = await approve(desk, "--yes")
    assert done.returncode == 1
    assert "reason: ANSWER_FALSE" in done.stderr
    assert "whose: edge" in done.stderr
    assert desk.liar.submitted == []


def other_digest(desk: Desk) -> None:
    desk.liar.module.digest = "sha256:" + "0" * 64


def other_organization(desk: Desk) -> None:
    desk.liar.module.organization = "rival"


def other_code(desk: Desk) -> None:
    desk.liar.wasm += b"\0\2\1x"


def other_report_digest(desk: Desk) -> None:
    desk.liar.module.report.digest = "sha256:" + "0" * 64


def report_of_another_module(desk: Desk) -> None:
    desk.liar.tell({**desk.liar.report(), "module_digest": "sha256:" + "0" * 64})


def report_over_another_manifest(desk: Desk) -> None:
    report = desk.liar.report()
    report["facts"]["manifest"]["input"][0]["series"] = "voltage_l1"
    desk.liar.tell(report)


def smaller_leak_bound(desk: Desk) -> None:
    report = desk.liar.report()
    report["facts"]["leak"]["bits_per_day"] = "0.001"
    desk.liar.tell(report)


def report_without_facts(desk: Desk) -> None:
    desk.liar.tell({"module_digest": desk.liar.module.digest, "admissible": True, "findings": []})


def report_that_is_no_object(desk: Desk) -> None:
    desk.liar.tell([])


def report_that_is_no_json(desk: Desk) -> None:
    desk.liar.tell(b"\xff")


def report_nested_deeply(desk: Desk) -> None:
    desk.liar.tell(b"[" * 100_000)


def refused_after_all(desk: Desk) -> None:
    desk.liar.tell({**desk.liar.report(), "findings": [{"check": "imports"}]})


def versions_used_up(desk: Desk) -> None:
    desk.liar.module.approval_version = 2**64 - 1


def code_without_manifest(desk: Desk) -> None:
    desk.liar.wasm = assemble(BARE, "bare")
    desk.liar.module.digest = digest_of(desk.liar.wasm)


def policy_of_another_key(desk: Desk) -> None:
    desk.liar.policy_json = desk.sign_policy(SigningKey.generate())


def policy_with_more_fuel(desk: Desk) -> None:
    envelope = json.loads(desk.liar.policy_json)
    payload = base64.b64decode(envelope["payload"]).replace(b'"fuel_max":10000000', b'"fuel_max":90000000')
    desk.liar.policy_json = json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}).encode()


def policy_of_another_edge(desk: Desk) -> None:
    desk.liar.policy_json = desk.sign_policy(edges=("street-2",))


def policy_of_the_past(desk: Desk) -> None:
    desk.liar.policy_json = desk.sign_policy(not_after_ms=desk.now_ms)


def another_document_as_policy(desk: Desk) -> None:
    document = revocations_after(None, desk.key.verify_key, now_ms=desk.now_ms)
    desk.liar.policy_json = sign_document(document, desk.key).to_json()


def no_policy(desk: Desk) -> None:
    desk.liar.policy_json = b""


LIES = {
    other_digest: "ANSWER_FALSE",
    other_organization: "ANSWER_FALSE",
    other_code: "ANSWER_FALSE",
    other_report_digest: "ANSWER_FALSE",
    report_of_another_module: "ANSWER_FALSE",
    report_over_another_manifest: "ANSWER_FALSE",
    smaller_leak_bound: "ANSWER_FALSE",
    report_without_facts: "ANSWER_FALSE",
    report_that_is_no_object: "ANSWER_FALSE",
    report_that_is_no_json: "ANSWER_FALSE",
    report_nested_deeply: "ANSWER_FALSE",
    refused_after_all: "MODULE_REFUSED",
    versions_used_up: "ANSWER_FALSE",
    policy_of_another_key: "SIGNATURE_INVALID",
    policy_with_more_fuel: "SIGNATURE_INVALID",
    policy_of_another_edge: "DOCUMENT_FOR_ANOTHER_EDGE",
    policy_of_the_past: "DOCUMENT_EXPIRED",
    another_document_as_policy: "DOCUMENT_INVALID",
    no_policy: "NOT_FOUND",
}


@pytest.mark.parametrize(("lie", "reason"), LIES.items(), ids=[lie.__name__ for lie in LIES])
async def test_lies(desk: Desk, lie: Callable[[Desk], None], reason: str) -> None:
    """Whatever of its answers an edge alters, the operator's desk notices before anything is signed."""
    wanted = Wanted(desk.liar.module.digest, "acme")
    assert (await desk.vetted(wanted)).manifest.trigger.name == "pulse"
    lie(desk)
    with pytest.raises(EdgeError) as caught:
        await desk.vetted(wanted)
    assert caught.value.reason == reason
    assert caught.value.advice


async def test_a_shown_module_without_manifest(desk: Desk) -> None:
    """Of code without a manifest there is nothing to approve, whatever the edge reports of it."""
    code_without_manifest(desk)
    with pytest.raises(EdgeError) as caught:
        await desk.vetted(Wanted(desk.liar.module.digest, ""))
    assert caught.value.reason == "ANSWER_FALSE"


async def test_by_the_beginning_of_a_digest(desk: Desk) -> None:
    """The beginning of a digest finds the module; an edge that lists another has not answered the question."""
    wanted = Wanted(desk.liar.module.digest[:20], "")
    assert (await desk.vetted(wanted)).policy.version == 1
    with pytest.raises(EdgeError) as caught:
        await desk.vetted(replace(wanted, digest_beginning="sha256:none"))
    assert caught.value.reason == "MODULE_NOT_FOUND"
