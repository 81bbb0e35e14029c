import csv
import gzip
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.rates.build import network
from tests.support import shared
from tranship.rates import zones
from tranship.rates.zones import zip3_points, zone_table, zones_between


def zone(origin: int, destination: int) -> int:
    """Zone between two ZIP3s."""
    return int(zones_between(zip3_points(), [origin])[0, destination])


@pytest.mark.parametrize(
    ("origin", "destination", "expected"),
    [
        (100, 100, 1),  # New York to itself
        (101, 604, 5),  # New York to Chicago
        (102, 332, 6),  # New York to Miami
        (100, 901, 8),  # New York to Los Angeles
        (604, 101, 5),  # Chicago to New York
        (604, 900, 7),  # Chicago to Los Angeles
        (901, 941, 4),  # Los Angeles to San Francisco
        (940, 980, 5),  # San Francisco to Seattle
        (995, 981, 7),  # Anchorage to Seattle
        (903, 967, 8),  # Los Angeles to Honolulu
        (331, 8, 6),  # Miami to Puerto Rico
        (604, 969, 9),  # Chicago to Guam
        (969, 605, 8),  # and back: nine is a matter of the destination
        (331, 92, 6),  # Miami to military post in Europe, by way of New York
        (604, 93, 5),
    ],
)
def test_well_known_pairs_have_their_published_zone(origin: int, destination: int, expected: int):
    """Zones as the 2019 chart has them."""
    assert zone(origin, destination) == expected


def test_prefixes_that_no_zip_code_has_are_not_served():
    """Nothing is guessed: zone 0."""
    table = zones_between(zip3_points(), [100, -1])
    assert table[0, 0] == 0
    assert not table[1].any()


def test_zones_are_the_same_there_and_back_on_the_mainland():
    """Distance has no direction."""
    prefixes = [100, 331, 606, 752, 802, 900, 981]
    table = zones_between(zip3_points(), prefixes)[:, prefixes]
    assert (table == table.T).all()


def test_a_node_abroad_serves_nobody():
    """Zones are computed for the US only."""
    here = network(["own_warehouse"]).nodes[0]
    table = zone_table([here, msgspec.structs.replace(here, country="GB", zip="SW1A 1AA")])
    assert table[0].any()
    assert not table[1].any()


def oracle() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Origins, destinations and zones of the 2019 chart."""
    with gzip.open(shared("data", "usps_zones", "usps_zip3_zones_2019_sample.csv.gz"), "rt") as file:
        rows = [(int(r["origin_zip3"]), int(r["dest_zip3"]), int(r["zone"])) for r in csv.DictReader(file)]
    origin, destination, found = np.array(rows).T
    return origin, destination, found


def test_the_match_with_the_postal_chart_is_what_the_documents_say():
    """On origins that did not choose the thresholds: 86 % exact, 99.9 % within one zone, 99.9 % of pairs known.

    Military origins are left out: no node stands there, and the chart has rules of its own for mail from them.
    """
    origin, destination, found = oracle()
    points = zip3_points()
    table = zones_between(points, list(range(1000)))
    held_out = (origin % 2 == 1) & ~np.isin(origin, list(zones.GATEWAYS))
    mine = table[origin, destination].astype(int)
    known = held_out & (mine > 0)
    assert known.sum() / held_out.sum() > 0.998
    exact = (mine == found)[known].mean()
    near = (abs(mine - found) <= 1)[known].mean()
    print(f"exact {exact:.4f}, within one {near:.4f}, known {known.sum() / held_out.sum():.4f}, of {held_out.sum()}")
    assert exact > 0.86
    assert near > 0.998


def test_zones_of_a_thousand_prefixes_take_no_time():
    """Twenty nodes in well under 50 ms once the points are there."""
    nodes = network(["own_warehouse"]).nodes * 20
    zone_table(nodes)
    start = time.perf_counter()
    zone_table(nodes)
    assert time.perf_counter() - start < 0.05


def test_points_are_kept_in_the_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first process computes and writes, later ones read; a damaged file is written again."""
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "new"))
    zip3_points.cache_clear()
    points = zip3_points()
    (file,) = (tmp_path / "new").iterdir()
    changed = points.copy()
    changed[100] = (1.0, 2.0)
    np.savez(file, points=changed)
    zip3_points.cache_clear()
    assert zip3_points()[100].tolist() == [1.0, 2.0]
    for damage in (b"", b"PK\x03\x04 not an archive", file.read_bytes()[:200]):
        file.write_bytes(damage)
        zip3_points.cache_clear()
        np.testing.assert_array_equal(zip3_points(), points)
    zip3_points.cache_clear()


def test_without_a_writable_directory_points_are_computed_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file where the directory should be: nothing is written, nothing is said."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TRANSHIP_CACHE", str(tmp_path / "file"))
    zip3_points.cache_clear()
    assert np.isfinite(zip3_points()).sum() > 1700
    zip3_points.cache_clear()


def test_the_cache_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch):
    """Own variable first, then the XDG one, then the home directory."""
    monkeypatch.setenv("TRANSHIP_CACHE", "one")
    monkeypatch.setenv("XDG_CACHE_HOME", "two")
    assert zones.cache_dir() == Path("one")
    monkeypatch.delenv("TRANSHIP_CACHE")
    assert zones.cache_dir() == Path("two/tranship")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert zones.cache_dir() == Path.home() / ".cache/tranship"
