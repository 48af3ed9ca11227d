"""The street: its homes, each with a load profile, a meter and a household, and what they deliver."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.demo.actors import StreamingMeter
from edge.demo.plan import SLOT_MS, STEP_S
from edge.gateway.meter_model import MeterModel
from edge.gateway.profiles import HouseholdProfile, neighbourhood
from edge_sdk.identity import Identity, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.demo.plan import Plan

_STEPS_PER_SLOT = SLOT_MS // 1000 // STEP_S


@dataclass(slots=True)
class Home:
    """A household with its meter.

    Attributes:
        power_w: net power of the whole day, a value every `STEP_S`.
        step: how many of them have been delivered.
    """

    profile: HouseholdProfile
    power_w: NDArray[np.int64]
    model: MeterModel
    meter: StreamingMeter
    identity: Identity
    step: int = 0

    @property
    def name(self) -> str:
        """Of the household."""
        return self.profile.name

    @property
    def meter_id(self) -> str:
        """Of its meter."""
        return _meter_id(self.profile)


class Street:
    """All homes of a showing."""

    def __init__(self, homes: Sequence[Home]) -> None:
        self.homes = homes
        self._by_name = {home.name: home for home in homes}

    @classmethod
    def built(cls, plan: Plan, issue: Callable[[Role, str], Identity]) -> Street:
        """Returns the street of a plan, whose meters and households have identities that `issue` made."""
        first = (plan.start_ms - plan.day_start_ms) // 1000 // STEP_S
        return cls(
            [
                Home(
                    profile=profile,
                    power_w=profile.power_w(STEP_S),
                    model=MeterModel(plan.timezone, profile.energy_offset_wh),
                    meter=StreamingMeter(issue(Role.METER, _meter_id(profile))),
                    identity=issue(Role.HOUSEHOLD, profile.name),
                    step=first,
                )
                for profile in neighbourhood(plan.households, plan.seed, plan.day_start_ms, plan.timezone)
            ]
        )

    def home(self, name: str) -> Home:
        """Returns the home of a household."""
        return self._by_name[name]

    def described(self) -> str:
        """Returns how many households there are, and what they have."""
        profiles = [home.profile for home in self.homes]
        kinds = {
            "with solar panels": sum(profile.has_pv for profile in profiles),
            "with a car": sum(profile.has_ev for profile in profiles),
            "with a heat pump": sum(profile.has_heat_pump for profile in profiles),
        }
        detail = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return f"{len(profiles)} households: {detail}"

    async def report(self, slot_ms: int) -> tuple[int, int]:
        """Lets every meter deliver the quarter-hour before `slot_ms`, and returns once all of it is durable.

        Returns:
            How many readings that were, and the street's newest net power, W.
        """
        batches, count, street_w = [], 0, 0
        for home in self.homes:
            power_w = home.power_w[home.step : home.step + _STEPS_PER_SLOT]
            readings = home.model.readings(slot_ms - SLOT_MS, power_w, STEP_S)
            home.step += _STEPS_PER_SLOT
            street_w += int(power_w[-1])
            count += len(readings)
            batches.append(home.meter.send(readings))
        await asyncio.gather(*batches)
        return count, street_w


def _meter_id(profile: HouseholdProfile) -> str:
    return f"meter-{profile.name}"
