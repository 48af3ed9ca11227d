"""What a driver's own instructions cost in fuel, so that a guest is charged for its own and no others.

It is measured and not derived, by running the driver with functions of a known cost in place of the guest's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

from edge.sandbox.assemble import assemble
from edge.sandbox.instance import PLENTY, FaultError, call, refill_for_host

if TYPE_CHECKING:
    from edge.sandbox.driver import DriverModule
    from edge.sandbox.instance import Instance

_STANDINS: Final = """
(module
  (func (export "returns") (result i32) i32.const 0)
  (func (export "traps") (result i32) unreachable))
"""


@dataclass(frozen=True, slots=True)
class Toll:
    """Fuel of a driver itself.

    Attributes:
        base: of a run.
        household: of each household that a run completes.
        until_call: of a household up to the call of `evaluate`.
    """

    base: int
    household: int
    until_call: int

    @classmethod
    def measure(cls, driver: DriverModule, instance: Instance) -> Toll:
        """Returns the toll of a driver.

        Args:
            driver: of the guest.
            instance: of the guest, in a store with room for three instances more, to be used for nothing else.
        """
        store = instance.store
        standins = wasmtime.Instance(store, wasmtime.Module(store.engine, assemble(_STANDINS, "stand-ins")), [])
        returns, traps = (standins.exports(store)[name] for name in ("returns", "traps"))
        assert isinstance(returns, wasmtime.Func)
        assert isinstance(traps, wasmtime.Func)
        returning, trapping = driver.attach(instance, returns), driver.attach(instance, traps)
        own = _fuel_of(store, returns)
        one, two = _fuel_of(store, returning.run, 1), _fuel_of(store, returning.run, 2)
        household = two - one - own
        base = one - household - own
        return cls(base, household, _fuel_of(store, trapping.run, 1) - base - _fuel_of(store, traps))


def _fuel_of(store: wasmtime.Store, called: wasmtime.Func, *arguments: int) -> int:
    refill_for_host(store)
    with suppress(FaultError):
        call(store, called, "stand-in", *arguments)
    return PLENTY - store.get_fuel()
