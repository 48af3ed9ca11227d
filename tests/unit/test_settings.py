from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.errors import Fault, SettingsError
from edge.settings import EdgeSection, PathsSection, SandboxLimits, Settings, load, to_toml

MINIMAL = '[edge]\nid = "edge-1"\n'
DEFAULTS = Settings(edge=EdgeSection(id="edge-1"))
SECTIONS = {name: type(getattr(DEFAULTS, name)) for name in Settings.model_fields}
BOUNDED = [
    (section, key)
    for section, table in DEFAULTS.model_dump().items()
    for key, value in table.items()
    if isinstance(value, int | float) and not isinstance(value, bool)
]


def load_text(folder: Path, text: str) -> Settings:
    """Returns the settings of a file with this text."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def refusal(folder: Path, text: str) -> str:
    """Returns why a file with this text is refused."""
    with pytest.raises(SettingsError) as caught:
        load_text(folder, text)
    assert (caught.value.reason, caught.value.fault) == ("SETTINGS_INVALID", Fault.OPERATOR)
    assert str(folder / "settings.toml") in caught.value.message
    return caught.value.message


def test_an_id_is_enough(tmp_path: Path) -> None:
    """Everything but the edge's id has a default."""
    settings = load_text(tmp_path, MINIMAL)
    assert settings.model_copy(update={"paths": PathsSection()}) == DEFAULTS


def test_paths_are_of_the_files_folder(tmp_path: Path) -> None:
    """Relative paths are relative to the folder of the file; absolute ones stay."""
    settings = load_text(tmp_path, MINIMAL + '[paths]\ndata = "there/data"\ndevice_key = "/secrets/device.key"\n')
    assert settings.paths.data == tmp_path / "there/data"
    assert settings.paths.device_key == Path("/secrets/device.key")
    assert all(path.is_absolute() for path in settings.paths.model_dump().values())


@given(
    paths=st.fixed_dictionaries({"data": st.text(min_size=1, max_size=20), "device_key": st.text(max_size=20)}),
    host=st.text(max_size=20),
    port=st.integers(0, 65_535),
    compile_s_max=st.floats(1e-9, 1e9),
    enabled=st.booleans(),
)
def test_written_and_read(paths: dict[str, str], host: str, port: int, compile_s_max: float, *, enabled: bool) -> None:
    """Whatever the settings are, the file that is written of them says the same, and says all of them."""
    settings = Settings.model_validate(
        {
            "edge": {"id": "edge-1"},
            "paths": paths,
            "server": {"host": host, "port": port},
            "metrics": {"enabled": enabled},
            "sandbox": {"compile_s_max": compile_s_max},
        }
    )
    table = tomllib.loads(to_toml(settings))
    assert Settings.model_validate(table) == settings
    assert {section: set(keys) for section, keys in table.items()} == {
        section: set(keys) for section, keys in settings.model_dump().items()
    }


@pytest.mark.parametrize("section", SECTIONS)
def test_misspelt_key(tmp_path: Path, section: str) -> None:
    """A key that is no setting is refused in every section, by name: a misspelt limit is no limit."""
    text = MINIMAL + "port_max = 1\n" if section == "edge" else f"{MINIMAL}[{section}]\nport_max = 1\n"
    assert f"{section}.port_max: not known here" in refusal(tmp_path, text)


def test_misspelt_section(tmp_path: Path) -> None:
    """A section that is none is refused by name."""
    assert "ingests: not known here" in refusal(tmp_path, MINIMAL + "[ingests]\nflush_ms = 1\n")


