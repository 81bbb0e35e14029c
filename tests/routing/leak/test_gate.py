"""The gate: the same answer each time, shares as planned, every reason in its place."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.errors import InputError
from tranship.routing.leak.gate import admitted, draw_of, limit_of, turn
from tranship.routing.leak.model import (
    MICROS_PER_WEEK,
    NEW_HOUSEHOLD,
    ONE,
    STALE_WEEKS,
    WEEKS,
    WHY,
    Household,
    LeakPlan,
    LeakTables,
    decode,
    encode,
    week_of,
    year_of,
)

WEEK = 54 * WEEKS


def plan_of(
    shares: list[int],
    weights: tuple[int, ...] = (ONE, 500_000),
    networks: tuple[str, ...] = ("AMZ",),
    **changes: object,
) -> LeakPlan:
    """A plan whose weights depend on the parcels shown only."""
    table = np.repeat(np.array(weights, "<i4"), 3 * 3)
    plan = LeakPlan(
        networks[0],
        "doc",
        WEEK,
        networks,
        b"k" * 32,
        b"c" * 32,
        np.array(shares, "<i4").tobytes(),
        table.tobytes(),
        1,
        2,
    )
    return msgspec.structs.replace(plan, **changes)


def ask(plan: LeakPlan, order: str = "A", skus: tuple[int, ...] = (0,), home: Household | None = None, **more: int):
    """Ask the gate in the plan's own week, where nothing else is said."""
    return admitted(LeakTables(plan), order, skus, home, more.get("week", WEEK), more.get("saving", 0))


def test_the_same_order_gets_the_same_answer():
    """Asking again, in whatever order, changes nothing; another order draws anew."""
    plan = plan_of([500_000])
    first = [ask(plan, f"O{i}") for i in range(200)]
    assert first == [ask(plan, f"O{i}") for i in range(200)]
    assert 60 < sum(one.admitted for one in first) < 140


@pytest.mark.parametrize("share", [0, 20_000, 500_000, 1_000_000, 3_000_000])
def test_admitted_share_is_the_limit(share: int):
    """Over many orders the admitted part is what the limit says."""
    plan = plan_of([share])
    got = sum(ask(plan, f"{share}-{i}").admitted for i in range(4000)) / 4000
    assert got == pytest.approx(min(1, share / ONE), abs=0.03)


def test_networks_draw_independently():
    """What one network is shown says nothing about what another is."""
    keys = [draw_of(b"k" * 32, f"O{i}", name) for i in range(2000) for name in ("AMZ", "SHB")]
    assert abs(np.corrcoef(keys[::2], keys[1::2])[0, 1]) < 0.08


def test_a_household_weighs_less_with_each_parcel_and_then_nothing():
    """Weights go by what this network was shown; beyond the table nothing is admitted, and the reason says so."""
    plan = plan_of([ONE])
    limits = [ask(plan, home=Household(-1, 0, (shown,))).limit_ppm for shown in range(4)]
    assert limits == [ONE, 500_000, 0, 0]
    assert ask(plan, home=Household(-1, 0, (2,))).why == "household"
    assert ask(plan, home=NEW_HOUSEHOLD).limit_ppm == ONE  # nothing shown yet


def test_what_shows_no_household_is_thinned_only():
    """Pickup points and businesses have full weight, and the SKU's curve still applies."""
    assert ask(plan_of([ONE])) == ask(plan_of([ONE], weights=(0,)))
    assert ask(plan_of([0])).why == "never" and not ask(plan_of([0])).admitted
    assert ask(plan_of([ONE])).why == "open"


def test_lines_share_one_draw():
    """Of an order with several SKUs the part is admitted where the SKU that allows least is; lines nest in the order of their shares."""
    plan = plan_of([200_000, 600_000, ONE])
    for i in range(300):
        verdict = ask(plan, f"M{i}", (0, 1, 2))
        assert verdict.admitted == verdict.lines[0] == ask(plan, f"M{i}", (0,)).admitted
        assert verdict.lines[0] <= verdict.lines[1] <= verdict.lines[2] is True
        assert verdict.limit_ppm == 200_000
        assert verdict.accepted_ppm == (ONE, 333_333, 200_000)


def test_budgeted_networks_take_turns():
    """An order may go to one of several networks only: where the household is known least, else by a fair coin."""
    names = ("AMZ", "SHB")
    plans = [plan_of([ONE], networks=names), plan_of([ONE], networks=names, network="SHB")]
    tables = [LeakTables(plan) for plan in plans]
    for i in range(200):
        verdicts = [admitted(table, f"T{i}", (0,), Household(-1, 0, ()), WEEK, 0) for table in tables]
        assert sorted(one.admitted for one in verdicts) == [False, True]
        assert [one.why for one in verdicts if not one.admitted] == ["turn"]
    assert {turn(tables[0], f"T{i}", Household(-1, 0, (1, 0))) for i in range(50)} == {1}
    share = sum(turn(tables[0], f"T{i}", None) for i in range(2000)) / 2000
    assert share == pytest.approx(0.5, abs=0.04)


