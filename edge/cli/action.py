"""What an action says or commands, for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edge_sdk.wire.v1.household_pb2 import Action, ApplianceCommand, OfferedAction

language_option = click.option(
    "--language", default="en", show_default=True, help="Of the recommendations, where they have it."
)


def content_text(action: Action | OfferedAction, language: str) -> str:
    """Returns a recommendation in a language, or in English where it has no other; or a command."""
    if action.WhichOneof("content") == "recommendation":
        texts = action.recommendation.text
        return str(texts[language] if language in texts else texts["en"])
    return _command_text(action.appliance_command)


def _command_text(command: ApplianceCommand) -> str:
    parts = [f"limit {command.limit_w} W"] if command.HasField("limit_w") else []
    if command.HasField("on"):
        parts.append("on" if command.on else "off")
    return f"{command.appliance}: {', '.join(parts)}"
