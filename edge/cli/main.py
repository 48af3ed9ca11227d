"""`edge`: finds the command, and says what went wrong if it fails."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import edge
from edge.cli.output import safe
from edge.errors import EdgeError

_COMMANDS = {
    "audit": "edge.cli.audit:audit",
    "consent": "edge.cli.consent:consent",
    "data": "edge.cli.data:data",
    "demo": "edge.cli.demo:demo",
    "identity": "edge.cli.identity:identity",
    "inbox": "edge.cli.inbox:inbox",
    "init": "edge.cli.init:init",
    "meter": "edge.cli.meter:meter",
    "module": "edge.cli.module:module",
    "organization": "edge.cli.organization:organization",
    "policy": "edge.cli.policy:policy",
    "serve": "edge.cli.serve:serve",
    "status": "edge.cli.status:status",
    "store": "edge.cli.store:store",
}


class _LazyGroup(click.Group):
    """Imports a command when it is called: `edge inbox` should not wait for a database it does not use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="edge")
def cli() -> None:
    """Edge: organizations' code runs beside the meter data; only declared actions leave."""


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line. An error is told on standard error; the exit status is 1 then, 2 for wrong usage."""
    try:
        return cli.main(args=arguments, prog_name="edge", standalone_mode=True)
    except EdgeError as error:
        # An edge says this, and quotes what it was sent: neither may do anything to the terminal.
        click.echo(f"error: {safe(error.message)}", err=True)
        if error.advice:
            click.echo(f"  what to do: {safe(error.advice)}", err=True)
        click.echo(f"  whose: {error.fault.value}  reason: {error.reason}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"error: {error.filename or 'the system'}: {error.strerror}", err=True)
        sys.exit(1)
