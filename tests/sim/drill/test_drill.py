"""`tranship drill`: nothing is shipped twice or forgotten, the cap holds, the run is only read, the same seed gives the same report."""

import datetime as dt
from hashlib import sha256
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.console.runs import play
from tests.engine import worlds
from tranship.core.errors import InputError
from tranship.engine.run import open_store
from tranship.sim.drill import curve
from tranship.sim.drill.ground import Wish, survey
from tranship.sim.drill.model import Arm, Drill
from tranship.sim.drill.rehearsal import Rehearsal
from tranship.sim.drill.run import drill
from tranship.sim.drill.scenarios import POLICIES, SCENARIOS, Policy, scenario
from tranship.sim.drill.source import read_run

OWN = tuple(policy for policy in POLICIES if policy.key in {"calm", "tranship", "no_hold", "nothing"})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 120 orders under a cap of 60 %, with shelves that are never empty."""
    folder = tmp_path_factory.mktemp("drill") / "run"
    play(folder, 120, stock=4_000, caps=worlds.cap(window=50))
    return folder


def rehearsed(
    home: Path, name: str, orders: int = 120, policies: tuple[Policy, ...] = POLICIES, **more: object
) -> Drill:
    """A drill in this process."""
    wish = Wish(scenario(name), orders, **more)  # type: ignore[arg-type]
    return drill(home, wish, policies=policies, processes=1)


def by_key(found: Drill) -> dict[str, Arm]:
    """Arms by their policy."""
    return {arm.key: arm for arm in found.arms}


@pytest.fixture(scope="module")
def dark(home: Path) -> Drill:
    """An hour of nothing, under every policy."""
    return rehearsed(home, "blackout", 200, hours=4)


def test_hours_of_a_black_friday_make_one_day():
    """The curve is a whole day, busiest from eleven to noon, and times follow it."""
    assert sum(curve.CURVE) == curve.FULL and curve.PEAK == 11
    found = curve.times(4_000, 0, 24, Random(1))
    assert found == sorted(found) and found[0] >= 0 and found[-1] < 24
    share = sum(11 <= hour < 12 for hour in found) / len(found)
    assert abs(share - 0.0633) < 0.012
    assert all(9 <= hour < 12 for hour in curve.times(500, 9, 3, Random(2)))


@pytest.mark.parametrize("key", ["calm", "tranship", "no_hold", "naive", "nothing"])
def test_every_order_has_one_fate(dark: Drill, key: str):
    """In time, late, lost, waiting and given up add up to the day's orders; no refused command, no lost order."""
    arm = by_key(dark)[key]
    assert arm.orders == dark.orders > 0
    assert arm.in_time + arm.late + arm.lost + arm.waiting + arm.given_up == arm.orders
    assert (arm.lost, arm.broken) == (0, [])


def test_a_blackout_is_noticed_and_nothing_ships_twice(dark: Drill):
    """With and without Hold; whoever would have gone to the silent network is elsewhere within two minutes with Hold."""
    arms = by_key(dark)
    for key in ("tranship", "no_hold"):
        assert arms[key].double_orders == 0
        assert 0 < arms[key].detect_s <= 90 and arms[key].detected_by
    assert arms["tranship"].meant > 0
    assert arms["tranship"].meant_placed == arms["tranship"].meant
    assert arms["nothing"].meant_placed == 0
    assert arms["nothing"].detect_s == -1


def test_taking_a_timeout_for_a_failure_ships_twice(dark: Drill):
    """The naive policy sends what the network carries out later: the count is the stand-ins', not the engine's."""
    naive = by_key(dark)["naive"]
    assert naive.double_orders > 0 and naive.double_units >= naive.double_orders
    assert naive.double_value > 0


def test_what_would_have_been_late_is_saved(dark: Drill):
    """Doing nothing over a cut-off lets orders leave a day later; with Tranship they keep their day."""
    arms = by_key(dark)
    assert arms["nothing"].slipped > arms["tranship"].slipped
    assert arms["tranship"].kept_day > 0
    assert arms["nothing"].saved == arms["nothing"].kept_day == 0


@pytest.mark.parametrize("name", [one.name for one in SCENARIOS])
def test_no_scenario_breaks_a_promise_of_the_engine(home: Path, name: str):
    """Nothing twice, nothing lost, no window above its cap, with and without Hold."""
    found = rehearsed(home, name, 50, OWN[1:3])
    for arm in found.arms:
        assert (arm.double_orders, arm.lost, arm.broken) == (0, 0, []), arm.name
        assert arm.window_high_bp <= arm.cap_bp


def test_only_age_in_state_tells_of_a_stall(home: Path):
    """Every call is answered, so the breaker opens when orders have stood still for as long as the connection allows."""
    arms = by_key(rehearsed(home, "stall", 70, OWN[1:], stall_min=90))
    assert "stalled" in arms["tranship"].detected_by
    assert arms["tranship"].detect_s >= 90 * 60
    assert arms["tranship"].unheard == 0
    assert arms["tranship"].saved + arms["tranship"].kept_day > 0


