"""The [world] table is checked key by key."""

import dataclasses
import re

import pytest

from tests.support import ROOT
from tranship.connectors.netfile.keys import WORLD
from tranship.core.errors import InputError
from tranship.sim.world import WorldSettings, read_settings


def test_an_empty_table_gives_the_published_settings() -> None:
    """What every published figure was made with."""
    assert read_settings({}) == WorldSettings()
    assert (WorldSettings().cover_weeks, WorldSettings().forecast_error) == (3, 0.25)


def test_settings_of_the_table_are_taken() -> None:
    """Whole numbers are fine where a number is asked for."""
    settings = read_settings({"seed": 9, "forecast_error": 1, "goods": "superstore", "residential": False})
    assert (settings.seed, settings.forecast_error, settings.goods) == (9, 1, "superstore")
    assert not settings.residential


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"sead": 1}, ["sead", "seed", "cover_weeks"]),
        ({"seed": -1}, ["seed", "-1", "0 to 2,147,483,647"]),
        ({"seed": True}, ["seed", "True", "whole number"]),
        ({"seed": 1.5}, ["seed", "1.5", "whole number"]),
        ({"forecast_error": "much"}, ["forecast_error", "'much'", "0 to 3"]),
        ({"cover_weeks": 0}, ["cover_weeks", "0", "1 to 52"]),
        ({"goods": "heavy"}, ["goods", "'heavy'", "superstore"]),
        ({"goods": ["light"]}, ["goods", "light"]),
        ({"residential": 1}, ["residential", "1", "true, false"]),
        ({"weight_min_g": 300}, ["weight_min_g", "300", "227"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_found_and_what_is_allowed(
    table: dict[str, object], named: list[str]
) -> None:
    """The message is enough to repair the file."""
    with pytest.raises(InputError) as caught:
        read_settings(table)
    assert "[world]" in str(caught.value)
    for word in named:
        assert word in str(caught.value)


def test_the_page_lists_every_setting_with_its_default() -> None:
    """docs/derived-world.md and the code agree."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|", (ROOT / "docs/derived-world.md").read_text(), re.MULTILINE)
    defaults = {name: str(value).lower() for name, value in dataclasses.asdict(WorldSettings()).items()}
    assert {key: default for key, _, default in rows} == defaults


def test_the_network_file_allows_the_same_keys() -> None:
    """A setting that `tranship check` refused could never be used."""
    allowed = {key.name: key.default for key in WORLD.keys}
    assert allowed == dataclasses.asdict(WorldSettings())
