"""How a showing looks: live on a terminal, line by line elsewhere, or not at all."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FEED_LINES = 7


@dataclass(slots=True)
class Picture:
    """What there is to see now."""

    milestones: list[tuple[str, str]] = field(default_factory=list)
    actions: deque[str] = field(default_factory=lambda: deque(maxlen=_FEED_LINES))
    time_ms: int = 0
    share: float = 0.0
    street_w: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class View(Protocol):
    """Shows a picture as it changes."""

    def showing(self) -> AbstractContextManager[object]:
        """Shows while within."""
        ...

    def milestone(self, title: str, detail: str) -> None:
        """Something was reached."""
        ...

    def action(self, line: str) -> None:
        """A recommendation arrived."""
        ...

    def tick(self, time_ms: int, share: float, street_w: int, counts: dict[str, int]) -> None:
        """Time went on."""
        ...


class SilentView:
    """Shows nothing."""

    def showing(self) -> AbstractContextManager[object]:
        """Shows nothing while within."""
        return nullcontext()

    def milestone(self, title: str, detail: str) -> None:
        """Passes over it."""

    def action(self, line: str) -> None:
        """Passes over it."""

    def tick(self, time_ms: int, share: float, street_w: int, counts: dict[str, int]) -> None:
        """Passes over it."""


class LineView(SilentView):
    """Prints a line for each milestone and now and then one for the time: for pipes and log files."""

    def __init__(self, console: Console, zone: ZoneInfo) -> None:
        self._console = console
        self._zone = zone
        self._next_share = 0.0

    def milestone(self, title: str, detail: str) -> None:
        """Prints it."""
        self._console.print(f"- {title}: {detail}", highlight=False, markup=False)

    def tick(self, time_ms: int, share: float, street_w: int, counts: dict[str, int]) -> None:
        """Prints an eighth of the way at a time."""
        if share < self._next_share:
            return
        self._next_share += 0.125
        numbers = ", ".join(f"{value:,} {name}" for name, value in counts.items())
        line = f"  {_clock_text(time_ms, self._zone)}  street {street_w / 1000:+.1f} kW  {numbers}"
        self._console.print(line, highlight=False, markup=False)


class LiveView:
    """Paints the picture over and over in place."""

    def __init__(self, console: Console, zone: ZoneInfo) -> None:
        self._zone = zone
        self._picture = Picture()
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8, transient=False)

    def showing(self) -> AbstractContextManager[object]:
        """Paints while within, and leaves the last picture standing."""
        return self._live

    def milestone(self, title: str, detail: str) -> None:
        """Adds to the left side."""
        self._picture.milestones.append((title, detail))

    def action(self, line: str) -> None:
        """Adds to the feed."""
        self._picture.actions.append(line)

    def tick(self, time_ms: int, share: float, street_w: int, counts: dict[str, int]) -> None:
        """Moves the time on."""
        picture = self._picture
        picture.time_ms, picture.share, picture.street_w, picture.counts = time_ms, share, street_w, counts

    def _render(self) -> Group:
        picture = self._picture
        story = Table.grid(padding=(0, 1))
        for title, detail in picture.milestones:
            story.add_row(Text("✓", style="green"), Text(title, style="bold"), Text(detail))
        feed = Text("\n".join(picture.actions) or "waiting for the sun ...", style="cyan")
        parts: list[Panel] = [Panel(story, title="Edge", title_align="left", border_style="dim")]
        if picture.time_ms:
            parts.append(Panel(self._neighbourhood(), title=self._title(), title_align="left", border_style="dim"))
            parts.append(Panel(feed, title="recommendations arriving", title_align="left", border_style="dim"))
        return Group(*parts)

    def _neighbourhood(self) -> Table:
        picture = self._picture
        numbers = Table.grid(padding=(0, 3))
        numbers.add_row(*[Text(f"{value:,}", style="bold") for value in picture.counts.values()])
        numbers.add_row(*[Text(name, style="dim") for name in picture.counts])
        body = Table.grid(expand=True)
        body.add_row(ProgressBar(total=1.0, completed=picture.share))
        body.add_row(numbers)
        return body

    def _title(self) -> str:
        street_w = self._picture.street_w
        flow = "feeds in" if street_w < 0 else "draws"
        return f"{_clock_text(self._picture.time_ms, self._zone)}   the street {flow} {abs(street_w) / 1000:.0f} kW"


def _clock_text(time_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_ms / 1000, tz=UTC).astimezone(zone).strftime("%a %d %b %H:%M")