def test_a_plan_serves_a_few_weeks_and_then_nothing():
    """A plan that nobody replaced fails closed; one made a few minutes early does not."""
    plan = plan_of([ONE])
    assert [ask(plan, week=WEEK + late).admitted for late in (-1, 0, STALE_WEEKS)] == [True] * 3
    for week in (WEEK - 2, WEEK + STALE_WEEKS + 1):
        assert ask(plan, week=week).why == "plan" and not ask(plan, week=week).admitted


def test_the_price_cut_off_is_the_same_for_all_skus():
    """Below the cut-off an order is not shown, whatever is in it; above, it is shown as if nobody had asked."""
    plan = plan_of([ONE, 500_000], least_saving_bp=500)
    assert [ask(plan, skus=(k,), saving=500).limit_ppm for k in (0, 1)] == [ONE, 500_000]
    assert [ask(plan, skus=(k,), saving=499) for k in (0, 1)] == [
        (False, 0, ask(plan).draw_ppm, "price", (False,), (0,))
    ] * 2
    assert ask(plan_of([ONE]), saving=-5000).admitted


def test_an_open_budget_passes_everything_but_what_must_never_be_seen():
    """At the dial's end nothing is held back, except SKUs with no share at all."""
    plan = plan_of([1, 0], open_ppm=ONE, weights=(0,))
    assert ask(plan, home=NEW_HOUSEHOLD).admitted and not ask(plan, skus=(1,)).admitted


@given(
    share=st.integers(0, 10 * ONE),
    more=st.integers(0, ONE),
    weight=st.integers(0, ONE),
    heavier=st.integers(0, ONE),
    passing=st.integers(0, ONE),
)
def test_limits_are_shares_and_monotone(share: int, more: int, weight: int, heavier: int, passing: int):
    """A limit lies between 0 and a whole, and never falls when the SKU's share or the order's weight grows."""
    low = limit_of(share, weight, passing)
    assert 0 <= low <= ONE
    assert low <= limit_of(min(10 * ONE, share + more), weight, passing)
    assert low <= limit_of(share, min(ONE, weight + heavier), passing)


def test_weeks_know_no_time_zone():
    """A week is 7 days of UTC microseconds from the epoch on; a leak year is 52 of them."""
    assert week_of(5 * MICROS_PER_WEEK + 1) == 5
    assert [year_of(week) for week in (0, 51, 52, 104)] == [0, 0, 1, 2]


def test_every_reason_has_words():
    """`explain` can say why for whatever the gate answers."""
    plan = plan_of([300_000, 0], networks=("AMZ", "SHB"), least_saving_bp=0)
    seen = set()
    for i in range(200):
        for skus, home, saving, week in (
            ((0,), NEW_HOUSEHOLD, 0, WEEK), ((0,), None, 0, WEEK), ((1,), None, 0, WEEK), ((0,), None, -1, WEEK),
            ((0,), Household(-1, 0, (2, 2)), 0, WEEK), ((0,), None, 0, WEEK + 9),
        ):  # fmt: skip
            seen.add(admitted(LeakTables(plan), f"W{i}", skus, home, week, saving).why)
    assert seen == set(WHY)


def test_a_document_reads_back_and_a_damaged_one_is_refused():
    """The bytes are the plan; a table of another length, a share out of range or a short key is an InputError, never a wrong answer."""
    plan = plan_of([500_000, 3_000_000])
    assert decode(encode(plan)) == plan
    bad = [
        {"weights": plan.weights[:-4]}, {"shares": b"\1"}, {"key": b"short"}, {"open_ppm": ONE + 1}, {"network": "X"},
        {"networks": ("AMZ", "AMZ")}, {"shares": np.array([-1], "<i4").tobytes()},
        {"weights": np.full(9, ONE + 1, "<i4").tobytes()}, {"week": -1}, {"most_last": -2},
    ]  # fmt: skip
    for change in bad:
        with pytest.raises(InputError):
            decode(encode(msgspec.structs.replace(plan, **change)))
    with pytest.raises(InputError):
        decode(b"nothing")


def test_secrets_do_not_show():
    """Printing a plan gives neither keys nor shares."""
    text = repr(plan_of([123_456]))
    assert "kkkk" not in text and "123456" not in text and "AMZ" in text
