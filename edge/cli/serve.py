"""`edge serve`: runs an edge until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from edge import logs
from edge.app import Application, settings_file
from edge.cli.options import FOLDER, run
from edge.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("folder", type=FOLDER)
def serve(folder: Path) -> None:
    """Run the edge whose settings.toml is in FOLDER. SIGTERM and SIGINT drain and stop it."""
    settings = load(settings_file(folder))
    logs.configure(settings.log)
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    application = Application(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await application.start()
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(application.failed())]
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
    finally:
        await application.stop()
    for task in done:
        task.result()
