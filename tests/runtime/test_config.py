"""Configuration: precedence, sources, and what is refused."""

from __future__ import annotations

from enum import Enum

import msgspec
import pytest

from sycee.runtime.config import ConfigurationInvalid, keys, load


class Mood(Enum):
    CALM = "calm"
    STRICT = "strict"


class Oven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section."""

    heat: int = 180
    """Degrees."""
    names: tuple[str, ...] = ()
    door_open: bool | None = None
    """Left out, it is as it was.

    Really."""

    def __post_init__(self):
        if self.heat > 300:
            raise ValueError("heat must be at most 300")


class Kitchen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A schema."""

    address: str = "127.0.0.1"
    mood: Mood = Mood.CALM
    """How strict."""
    oven: Oven = Oven()


def loaded(file=None, environment=None, *overrides):
    return load(Kitchen, file, environment or {}, overrides)


def test_a_schema_tells_its_keys_with_their_docs():
    found = {key.name: key for key in keys(Kitchen)}
    assert list(found) == ["address", "mood", "oven.heat", "oven.names", "oven.door_open"]
    assert found["oven.heat"].doc == "Degrees."
    assert found["oven.door_open"].doc == "Left out, it is as it was.\n\nReally."
    assert found["oven.names"].doc == ""
    assert found["oven.heat"].variable == "SYCEE_OVEN__HEAT"
    assert found["mood"].kind_text == "calm or strict"
    assert found["oven.heat"].kind_text == "int"
    assert found["oven.door_open"].kind_text == "bool | None"


def test_the_command_line_wins_over_environment_over_file_over_default(tmp_path):
    file = tmp_path / "sycee.toml"
    file.write_text('address = "file"\nmood = "strict"\n[oven]\nheat = 1\n')
    environment = {"SYCEE_ADDRESS": "environment", "SYCEE_OVEN__HEAT": "2", "HOME": "/"}
    found = loaded(file, environment, "oven.heat=3", 'oven.names=["a"]')
    assert found.value == Kitchen("environment", Mood.STRICT, Oven(3, ("a",)))
    assert {setting.key.name: setting.source for setting in found.settings} == {
        "address": "environment SYCEE_ADDRESS",
        "mood": str(file),
        "oven.heat": "command line",
        "oven.names": "command line",
        "oven.door_open": "default",
    }


def test_a_text_stays_a_text_and_a_number_becomes_one():
    found = loaded(None, {"SYCEE_ADDRESS": "8080", "SYCEE_OVEN__DOOR_OPEN": "true"}).value
    assert (found.address, found.oven.door_open) == ("8080", True)


@pytest.mark.parametrize(
    ("overrides", "environment", "message"),
    [
        (["oven.haet=1"], {}, "oven.haet (command line) is not a key. Did you mean oven.heat?"),
        (["zzz=1"], {}, "zzz (command line) is not a key."),
        (["oven=1"], {}, "oven (command line) is not a key."),
        ([], {"SYCEE_OVEN__HEATT": "1"}, "oven.heatt (environment SYCEE_OVEN__HEATT) is not a key"),
        (["oven.heat"], {}, "'oven.heat' is not of the form key=value"),
        (["oven.heat=hot"], {}, "oven.heat (command line): Expected `int`, got `str`."),
        (["mood=wild"], {}, "mood (command line): Invalid enum value 'wild'."),
        (["oven.heat=301"], {}, "heat must be at most 300"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(overrides, environment, message):
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded(None, environment, *overrides)
    assert message in str(caught.value)


def test_all_unknown_keys_are_told_at_once():
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded(None, {}, "a=1", "b=2")
    assert len(str(caught.value).splitlines()) == 2


def test_variables_for_other_purposes_are_no_configuration():
    assert loaded(None, {"SYCEE_PYTHON": "python3.13"}).value == Kitchen()


@pytest.mark.parametrize(("text", "message"), [("a = ", "is not TOML"), (None, "There is no")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, text, message):
    file = tmp_path / "sycee.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationInvalid, match=message):
        loaded(file)
