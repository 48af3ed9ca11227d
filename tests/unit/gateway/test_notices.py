from __future__ import annotations

from edge.clock import SimulatedClock
from edge.gateway.notices import Notices
from edge_sdk.errors import Fault, RpcError

MINUTE_MS = 60_000


def away(message: str, advice: str = "") -> RpcError:
    return RpcError(message, advice=advice, reason="AWAY", fault=Fault.NETWORK, status="UNAVAILABLE")


def unknown(message: str) -> RpcError:
    return RpcError(message, advice="", reason="UNKNOWN", fault=Fault.CALLER, status="NOT_FOUND")


class Person:
    """Somebody who reads the notices, minute by minute."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(0)
        self.lines: list[str] = []
        self.notices = Notices(self.lines.append, self.clock)

    def wait(self, minutes: int = 1) -> None:
        self.clock.advance_to(self.clock.now_ms() + minutes * MINUTE_MS)


def test_a_trouble_is_told_once_and_its_end_once() -> None:
    """However long it lasts: what is wrong, whose fault, what to do, what happens meanwhile; then that it is over."""
    person = Person()
    for _ in range(1000):
        person.notices.trouble("edge", away("It is away.", "Call it back."), "Trying again.")
        person.wait()
    person.notices.well("edge")
    person.notices.well("edge")
    assert person.lines == [
        "edge: It is away. Call it back. (whose: network, reason: AWAY) Trying again.",
        "edge: well again.",
    ]


def test_each_reason_and_each_subject_is_told() -> None:
    """Another reason, or the same one elsewhere, is another trouble."""
    person = Person()
    for _ in range(3):
        person.notices.trouble("edge", away("A."), "")
        person.notices.trouble("edge", unknown("B."), "")
        person.notices.trouble("line", away("C."), "")
    assert [line.split(" (")[0] for line in person.lines] == ["edge: A.", "edge: B.", "line: C."]


def test_what_comes_and_goes_is_told_every_ten_minutes() -> None:
    """A trouble that comes back every minute does not fill the log; what was not told is counted."""
    person = Person()
    for _ in range(30):
        person.notices.trouble("edge", away("A."), "Trying again.")
        person.notices.well("edge")
        person.wait()
    assert len(person.lines) == 6
    assert person.lines[2].endswith("Trying again. 9 more like it were not told.")


def test_a_new_outage_is_told_after_ten_minutes_at_most() -> None:
    """A trouble that begins soon after the last one, and stays, is told."""
    person = Person()
    person.notices.trouble("edge", away("A."), "")
    person.notices.well("edge")
    for _ in range(60):
        person.wait()
        person.notices.trouble("edge", away("A."), "")
    assert len(person.lines) == 3


def test_lost_pieces_are_told_and_counted() -> None:
    """The first of each reason is told at once, further ones with their number after ten minutes."""
    person = Person()
    for minute in range(12):
        person.notices.lost("TELEGRAM_CRC", f"meter: byte {minute}: damaged.")
        person.wait()
    assert person.lines == [
        "meter: byte 0: damaged. (reason: TELEGRAM_CRC)",
        "meter: byte 10: damaged. (reason: TELEGRAM_CRC) 9 more like it were not told.",
    ]


def test_a_clock_set_back_silences_nothing() -> None:
    """After the clock was set back by a year, things are told at once."""
    lines: list[str] = []
    notices = Notices(lines.append, SimulatedClock(0))
    notices._told_ms["A"] = 10**12
    notices.lost("A", "one")
    assert lines == ["one (reason: A)"]
