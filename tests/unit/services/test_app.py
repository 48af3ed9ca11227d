from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from edge.app import Application
from edge.errors import SettingsError, StoreError
from edge.services.provision import first_policy
from edge.services.sign import approval
from edge.trust.documents import sign_document
from edge.trust.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import NewStreet, Street

DIGEST = "sha256:" + "0" * 64


async def test_provisioned_documents(street: Street) -> None:
    """Documents that lie in the edge's folder are put in force at each start; one that is no good stops nothing."""
    folder = street.provisioned.edge_folder / "documents"
    policy = first_policy(street.now_ms, {"acme": "supplier"}).model_copy(update={"version": 2})
    stray = approval(
        organization="acme",
        trigger="pulse",
        module_digest=DIGEST,
        report_digest=DIGEST,
        policy=policy,
        version=1,
        now_ms=street.now_ms,
        days=1,
        fuel_max=None,
    )
    (folder / "a-garbage.json").write_bytes(b"{}")
    (folder / "b-forged.json").write_bytes(sign_document(policy, SigningKey.generate()).to_json())
    (folder / "policy-2.json").write_bytes(sign_document(policy, street.key).to_json())
    (folder / "stray.json").write_bytes(sign_document(stray, street.key).to_json())
    expected = {
        "a-garbage.json": "DOCUMENT_INVALID",
        "b-forged.json": "SIGNATURE_INVALID",
        "stray.json": "MODULE_NOT_FOUND",
    }
    with capture_logs() as log:
        async with street:
            for _ in range(2):
                refused = [entry for entry in log if entry["event"] == "provisioned_document_refused"]
                assert {entry["file"]: entry["reason"] for entry in refused} == expected
                assert (await (await street.operator()).status()).policy_version == 2
                log.clear()
                await street.restart()


@pytest.mark.parametrize("name", ["tls_certificate", "tls_key", "tls_ca", "store_key", "operator_public_key"])
async def test_missing_file(street: Street, name: str) -> None:
    """An edge that lacks a file says which."""
    file = getattr(street.settings.paths, name)
    file.unlink()
    with pytest.raises(SettingsError, match=file.name):
        Application(street.settings, clock=street.clock)


async def test_evaluator_that_cannot_go_on(street: Street) -> None:
    """One round that fails is one round; when round after round does, whoever runs the edge is told."""
    async with street:
        await street.query("ALTER TABLE state.modules RENAME TO hidden")
        for _ in range(2):
            await street.advance(street.now_ms + 60_000)
        await street.query("ALTER TABLE state.hidden RENAME TO modules")
        await street.advance(street.now_ms + 60_000)
        await street.query("ALTER TABLE state.modules RENAME TO hidden")
        for _ in range(2):
            await street.advance(street.now_ms + 60_000)
        street.clock.advance_to(street.now_ms + 60_000)
        with pytest.raises(StoreError):
            await street.app.failed()


async def test_policy_before_approval(street: Street, module: Callable[..., bytes]) -> None:
    """Of documents that wait in the folder the policy is taken first, whatever they are called."""
    async with street:
        await street.set_policy()
        uploaded = await street.upload(module())
        policy = first_policy(street.now_ms, {"acme": "supplier"}).model_copy(update={"version": 9})
        granted = approval(
            organization="acme",
            trigger=uploaded.name,
            module_digest=uploaded.digest,
            report_digest=uploaded.report.digest,
            policy=policy,
            version=1,
            now_ms=street.now_ms,
            days=1,
            fuel_max=None,
        )
        await street.submit(first_policy(street.now_ms, {"other": "supplier"}).model_copy(update={"version": 8}))
        folder = street.provisioned.edge_folder / "documents"
        (folder / "a-approval.json").write_bytes(sign_document(granted, street.key).to_json())
        (folder / "z-policy.json").write_bytes(sign_document(policy, street.key).to_json())
        await street.restart()
        assert (await (await street.operator()).status()).modules_active == 1


async def test_two_edges_in_one_process(new_street: NewStreet, street: Street) -> None:
    """Edges share nothing: what one is told the other does not know."""
    other = new_street(street.provisioned.edge_folder.parent.with_name("other"))
    async with street, other:
        await street.set_policy()
        await street.enrol("h1")
        assert (await (await other.operator()).status()).meters == 0
        assert (await (await other.operator()).status()).policy_version == 1
