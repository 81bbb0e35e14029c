"""The planner: curves are kept, new SKUs wait, a lost week does no harm, the same input gives the same plan."""

import msgspec
import numpy as np
import pytest

from tranship.core.errors import InputError
from tranship.routing.leak.forecast import growth_of
from tranship.routing.leak.gate import admitted
from tranship.routing.leak.model import ONE, WEEKS, LeakPlan, LeakTables, decode, encode
from tranship.routing.leak.planner import BINS, Known, Place, Planner, Week, bin_of, normal, plan
from tranship.routing.leak.policy import Settings, settings_for
from tranship.routing.leak.tally import Tally

FIRST = 54 * WEEKS
PLACE = Place("AMZ", ("AMZ",), "doc", b"s" * 32)
STILL = Settings(decoy_sd=0.0, lean=0.0, level=1.0, level_most=0.5)


def known_of(lines: list[int], weeks: int = 10, **more: object) -> Known:
    """SKUs with so many order lines a week over some weeks."""
    return Known(np.array(lines) * weeks, np.full(len(lines), weeks), np.zeros(len(lines)), 0.005, **more)


def week_of_lines(number: int, lines: list[int], weight: float = 1.0, exposed: list[int] | None = None) -> Week:
    """A week in which every order line had the same weight."""
    counts = np.array(lines)
    spread = np.zeros(BINS, np.int64)
    spread[bin_of(round(weight * ONE))] = counts.sum()
    shown = np.array(exposed if exposed is not None else [0] * len(lines))
    return Week(number, counts, (counts * weight * ONE).astype(np.int64), shown, spread)


def shares(found: LeakPlan) -> np.ndarray:
    """Its shares as fractions."""
    return np.frombuffer(found.shares, "<i4") / ONE


def test_the_same_input_gives_the_same_bytes():
    """A plan is a function of history, settings and secret; another secret gives other slopes and keys."""
    one, again = (plan(None, [], known_of([50, 20]), PLACE, Settings(), FIRST) for _ in range(2))
    assert encode(one) == encode(again)
    other = plan(None, [], known_of([50, 20]), PLACE._replace(secret=b"t" * 32), Settings(), FIRST)
    assert other.key != one.key and other.coin != one.coin


def test_networks_share_turns_and_nothing_else():
    """Two networks of a brand have the same coin, and keys and slopes of their own."""
    names = ("AMZ", "SHB")
    one, other = (
        plan(None, [], known_of([50]), Place(name, names, "", b"s" * 32), Settings(), FIRST) for name in names
    )
    assert one.coin == other.coin and one.key != other.key
    assert len({Place(name, names, "", b"s" * 32).key(f"slopes|{name}", 54) for name in names}) == 2


@pytest.mark.parametrize("factor", [0.6, 1.0, 3.0])
def test_a_sku_that_grows_or_shrinks_stays_on_its_curve(factor: float):
    """Demand of one SKU moves to `factor` of what it was; its exposures stay where those of its unchanged neighbors are."""
    planner = Planner.begin(PLACE, STILL, known_of([200] * 8), FIRST)
    path = 200 * np.linspace(1, factor, 20)
    for i, lines in enumerate(path):
        planner.follow(week_of_lines(FIRST + i, [round(lines)] + [200] * 7))
    share = shares(planner.plan())
    assert share[0] * path[-1] == pytest.approx(share[1] * 200, rel=0.1)


def test_budgets_that_are_used_up_lower_all_curves_alike():
    """When households weigh less, every SKU's exposures fall by the same factor, so none stands out."""
    planner = Planner.begin(PLACE, STILL, known_of([300, 100, 30]), FIRST)
    before = shares(planner.plan())
    for i in range(8):
        planner.follow(week_of_lines(FIRST + i, [300, 100, 30], weight=0.5))
    after = shares(planner.plan())
    assert after == pytest.approx(before, rel=0.15)  # exposures are share x weight: they fall as the weight does
    assert np.ptp(after) < 0.05


def test_a_new_sku_waits_until_it_is_known():
    """Not shown for its first weeks, so that its start is not seen; then at its own height."""
    known = Known(np.array([500, 0]), np.array([10, 0]), np.zeros(2), 0.005)
    planner = Planner.begin(PLACE, STILL, known, FIRST)
    found = []
    for i in range(STILL.settle_weeks + 1):
        found.append(shares(planner.plan())[1])
        planner.follow(week_of_lines(FIRST + i, [50, 40]))
    assert found[:-1] == [0] * STILL.settle_weeks and found[-1] > 0.2


def test_a_sku_that_ends_takes_nothing_with_it():
    """Its demand goes to zero: all numbers stay finite, its share is the most there is, the others keep theirs."""
    planner = Planner.begin(PLACE, STILL, known_of([100] * 10), FIRST)
    for i in range(WEEKS):
        planner.follow(week_of_lines(FIRST + i, [100 if i < 5 else 0] + [100] * 9))
    made = planner.plan()
    assert np.isfinite(shares(made)).all() and 0.4 < shares(made)[1] < 0.6
    assert made.figures.short_ppm > 0


def test_what_must_never_be_seen_has_no_share():
    """A sensitive SKU is 0 ppm at every position of the dial."""
    known = known_of([50, 50], never=np.array([False, True]))
    for position in (0, 40, 100):
        made = plan(None, [], known, PLACE, settings_for(position), FIRST)
        assert shares(made)[1] == 0
        assert not admitted(LeakTables(made), "O1", (1,), None, FIRST, 0).admitted


