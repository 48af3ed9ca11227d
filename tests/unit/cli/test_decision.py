from __future__ import annotations

import pytest

from edge.cli.decision import describe_consent, describe_offer
from edge_sdk.wire.v1 import household_pb2 as pb

TERMS = pb.ConsentTerms(
    organization="acme",
    service="advice",
    purpose="Advise.",
    series=[
        pb.SeriesTerms(name="power_import", window_s=3_600, resolution_s=300),
        pb.SeriesTerms(name="clock.local_hour", window_s=900, resolution_s=900),
    ],
    action_kinds=["appliance:ev_charger", "recommendation"],
)
OFFER = pb.Offer(
    terms=TERMS,
    state=pb.OFFER_STATE_OUTGROWN,
    leak_bits_per_day=12.185,
    triggers=[
        pb.OfferedTrigger(
            name="surplus",
            version="1.2.0",
            module_digest="sha256:0123456789abcdef",
            scope="neighbourhood",
            every_s=900,
            max_actions_per_day=2,
            consented=True,
            actions=[
                pb.OfferedAction(name="go", recommendation=pb.Recommendation(text={"en": "Go.", "nl": "Nu."})),
                pb.OfferedAction(
                    name="half", appliance_command=pb.ApplianceCommand(appliance="ev_charger", limit_w=3_700, on=True)
                ),
            ],
        )
    ],
)


def test_offer() -> None:
    """An offer shows its terms in words, what the organization can tell, and of each trigger what it does and when."""
    assert describe_offer(OFFER, "nl").splitlines() == [
        "offer    acme advice  granted in part: the rest needs a new consent",
        "    purpose: Advise.",
        "    reads power drawn from the grid (W), every 5 minutes, up to 1 hour back",
        "    reads the clock: local time of day at the start of the sample, 0 up to 24, with fractions",
        "    may cause appliance:ev_charger, recommendation",
        "    all that acme runs here can tell at most 12.2 bits about you in a day",
        "    trigger surplus 1.2.0 (sha256:0123456789ab), runs under your consent",
        "        every 15 minutes for the neighbourhood as a whole, at most 2 actions a day:",
        '        go: says "Nu."',
        "        half: commands ev_charger: limit 3700 W, on",
    ]


def test_language() -> None:
    """A language that a recommendation does not have is shown in English."""
    assert 'go: says "Go."' in describe_offer(OFFER, "fy")


@pytest.mark.parametrize(
    ("consent", "first"),
    [
        (pb.Consent(state=pb.CONSENT_STATE_GRANTED, expires_ms=86_400_000), "granted  until 1970-01-02 00:00:00 UTC"),
        (pb.Consent(state=pb.CONSENT_STATE_REFUSED), "refused"),
        (pb.Consent(state=pb.CONSENT_STATE_WITHDRAWN, ended_ms=1_000), "withdrawn"),
    ],
)
def test_consent(consent: pb.Consent, first: str) -> None:
    """A decision shows where it stands, when it was made and ended, and to what."""
    consent.consent_id, consent.decided_ms = "c1", 0
    consent.terms.CopyFrom(TERMS)
    lines = describe_consent(consent).splitlines()
    assert lines[0] == f"consent  c1  acme advice  {first}"
    ended = ", ended 1970-01-01 00:00:01 UTC" if consent.HasField("ended_ms") else ""
    assert lines[1] == f"    decided 1970-01-01 00:00:00 UTC{ended}"
    assert lines[3] == "    reads power drawn from the grid (W), every 5 minutes, up to 1 hour back"


def test_nothing_moves_the_terminal() -> None:
    """Whatever an organization, or an edge of a newer release, puts into an offer is shown as text."""
    offer = pb.Offer()
    offer.CopyFrom(OFFER)
    offer.terms.purpose = "\x1b[2J"
    offer.terms.series[0].name = "\x1b]0;title"
    offer.triggers[0].actions[0].recommendation.text["en"] = "\r\nconsent  granted"
    shown = describe_offer(offer, "en")
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert len(shown.splitlines()) == len(describe_offer(OFFER, "en").splitlines())
