from __future__ import annotations

import pytest

from edge.cli.main import main


def test_an_error_does_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What an error quotes is shown as text: an escape in a name, or in what an edge says, is spelt out."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", "/nowhere/\x1b[31mred"])
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert "\\x1b[31mred" in told
    assert "\x1b" not in told
    assert "whose: operator" in told