def test_a_strike_is_told_by_hand(home: Path):
    """Fifteen minutes into it somebody closes the nodes; what the network had taken is called back and moved."""
    found = rehearsed(home, "strike", 40, OWN[1:2], network="PL")
    arm = by_key(found)["tranship"]
    assert 900 <= arm.detect_s <= 901 and arm.detected_by == "strike: told by hand"
    assert found.nodes == ["PL-1"]


def test_a_tight_cap_parks_and_says_which_limit_bound(home: Path):
    """The independent side fails, the cap has no room: orders wait, with the cap named, and the window stays below it."""
    found = rehearsed(home, "tight-cap", 120, OWN[1:2])
    arms = by_key(found)
    assert arms["tranship"].window_high_bp <= arms["tranship"].cap_bp <= 6_000
    assert any("The cap on AMZ" in line for line in found.assumed)
    assert arms["tranship"].parked_orders > 0
    assert "cap" in {limit.reason for limit in arms["tranship"].limits}


def test_the_same_seed_gives_the_same_report(home: Path):
    """To the last number; another seed another day."""
    first, second, other = (rehearsed(home, "brownout", 40, OWN[:2], hours=3, seed=seed) for seed in (3, 3, 4))
    for one in (first, second, other):
        one.seconds = 0
        for arm in one.arms:
            arm.seconds = 0
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert first.arms != other.arms


def test_nothing_is_written_to_the_run(home: Path):
    """Its database has the same bytes after as before."""
    before = sha256((home / "tranship.db").read_bytes()).digest()
    rehearsed(home, "brownout", 40, OWN[:2])
    assert sha256((home / "tranship.db").read_bytes()).digest() == before


def test_connections_are_made_up_where_the_file_has_none(home: Path):
    """A rival speaks as Amazon, the others as a 3PL, and the report says so."""
    found = rehearsed(home, "brownout", 30, OWN[:2], hours=2)
    assert {line.network: (line.kind, line.made_up) for line in found.lines} == {
        "AMZ": ("amazon_mcf", True), "PL": ("shipbob", True), "OWN": ("shipbob", True),
    }  # fmt: skip
    assert any("AMZ" in line and "no connection" in line for line in found.assumed)


def test_no_person_of_the_run_is_read(home: Path):
    """What the stand-ins were told to deliver to is made up."""
    store = open_store(home, read_only=True)
    try:
        ground = survey(*read_run(store, 0), Wish(scenario("brownout"), 20, 2))
        play_of = Rehearsal(store, ground, OWN[1])
        play_of.play()
        known = [row for row in (store.person(person_id) for person_id in play_of.store.people) if row is not None]
        assert not {row.sealed for row in known} & {row.sealed for row in play_of.store.people.values()}
    finally:
        store.close()


def test_fewer_orders_than_asked_for_are_repeated_and_said(home: Path):
    """The day has as many as were asked for."""
    found = rehearsed(home, "brownout", 150, OWN[:1], hours=2)
    assert found.orders == round(150 * sum(curve.CURVE[found.first_hour : found.first_hour + 2]) / curve.FULL)
    assert sum(found.orders_by_hour) == found.orders
    assert any("repetitions" in line for line in found.assumed)


def test_a_point_in_the_past_is_begun_from(home: Path):
    """`--from`: the run as it was before that day; before its first day there is nothing."""
    wish = Wish(scenario("brownout"), 10, 1)
    found = drill(home, wish, until=dt.date(2026, 3, 6), policies=OWN[:1], processes=1)
    assert found.day == "2026-03-13"
    with pytest.raises(InputError, match="nothing in it"):
        drill(home, wish, until=dt.date(2020, 1, 1), policies=OWN[:1], processes=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"orders": 0}, "--orders"),
        ({"hours": 25}, "--hours"),
        ({"minutes": 99_999}, "--minutes"),
        ({"spare": 1_000.0}, "--spare"),
        ({"network": "nobody"}, "no network is called"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(home: Path, change: dict[str, object], said: str):
    """With the option and what is allowed."""
    with pytest.raises(InputError, match=said):
        drill(home, Wish(scenario("blackout"), **change), processes=1)  # type: ignore[arg-type]


def test_no_run_an_empty_one_and_no_cap_are_told(tmp_path: Path):
    """Not a trace of a database is made."""
    wish = Wish(scenario("blackout"), 10)
    with pytest.raises(InputError, match="no run here"):
        drill(tmp_path / "none", wish)
    assert not (tmp_path / "none").exists()
    play(tmp_path / "empty", 0)
    with pytest.raises(InputError, match="no orders to rehearse"):
        drill(tmp_path / "empty", wish)
    play(tmp_path / "free", 10, caps=())
    with pytest.raises(InputError, match="needs a share cap"):
        drill(tmp_path / "free", Wish(scenario("tight-cap"), 10))
    assert by_key(rehearsed(tmp_path / "free", "brownout", 10, OWN[:2], hours=1))["tranship"].cap_bp == 0
