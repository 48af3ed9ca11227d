from __future__ import annotations

import pytest

from edge.domain.approval import Approval
from edge.domain.offer import offers_of
from edge.domain.trigger import Trigger
from edge.errors import InvalidRequestError
from edge.rpc.consents import offer_to_wire, terms_from_wire
from edge_sdk.channel import MESSAGE_BYTES_MAX
from edge_sdk.manifest import MANIFEST_BYTES_MAX, Manifest
from edge_sdk.wire.v1 import household_pb2 as pb

LANGUAGES = [f"{first}{second}" for first in "abcdefgh" for second in "nopq"]


def longest() -> Manifest:
    """About the longest manifest there can be: one action with a text of 500 characters in 32 languages."""
    text = dict.fromkeys(["en", *LANGUAGES[1:]], "\N{SUN WITH FACE}" * 500)
    return Manifest.model_validate(
        {
            "trigger": {
                "name": "t" * 64,
                "version": "1.0.0",
                "service": "s" * 64,
                "purpose": "\N{SUN WITH FACE}" * 280,
                "scope": "household",
                "every": "1d",
                "max_actions_per_day": 1,
            },
            "input": [{"series": "gas", "window": "1d", "resolution": "1d"}],
            "action": [{"name": "say", "kind": "recommendation", "text": text}],
        }
    )


def test_no_offer_is_too_large_for_a_message() -> None:
    """However many triggers an offer has, each of its messages holds one of them, and together they hold all."""
    manifest = longest()
    assert 0.9 * MANIFEST_BYTES_MAX < len(manifest.canonical_json()) <= MANIFEST_BYTES_MAX
    approval = Approval.model_construct()
    triggers = [Trigger("sunny", f"sha256:{number:064x}", manifest, approval) for number in range(100)]
    (offer,) = offers_of(triggers, [], 0)
    parts = list(offer_to_wire(offer))
    assert sum(part.ByteSize() for part in parts) > MESSAGE_BYTES_MAX
    assert max(part.ByteSize() for part in parts) < MESSAGE_BYTES_MAX / 40
    assert [trigger.module_digest for part in parts for trigger in part.triggers] == [
        trigger.module_digest for trigger in triggers
    ]
    assert len({part.terms.SerializeToString(deterministic=True) for part in parts}) == 1


@pytest.mark.parametrize(
    "terms",
    [
        pb.ConsentTerms(series=[pb.SeriesTerms(name=str(number)) for number in range(101)]),
        pb.ConsentTerms(action_kinds=["recommendation"] * 101),
        pb.ConsentTerms(series=[pb.SeriesTerms(name="gas", window_s=number) for number in (1, 2)]),
    ],
)
def test_terms_that_cannot_be(terms: pb.ConsentTerms) -> None:
    """Terms longer than the catalogue, or with a series twice, are refused before anything is looked up."""
    with pytest.raises(InvalidRequestError):
        terms_from_wire(terms)
