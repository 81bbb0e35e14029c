"""The planner: curves are kept, new SKUs wait, a lost week does no harm, the same input gives the same plan."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tranship.core.errors import DamageError, InputError
from tranship.routing.leak.forecast import growth_of
from tranship.routing.leak.gate import admitted, draw_of
from tranship.routing.leak.memory import BINS, NAMES, memory_of
from tranship.routing.leak.model import ONE, WEEKS, LeakPlan, LeakTables, decode, encode
from tranship.routing.leak.planner import Known, Place, Planner, Week, bin_of, normal, plan
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


def a_year(settings: Settings, path: list[list[int]]) -> tuple[LeakPlan, LeakPlan, LeakPlan]:
    """The first plan of a year, its last one, and the first of the next year."""
    planner = Planner.begin(PLACE, settings, known_of(path[0]), FIRST)
    first = old = planner.plan()
    for i in range(WEEKS):
        old = planner.plan()
        planner.follow(week_of_lines(FIRST + i, path[i], 0.6))
    planner.renew(known_of([0] * len(path[0]))._replace(growth=None))
    return first, old, planner.plan()


def test_a_year_ends_with_a_step_that_all_share():
    """At the turn of the leak year keys change, and all curves move alike, up to what the setting allows and what a SKU can carry."""
    settings = msgspec.structs.replace(Settings(), decoy_sd=0.0, lean=0.0)
    path = [[round(100 * 1.02**i), 100, round(100 * 0.99**i), 100] for i in range(WEEKS + 1)]
    _, old, new = a_year(settings, path)
    assert new.key != old.key and new.week == FIRST + WEEKS
    step = planner_curve(new) / planner_curve(old)
    assert step[1] == pytest.approx(step[3]) and 1 <= step[0] / step[1] <= settings.renew_most**2 * 1.001
    assert 0.8 * step[1] < step[2] < step[1]  # it shrank to 60: it follows as far as its own demand goes


def test_volume_recovers_with_the_year():
    """Curves that shrinking SKUs could not carry ended low; the next year starts most of the way back to where the first one did."""
    chance = np.random.default_rng(6)
    growth = chance.normal(0, 0.015, 60)
    path = [np.round(80 * np.exp(growth * i)).astype(int).tolist() for i in range(WEEKS + 1)]
    first, old, new = a_year(Settings(), path)
    assert old.figures.expected_ppm < 0.6 * first.figures.expected_ppm
    assert new.figures.expected_ppm > 0.8 * first.figures.expected_ppm


def test_a_year_without_a_forecast_has_curves_of_its_own():
    """Lower, at secret depths, falling together; the document says so, and the year's plans keep to it."""
    known = known_of([100] * 60)
    sure, other = (
        plan(None, [], known._replace(unsure=unsure), PLACE, settings_for(40), FIRST) for unsure in (False, True)
    )
    spread = [np.std(np.log(shares(one))) for one in (sure, other)]
    assert spread[1] > 2 * spread[0] and other.figures.expected_ppm < 0.9 * sure.figures.expected_ppm
    assert other.figures.unsure and not sure.figures.unsure
    weeks = [week_of_lines(FIRST, [100] * 60)]
    assert plan(other, weeks, known, PLACE, settings_for(40), FIRST + 1).figures.unsure
    assert not plan(
        other, weeks, known, PLACE, settings_for(40), FIRST + WEEKS
    ).figures.unsure  # a forecast came: from the next year on


def planner_curve(made: LeakPlan) -> np.ndarray:
    """The heights that the planner meant, from its memory."""
    return np.frombuffer(memory_of(made).arrays["last"], "<f8")


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


def damaged(made: LeakPlan, **changes: object) -> LeakPlan:
    """A plan whose memory has these fields or arrays instead of its own."""
    memory = memory_of(made)
    for name, value in changes.items():
        if name in NAMES:
            memory.arrays[name] = value
        else:
            setattr(memory, name, value)
    return msgspec.structs.replace(made, memory=msgspec.msgpack.encode(memory))


@pytest.mark.parametrize(
    "changes",
    [
        {"base": b""}, {"base": b"1234567"}, {"log": np.array([np.nan, 1.0]).tobytes()},
        {"level": np.array([-1.0, 1.0]).tobytes()}, {"week": FIRST + 3}, {"first": FIRST + 9}, {"season": np.inf},
        {"spread": (1.0,)}, {"spread": (-1.0,) * BINS}, {"mean": 0.0}, {"arrays": {}},
    ],
    ids=range(11),
)  # fmt: skip
def test_a_damaged_memory_is_named(changes: dict[str, object]):
    """Arrays of another length, numbers that cannot be, another week: network and week are said, and no plan is made."""
    made = plan(None, [], known_of([50, 20]), PLACE, Settings(), FIRST)
    with pytest.raises(DamageError, match=f"AMZ, week {FIRST}: its memory is damaged"):
        plan(damaged(made, **changes), [], known_of([0, 0]), PLACE, Settings(), FIRST + 1)


@settings(max_examples=400)
@given(st.data())
def test_no_byte_of_a_memory_breaks_the_planner(data: st.DataObject):
    """Any byte changed: it is refused as damaged, or the plan that follows is whole."""
    made = plan(None, [], known_of([50, 20]), PLACE, Settings(), FIRST)
    body = bytearray(made.memory)
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        after = plan(
            msgspec.structs.replace(made, memory=bytes(body)), [], known_of([0, 0]), PLACE, Settings(), FIRST + 1
        )
    except DamageError:
        return
    assert decode(encode(after)).week == FIRST + 1


def test_no_network_is_called_like_the_coin():
    """A network named "turn" draws by a key of its own."""
    names = ("turn", "AMZ")
    made = plan(None, [], known_of([50]), Place("turn", names, "", b"s" * 32), Settings(), FIRST)
    assert made.key != made.coin
    draws = [(draw_of(made.key, f"O{i}", "turn"), draw_of(made.coin, f"O{i}", "turn")) for i in range(300)]
    assert abs(np.corrcoef(np.array(draws).T)[0, 1]) < 0.2


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
