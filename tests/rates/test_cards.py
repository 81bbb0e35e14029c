import datetime as dt

import msgspec
import pytest

from tests.rates.build import CLASSES, FLAT, SPRING, day, network
from tranship.core.errors import InputError
from tranship.rates.cards import (
    assumed_settings,
    card_for,
    change_days,
    check_card,
    packaged_cards,
    parse_card,
    raw_card,
)
from tranship.rates.compile import last_change, next_change


@pytest.mark.parametrize("name", sorted(packaged_cards()))
def test_packaged_cards_are_sound(name: str):
    """Each can be read by the rules that own cards are read by."""
    check_card(name, raw_card({}, name))


@pytest.mark.parametrize(
    ("settings", "key", "allowed"),
    [
        ({"type": "weight"}, "type", "per_unit | parcel"),
        (FLAT | {"discount_pct": "lots"}, "discount_pct", "a number from -100 to 95"),
        (FLAT | {"discount_pct": 96}, "discount_pct", "a number from -100 to 95"),
        (FLAT | {"discount_pct": 12.345}, "discount_pct", "at most two decimals"),
        (FLAT | {"discount_pct": True}, "discount_pct", "a number from"),
        (FLAT | {"order_fee": 2.505}, "order_fee", "whole cents"),
        (FLAT | {"order_fee": float("nan")}, "order_fee", "a number from 0"),
        (FLAT | {"units_counted": "part"}, "units_counted", "known keys are"),
        (CLASSES | {"units_counted": "box"}, "units_counted", "part | order"),
        (CLASSES | {"carton_fee": 1}, "carton_fee", "known keys are"),
        (CLASSES | {"size_tiers": "small"}, "size_tiers", "amazon_us_2023"),
        (FLAT | {"max_carton_lb": 11}, "max_carton_lb", "heaviest row"),
        (FLAT | {"surcharges": ["moon"]}, "surcharges[0]", "ups_demand_2025"),
        (FLAT | {"peak": [{"per_unit": 1}]}, "peak[0].per_unit", "known keys are"),
        (FLAT | {"peak": [{"per_carton": 1, "from": "2026-01-02", "to": "2026-01-01"}]}, "peak[0].to", "on or after"),
        (FLAT | {"peak": [{"per_carton": 1, "from": "10-05", "to": "2026-01-18"}]}, "peak[0].to", "two dates"),
        (FLAT | {"peak": [{"per_carton": 1, "zones": [10]}]}, "peak[0].zones", "1 to 9"),
        (FLAT | {"peak": "always"}, "peak", "a list"),
        (FLAT | {"transit": {"ground": [1, 2]}}, "transit.ground", "nine numbers"),
        (FLAT | {"transit": {"ground": [2.5] * 9}}, "transit.ground", "a whole number"),
        (FLAT | {"versions": [{"order_fee": 1}]}, "versions[0].effective", "2026-01-15"),
        (FLAT | {"versions": [{"effective": "2026-07-01", "base": "x"}]}, "versions[0].base", "known keys are"),
        (FLAT | {"versions": [{"effective": "2026-07-01", "order_fee": -1}]}, "order_fee", "from 0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_words(settings: dict[str, object], key: str, allowed: str):
    """The error names card and key, says what was found and what is allowed."""
    with pytest.raises(InputError) as refused:
        check_card("own", settings)
    assert str(refused.value).startswith(f"[card.own] {key}")
    assert "found" in str(refused.value)
    assert allowed in str(refused.value)


def test_an_unknown_card_is_refused_with_those_that_are_known():
    """By the node that asks for it."""
    file = network(["golden"])
    with pytest.raises(InputError, match=r"node GOLDEN, card: card 'golden' is not known.*own_warehouse"):
        next_change(file, SPRING)


def test_a_card_starts_from_its_base():
    """Own settings go before the base's, which may be packaged or another card of the file, or packaged by the same name."""
    cards = {
        "mine": {"base": "theirs", "unit_fee": 0.20},
        "theirs": {"base": "3pl_pick_pack", "order_fee": 3},
        "3pl_pick_pack": {"base": "3pl_pick_pack", "carton_fee": 2},
    }
    card = card_for(cards, "mine", SPRING)
    assert (card.unit_fee, card.order_fee, card.carton.fee, card.discount_bp) == (20, 300, 200, 1500)


def test_assumptions_are_named_until_the_file_says_otherwise():
    """What a packaged card assumes and no card of the file replaces; one's own card assumes nothing."""
    cards = {"mine": {"base": "3pl_pick_pack", "unit_fee": 0.2, "discount_pct": 20}, "own": FLAT}
    assert assumed_settings(cards, "mine") == ("order_fee", "carton_fee")
    assert assumed_settings(cards, "own") == ()


def test_bases_in_a_circle_are_refused():
    """Two cards that start from each other."""
    with pytest.raises(InputError, match="each other's base: a > b > a"):
        raw_card({"a": {"base": "b"}, "b": {"base": "a"}}, "a")


def test_a_packaged_list_brings_its_own_rules():
    """Dim weight and the largest size come with the price list; a card may say otherwise."""
    plain = parse_card("own", {"type": "parcel", "table": "usps_ground_advantage"}, SPRING)
    assert plain.carton.dim[0] > 0
    assert plain.carton.length_girth_mm == 3302
    off = parse_card("own", {"type": "parcel", "table": "usps_ground_advantage", "dim_divisor": 0}, SPRING)
    assert off.carton.dim == (0, 1)


def test_versions_change_settings_from_their_day_on():
    """In the order of their dates, whatever the order in the file; TOML dates and texts alike."""
    card = FLAT | {
        "order_fee": 1,
        "versions": [
            {"effective": dt.date(2026, 7, 1), "order_fee": 3},
            {"effective": "2026-01-01", "order_fee": 2, "unit_fee": 0.10},
        ],
    }
    fees = [parse_card("own", card, day(text)) for text in ("2025-12-31", "2026-01-01", "2026-07-01")]
    assert [(fee.order_fee, fee.unit_fee) for fee in fees] == [(100, 0), (200, 10), (300, 10)]


def test_the_next_change_is_the_next_day_on_which_a_price_moves():
    """Versions of settings, price lists and surcharge periods; both ends of a period belong to it."""
    card = FLAT | {
        "versions": [{"effective": "2026-05-01", "order_fee": 1}],
        "peak": [{"per_carton": 1, "from": "2026-10-05", "to": "2027-01-18"}],
    }
    file = network({"own": card})
    days, at = [], SPRING
    while (change := next_change(file, at)) is not None:
        days.append(change)
        at = change
    assert days == [day("2026-05-01"), day("2026-10-05"), day("2027-01-19")]
    assert last_change(file, day("2026-12-24")) == day("2026-10-05")
    assert last_change(file, SPRING) is None


def test_a_season_comes_back_every_year():
    """Month and day alone: over the turn of the year, in any year, in the far past too."""
    file = network({"own": FLAT | {"peak": [{"per_carton": 1, "from": "10-05", "to": "01-18"}]}})
    assert next_change(file, day("2010-11-26")) == day("2011-01-19")
    assert next_change(file, day("2011-01-19")) == day("2011-10-05")
    assert last_change(file, day("2010-11-26")) == day("2010-10-05")


def test_cards_of_no_node_change_nothing():
    """Only cards in use are asked."""
    file = network({"own": FLAT, "spare": {"type": "nonsense"}})
    assert next_change(msgspec.structs.replace(file, nodes=file.nodes[:1]), SPRING) is None


def test_the_change_days_of_a_version_with_another_list_are_seen():
    """A version may bring a price list with dates of its own."""
    card = FLAT | {"versions": [{"effective": "2026-05-01", "table": "usps_ground_advantage"}]}
    assert day("2026-05-01") in change_days("own", card, SPRING)
