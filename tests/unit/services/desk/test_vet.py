"""An edge that lies to its operator is caught at the operator's desk. The liar here speaks over real TLS."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.domain.module import digest_of
from edge.errors import EdgeError
from edge.sandbox.assemble import assemble
from edge.services.sign import revocations_after
from edge.services.vet import Wanted
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Desk

BARE = '(module (memory (export "memory") 1))'


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


def report_without_measurements(desk: Desk) -> None:
    facts = {name: value for name, value in desk.liar.report()["facts"].items() if name != "dry_run"}
    desk.liar.tell({**desk.liar.report(), "facts": facts})


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
    report_without_measurements: "ANSWER_FALSE",
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