@pytest.mark.parametrize(("section", "key"), BOUNDED)
def test_every_number_is_bounded(section: str, key: str) -> None:
    """No number may be negative or without end, and none may be a word."""
    for value in (-1, float("inf"), float("-inf"), float("nan"), "many"):
        table: dict[str, dict[str, object]] = {"edge": {"id": "edge-1"}}
        table.setdefault(section, {})[key] = value
        with pytest.raises(ValidationError) as caught:
            Settings.model_validate(table)
        assert (section, key) in [error["loc"][:2] for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "edge: Field required"),
        ("[edge]\n", "edge.id: Field required"),
        ('[edge]\nid = "Edge 1"\n', "edge.id: "),
        ('[edge]\nid = "edge-1"\ntimezone = "Mars/Olympus"\n', "edge.timezone: 'Mars/Olympus' is not a time zone"),
        ('[edge]\nid = "edge-1"\ntimezone = "Europe"\n', "edge.timezone: 'Europe' is not a time zone"),
        ('[edge]\nid = "edge-1"\ntimezone = "../passwd"\n', "edge.timezone: '../passwd' is not a time zone"),
        (MINIMAL + "tariff_normal_from_hour = 23\n", "tariff_normal_from_hour is not before"),
        (MINIMAL + "tariff_normal_until_hour = 25\n", "edge.tariff_normal_until_hour: "),
        (MINIMAL + "[server]\nport = 65536\n", "server.port: "),
        (MINIMAL + "[server]\nshutdown_s_max = 5.1\n", "server.shutdown_s_max: "),
        (MINIMAL + "[ingest]\nbatch_readings_max = 10001\n", "ingest.batch_readings_max: "),
        (MINIMAL + "[ingest]\npending_readings_max = 499\n", "pending_readings_max is less than batch_readings_max"),
        (MINIMAL + "[ingest]\ngroup_readings_max = 499\n", "group_readings_max is less than batch_readings_max"),
        (MINIMAL + "[ingest]\nflush_ms = 0\n", "ingest.flush_ms: "),
        (MINIMAL + "[sandbox]\nfuel_max = 0\n", "sandbox.fuel_max: "),
        (MINIMAL + "[sandbox]\ncompile_s_max = inf\n", "sandbox.compile_s_max: "),
        (MINIMAL + '[log]\nlevel = "trace"\n', "log.level: "),
        (MINIMAL + "[consent]\ndays_default = 800\n", "consent: days_default is more than days_max"),
        ("edge = 1\n", "edge: "),
    ],
)
def test_invalid_settings(tmp_path: Path, text: str, problem: str) -> None:
    """A value out of its bounds is refused by the name of its key."""
    assert problem in refusal(tmp_path, text)


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Every problem is told, not only the first."""
    message = refusal(tmp_path, '[edge]\nid = "E"\n[server]\nport = -1\nportt = 1\n')
    assert all(key in message for key in ("edge.id", "server.port:", "server.portt"))


@pytest.mark.parametrize(
    "content",
    [b"[edge", b'[edge]\nid = "\xff"\n', b"\xef\xbb\xbf[edge]\n", b"a = " + b"1" * 5_000, b"a = " + b"[" * 5_000],
    ids=["cut", "not UTF-8", "byte order mark", "endless number", "endless nesting"],
)
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    """A file that is not TOML is refused as such, whatever is in it."""
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"settings\.toml is not valid TOML"):
        load(file)


def test_no_file(tmp_path: Path) -> None:
    """Where there is no file, the error says how to make one."""
    for file in (tmp_path / "settings.toml", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read") as caught:
            load(file)
        assert "edge init" in caught.value.advice


def test_frozen() -> None:
    """Settings do not change after they were read."""
    with pytest.raises(ValidationError):
        DEFAULTS.server.port = 1  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.sandbox.fuel_max = 1  # type: ignore[misc]


def test_units_in_names() -> None:
    """Every limit of the sandbox is an upper bound, named as one."""
    assert all(field.name.endswith("_max") for field in fields(SandboxLimits))


def test_zone() -> None:
    """The edge's time zone is the one that its settings name."""
    assert EdgeSection(id="edge-1", timezone="Europe/Lisbon").zone.key == "Europe/Lisbon"
