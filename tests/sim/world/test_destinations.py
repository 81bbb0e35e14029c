"""Destinations follow the census and stay the same for the same person."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.sim.world import Destinations
from tranship.sim.world import places as module
from tranship.sim.world.destinations import draw_key
from tranship.sim.world.places import POPULATION, POPULATION_TOTAL, STATES, places


def test_typed_in_populations_sum_to_the_published_total() -> None:
    """50 states and the District of Columbia; one mistyped digit would show."""
    assert sum(POPULATION.values()) == POPULATION_TOTAL
    assert len(POPULATION) == 51


def test_states_follow_population() -> None:
    """Of 100,000 customers each state has its share within five standard deviations."""
    _, states = Destinations(1).draw([draw_key("uci", str(n)) for n in range(100_000)])
    counts = Counter(states.tolist())
    for i, state in enumerate(STATES):
        share = POPULATION[state] / POPULATION_TOTAL
        assert abs(counts[i] - 100_000 * share) <= 5 * (100_000 * share * (1 - share)) ** 0.5 + 1, state


def test_zips_are_standard_ones_of_their_state_and_uniform() -> None:
    """Every standard ZIP of a state is as likely as any other, and only those occur."""
    table = places()
    zips, states = Destinations(1).draw([draw_key("uci", str(n)) for n in range(60_000)], ["DE"] * 60_000)
    delaware = STATES.index("DE")
    allowed = table.standard[table.start[delaware] : table.start[delaware + 1]]
    counts = np.array([np.count_nonzero(zips == number) for number in allowed])
    assert set(states.tolist()) == {delaware}
    assert counts.sum() == 60_000
    assert counts.min() > 0.75 * 60_000 / len(allowed)
    assert counts.max() < 1.25 * 60_000 / len(allowed)


def test_post_boxes_territories_and_placeless_zips_never_occur() -> None:
    """Nothing is sent to a ZIP that has no street, and nothing leaves the 50 states and DC."""
    import zipcodes

    usable = {
        int(row["zip_code"])
        for row in zipcodes.list_all()
        if row["zip_code_type"] == "STANDARD"
        and row["active"]
        and float(row["lat"]) != 0
        and row["state"] in POPULATION
    }
    assert set(places().standard.tolist()) == usable


@given(st.permutations([str(n) for n in range(12)]), st.integers(0, 2**31 - 1))
def test_the_order_of_the_orders_does_not_matter(customers: list[str], seed: int) -> None:
    """A customer's place is the same wherever in the file he stands, alone or among others."""
    draw = Destinations(seed)
    zips, _ = draw.draw([draw_key("uci", ref) for ref in customers])
    for ref, number in zip(customers, zips.tolist(), strict=True):
        assert draw.destination("uci", ref)[0] == f"{number:05d}"


def test_guests_and_customers_of_the_same_number_are_different_people() -> None:
    """An invoice number that equals a customer reference shares nothing with it; nor do two sources."""
    draw = Destinations(1)
    same = [draw.destination("uci", str(n)) == draw.destination("uci", str(n), guest=True) for n in range(200)]
    other = [draw.destination("uci", str(n)) == draw.destination("csv", str(n)) for n in range(200)]
    assert sum(same) < 10
    assert sum(other) < 10


def test_a_known_state_is_kept() -> None:
    """Where only the ZIP is missing, it is drawn inside the order's own state; nonsense counts as unknown."""
    draw = Destinations(1)
    assert draw.destination("csv", "7", state="wy")[1] == "WY"
    assert draw.destination("csv", "7", state="Atlantis") == draw.destination("csv", "7")


def test_states_of_real_zips_are_found() -> None:
    """Post boxes and single-building ZIPs included; unknown numbers and military mail have no state."""
    assert [places().state_of(number) for number in ("00501", "10118", "99950", "20500")] == ["NY", "NY", "AK", "DC"]
    assert [places().state_of(number) for number in ("99999", "00000", "M5V", "", "09001")] == [""] * 5


def test_the_cache_is_used_and_a_damaged_one_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept table gives the same places; garbage in its file, or a directory nobody may write, only costs time."""
    expected = places().standard
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "deep" / "cache"))
    for damage in (None, b"not a table", b""):
        kept = list((tmp_path / "deep" / "cache").glob("*.npz"))
        if damage is not None:
            kept[0].write_bytes(damage)
        module.places.cache_clear()
        assert (module.places().standard == expected).all()
    assert len(list((tmp_path / "deep" / "cache").iterdir())) == 1, "no half-written file is left"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "file" / "below"))
    module.places.cache_clear()
    assert (module.places().standard == expected).all()


def test_the_cache_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TRANSHIP_CACHE, then XDG_CACHE_HOME, then the home directory."""
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert module.cache_dir() == tmp_path / "a"
    monkeypatch.delenv("TRANSHIP_CACHE")
    assert module.cache_dir() == tmp_path / "b" / "tranship"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert module.cache_dir() == tmp_path / "c" / ".cache" / "tranship"


def test_equal_places_are_one_object() -> None:
    """A year of orders does not hold 25,000 copies of a few thousand addresses."""
    found = Destinations(1).many([draw_key("uci", str(n % 3)) for n in range(30)])
    assert len({id(place) for place in found}) == 3
    assert all(place.residential and place.country == "US" and len(place.zip) == 5 for place in found)
