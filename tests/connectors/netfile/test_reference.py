"""docs/network-file.md says what the code does: keys, defaults, columns and rules are generated and must agree."""

import re

from tests.support import ROOT
from tools.network_file_reference import PART
from tranship.connectors.files.mapping import SourceMapping
from tranship.connectors.netfile import template
from tranship.connectors.netfile.keys import CARD, SOURCE, TABLES, WORLD
from tranship.connectors.netfile.schema import REQUIRED
from tranship.connectors.netfile.values import RefusedError, value_of
from tranship.rates import cards
from tranship.sim.world.settings import WorldSettings


def test_the_page_agrees_with_the_code() -> None:
    """The generated part is what the generator writes now: run `python -m tools.network_file_reference` after a change."""
    assert PART.page == ROOT / "docs" / "network-file.md"
    assert PART.main(["--check"]) == 0


def test_keys_of_tables_that_other_rooms_read_are_theirs() -> None:
    """Cards, sources and the world have exactly the keys that rates, intake and the world read."""
    theirs = {"base", "type", "versions", *cards.PRICE_KEYS, *cards.UNIT_KEYS, *cards.PARCEL_KEYS}
    assert {key.name for key in CARD.keys} == theirs
    assert {key.name for key in SOURCE.keys} == {"preset", *SourceMapping.__struct_fields__}
    world = {key.name: WORLD.default(key) for key in WORLD.keys}
    assert world == {name: getattr(WorldSettings(), name) for name in WorldSettings.__dataclass_fields__}


def test_every_default_is_in_its_own_range() -> None:
    """A default written out by hand is accepted and means the same."""
    for table in TABLES:
        for key in () if table.as_written else table.keys:
            default = table.default(key)
            if default is REQUIRED or default in ("", ()):
                continue
            raw: object = list(default) if isinstance(default, tuple) else default
            if key.kind == "time" and isinstance(default, int):
                raw = f"{default // 60}:{default % 60:02d}"
            if key.kind == "money" and isinstance(default, int):
                raw = default / 1_000_000
            try:
                assert value_of(key, raw) == default, key
            except RefusedError as refused:
                raise AssertionError(f"{table.name}.{key.name}: {refused}") from refused


def test_the_example_uses_known_pages() -> None:
    """Pages that the example points at are in docs/."""
    named = set(re.findall(r"docs/[\w-]+\.md", template()))
    assert "docs/network-file.md" in named