def test_weeks_that_were_lost_do_no_harm():
    """After an outage plans go on from what came; a week told twice counts once; an old week is passed over."""
    first = plan(None, [], known_of([100, 50]), PLACE, Settings(), FIRST)
    weeks = [week_of_lines(FIRST + i, [100, 50]) for i in range(6)]
    straight = plan(first, weeks, known_of([0, 0]), PLACE, Settings(), FIRST + 6)
    twice = plan(first, [*weeks, weeks[2]], known_of([0, 0]), PLACE, Settings(), FIRST + 6)
    assert encode(straight) == encode(twice)
    gap = plan(first, [weeks[0], weeks[5]], known_of([0, 0]), PLACE, Settings(), FIRST + 6)
    assert shares(gap) == pytest.approx(shares(straight), rel=0.3)


def test_plans_go_on_from_their_document():
    """A plan read back from the journal continues as if the planner had never stopped."""
    planner = Planner.begin(PLACE, Settings(), known_of([100, 50, 10]), FIRST)
    document = encode(planner.plan())
    for i in range(15):
        week = week_of_lines(FIRST + i, [100 + 5 * i, 50, 10], 0.7, [40, 20, 5])
        planner.follow(week)
        made = planner.plan()
        document = encode(plan(decode(document), [week], known_of([0] * 3), PLACE, Settings(), FIRST + i + 1))
        assert document == encode(made)


def test_a_year_ends_without_a_jump():
    """At the turn of the leak year keys change, and no SKU's exposures move by more than the setting allows."""
    settings = msgspec.structs.replace(Settings(), decoy_sd=0.0, lean=0.0)
    planner = Planner.begin(PLACE, settings, known_of([100, 100, 100, 100]), FIRST)
    path = [[round(100 * 1.02**i), 100, round(100 * 0.99**i), 100] for i in range(WEEKS + 1)]
    old = planner.plan()
    for i in range(WEEKS):
        old = planner.plan()
        planner.follow(week_of_lines(FIRST + i, path[i], 0.6))
    planner.renew(known_of([0] * 4)._replace(growth=None))
    new = planner.plan()
    assert new.key != old.key and new.week == FIRST + WEEKS
    before, after = planner_curve(old), planner_curve(new)
    assert (after <= before * settings.renew_most * 1.001).all() and (
        after >= before / settings.renew_most * 0.999
    ).all()


def planner_curve(made: LeakPlan) -> np.ndarray:
    """The heights that the planner meant, from its memory."""
    from tranship.routing.leak.planner import Memory

    return np.frombuffer(msgspec.msgpack.decode(made.memory, type=Memory).arrays["last"], "<f8")


def test_orders_of_several_lines_stay_on_the_curve():
    """SKUs that are often bought together with scarce ones are admitted less often, and their shares make up for it."""
    chance = np.random.default_rng(8)
    planner = Planner.begin(PLACE, STILL, known_of([300, 300, 60]), FIRST)
    baskets = [(0,), (1,), (0, 2)]
    for i in range(12):
        tables, tally = LeakTables(planner.plan()), Tally(3)
        tables.shares[2] = 200_000  # a SKU that may be shown rarely
        for n in range(600):
            skus = baskets[chance.choice(3, p=[0.35, 0.5, 0.15])]
            verdict = admitted(tables, f"{i}-{n}", skus, None, FIRST + i, 0)
            tally.asked(skus, verdict)
            if verdict.admitted:
                tally.shown(skus)
        planner.follow(tally.week(FIRST + i))
    share = shares(planner.plan())
    assert share[0] > 1.05 * share[1]
    assert Tally.of(tally.state).week(3).lines.tolist() == tally.week(3).lines.tolist()


def test_unfit_input_is_refused():
    """Arrays of different SKUs are an InputError."""
    with pytest.raises(InputError):
        Planner.begin(PLACE, STILL, Known(np.array([1, 2]), np.array([1])), FIRST)


def test_secret_slopes_are_normal():
    """Keyed numbers have mean 0 and deviation 1 and repeat."""
    found = normal(b"x" * 32, 4000)
    assert abs(found.mean()) < 0.06 and found.std() == pytest.approx(1, abs=0.04)
    assert (found == normal(b"x" * 32, 4000)).all() and (found[:10] != normal(b"y" * 32, 10)).all()


def test_growth_is_read_from_the_past():
    """Half a year of own orders tells growers from the rest, with an error as large as it says; few weeks tell nothing."""
    chance = np.random.default_rng(2)
    growth = chance.normal(0, 0.015, 80)
    weeks = np.arange(26)[:, None]
    lines = chance.poisson(40 * np.exp(growth * (weeks - 13)) * (1 + 0.2 * np.sin(weeks / 8)))
    found = growth_of(lines, np.full(80, 26))
    assert found is not None
    guess, sd = found
    assert np.corrcoef(guess, growth)[0, 1] > 0.9
    assert np.abs((guess - growth + growth.mean()) / sd).mean() < 1.2
    assert growth_of(lines[:4], np.full(80, 4)) is None


def test_a_new_sku_is_not_taken_for_a_grower():
    """Weeks before a SKU was there do not count, and one that is too new gets no guess but a wide error."""
    chance = np.random.default_rng(4)
    lines = chance.poisson(50, (26, 20))
    lines[:12, 0], lines[:22, 1] = 0, 0
    weeks = np.full(20, 26)
    weeks[:2] = 14, 4
    found = growth_of(lines, weeks)
    assert found is not None
    guess, sd = found
    assert abs(guess[0]) < 0.03 and guess[1] == 0 and sd[1] > 3 * sd[5]
