"""The `[source.NAME]` table: what is allowed, what is refused and how that is said."""

import datetime as dt

import pytest

from tranship.connectors.files import PRESETS, choose, named, read_mapping
from tranship.core.errors import InputError


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"colums": {}}, "colums is no key of a source"),
        ({"source": "my shop: orders"}, "letters"),
        ({"preset": "superb"}, "superstore"),
        ({"preset": []}, "superstore"),
        ({"format": "excel"}, "shopify_csv"),
        ({"zone": "London"}, "IANA"),
        ({"zone": "Europe"}, "IANA"),
        ({"zone": "../../etc/passwd"}, "IANA"),
        ({"zone": 7}, "zone is 7"),
        ({"currency": "pounds"}, "USD"),
        ({"rate": 0}, "1.55"),
        ({"rate": True}, "1.55"),
        ({"country": "Atlantis"}, "country code"),
        ({"countries": {"Deutschland": "Germania"}}, "countries.Deutschland"),
        ({"date_only_at": "25:00"}, "12:00"),
        ({"time_format": "%"}, "strptime"),
        ({"time_format": "yyyy-mm-dd %Q"}, "strptime"),
        ({"encoding": "utf-16"}, "latin-1"),
        ({"delimiter": "#"}, "delimiter"),
        ({"decimal": ";"}, "decimal"),
        ({"decimal": ",", "thousands": ","}, "the same sign"),
        ({"columns": {"price": "Preis"}}, "unit_price"),
        ({"columns": {"sku": 3}}, "columns.sku"),
        ({"columns": ["sku"]}, "a table"),
        ({"channels": {"a": 1}}, "channels.a"),
        ({"not_goods": 3}, "list of texts"),
        ({"test_orders": "maybe"}, "accept"),
        ({"channel": 5}, "channel is 5"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(table: dict[str, object], words: str):
    """Each refusal names the place, the key and what would do."""
    with pytest.raises(InputError) as refused:
        read_mapping(table, "[source.shop]")
    assert words in str(refused.value) and "[source.shop]" in str(refused.value)


def test_a_time_of_day_may_be_a_text_or_a_time():
    """TOML has times; both say the same."""
    assert read_mapping({"date_only_at": "09:30"}) == read_mapping({"date_only_at": dt.time(9, 30)})


def test_a_preset_is_a_base():
    """What the table says wins; its columns are added to the preset's."""
    mapping = read_mapping({"preset": "superstore", "zone": "America/Chicago", "columns": {"channel": "Segment"}})
    assert mapping.zone == "America/Chicago"
    assert mapping.columns["channel"] == ("Segment",) and mapping.columns["order"] == ("Order ID",)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid(name: str):
    """Every built-in mapping reads by the rules for any other."""
    assert read_mapping({"preset": name}).columns


def test_a_mapping_is_chosen_by_the_file_name():
    """`match` is a pattern for the file's name; the table's name becomes the source unless it sets one."""
    sources: dict[str, dict[str, object]] = {
        "plain": {"zone": "UTC"},
        "uk": {"match": "online_retail*"},
        "shop": {"match": "shop-*.csv", "source": "store"},
    }
    assert choose(sources, "data/online_retail.csv.gz") == ("uk", {"source": "uk", "match": "online_retail*"})
    found = choose(sources, "shop-1.csv")
    assert found is not None and found[1]["source"] == "store"
    assert choose(sources, "other.csv") is None
    assert named(sources, "plain")["source"] == "plain"
    with pytest.raises(InputError, match="plain, shop, uk"):
        named(sources, "absent")
