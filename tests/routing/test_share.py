"""The share cap's counter against a brute-force reading of its rule, and mutants of it that the reading must catch."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tranship.core.network import FULL_BP, ShareCap
from tranship.routing import share
from tranship.routing.share import CapState, ShareWindow, TokenBucket

Step = tuple[str, int, int, bool]
"""What happens: (enter | force | uncap | leave, size or which entry, again which entry, capped)."""


class Rule:
    """The rule as it is written: every unit of the measure lies in one long row; the window is the end of it."""

    def __init__(self, cap_bp: int, window: int) -> None:
        self.cap_bp, self.window = cap_bp, window
        self.entries: list[tuple[int, bool]] = []

    def row(self, more: list[tuple[int, bool]] | None = None) -> list[bool]:
        """One flag per unit of the measure: whether it is capped."""
        return [capped for size, capped in [*self.entries, *(more or [])] for _ in range(size)]

    def sound(self, more: list[tuple[int, bool]]) -> bool:
        """Whether after each of these entries that is capped, the window holds no more than its limit."""
        for k, (_, capped) in enumerate(more):
            row = self.row(more[: k + 1])
            if capped and sum(row[-self.window :]) > self.cap_bp * min(len(row), self.window) // FULL_BP:
                return False
        return True

    def share_bp(self) -> int:
        """Share of the window, rounded up."""
        inside = self.row()[-self.window :]
        return -(-sum(inside) * FULL_BP // len(inside)) if inside else 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["enter", "enter", "enter", "enter", "force", "uncap", "leave"]),
        st.integers(1, 9),
        st.integers(0, 200),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)
caps = st.sampled_from([0, 1, 2500, 5000, 6000, 6667, 9999, 10000])
windows = st.integers(1, 25)
sizes = st.sampled_from(["one", "some", "large"])


def play(cap_bp: int, window: int, scale: str, story: list[Step]) -> None:
    """Tell a story to counter and rule; AssertionError where they differ in an answer or in what they hold."""
    counter, rule = ShareWindow(cap_bp, window), Rule(cap_bp, window)
    seen = 0
    for what, number, which, capped in story:
        size = 1 if scale == "one" else number if scale == "some" else number * window // 4 + 1
        if what in {"enter", "force"}:
            admitted = counter.admits([(size, capped)])
            assert admitted is rule.sound([(size, capped)])
            assert counter.admits_one(size, capped) is admitted
            if admitted or what == "force":
                assert counter.enter(size, capped) == len(rule.entries)
                rule.entries.append((size, capped))
                seen = max(seen, rule.share_bp())
        elif rule.entries and what == "uncap":
            position = which % len(rule.entries)
            counter.uncap(position)
            rule.entries[position] = (rule.entries[position][0], False)
        elif rule.entries and rule.entries[which % len(rule.entries)][0]:
            position = which % len(rule.entries)
            trial = Rule(cap_bp, window)
            trial.entries = [(0, False) if i == position else entry for i, entry in enumerate(rule.entries)]
            assert counter.admits([(size, capped)], leaving=[position]) is trial.sound([(size, capped)])
            counter.leave(position)
            rule.entries = trial.entries
        held = rule.row()
        assert (counter.inside, counter.inside_capped) == (len(held[-window:]), sum(held[-window:]))
        assert (counter.entered, counter.entered_capped) == (len(held), sum(held))
        assert counter.recount() == (counter.inside, counter.inside_capped)
        assert counter.share_bp() == rule.share_bp()
        assert counter.max_share_bp == seen


@given(caps, windows, sizes, steps)
@settings(max_examples=150)
def test_the_counter_is_the_rule(cap_bp: int, window: int, scale: str, story: list[Step]) -> None:
    """Entries, breaches, voids in place and entries that leave: the counter answers and holds what the rule says."""
    play(cap_bp, window, scale, story)


@given(caps, windows, st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12), steps)
def test_several_entries_are_asked_for_in_their_order(
    cap_bp: int, window: int, more: list[tuple[int, bool]], story: list[Step]
) -> None:
    """The parts of a split are entered one by one, and each capped one is held against the limit of its own moment."""
    counter, rule = ShareWindow(cap_bp, window), Rule(cap_bp, window)
    for _, size, _, capped in story:
        counter.enter(size, capped)
        rule.entries.append((size, capped))
    before = counter.digest()
    assert counter.admits(more) is rule.sound(more)
    assert counter.digest() == before, "asking changed the counter"


@given(caps, windows, st.lists(st.booleans(), max_size=40), st.integers(0, 5))
def test_room_is_how_many_more_fit(cap_bp: int, window: int, story: list[bool], independent: int) -> None:
    """Room counts capped entries of one that may enter now, behind so many independent ones."""
    counter, rule = ShareWindow(cap_bp, window), Rule(cap_bp, window)
    for capped in story:
        if counter.admits([(1, capped)]):
            counter.enter(1, capped)
            rule.entries.append((1, capped))
    first = [(1, False)] * independent
    expected = 0
    while expected < 30 and rule.sound([*first, *[(1, True)] * (expected + 1)]):
        expected += 1
    assert counter.room(independent, most=30) == expected


# -- the checker above must see a counter that is wrong ------------------------------------------------------------------


def limit_one_too_high(patch: pytest.MonkeyPatch) -> None:
    """One more than the cap allows."""
    whole = ShareWindow.limit
    patch.setattr(ShareWindow, "limit", lambda self, size: whole(self, size) + 1)


def limit_rounded_up(patch: pytest.MonkeyPatch) -> None:
    """Ceiling instead of floor: the first entry may be capped."""
    patch.setattr(ShareWindow, "limit", lambda self, size: -(-self.cap_bp * min(size, self.window) // FULL_BP))


def no_prefix_limit(patch: pytest.MonkeyPatch) -> None:
    """The full window's limit from the first entry on."""
    patch.setattr(ShareWindow, "limit", lambda self, size: self.cap_bp * self.window // FULL_BP)


def counted_late(patch: pytest.MonkeyPatch) -> None:
    """An entry is admitted by what was there before it: what counting at hand-over instead of at commit does."""
    fits = share._Trial.fits

    def late(trial: share._Trial, entries: list[tuple[int, bool]]) -> bool:
        room = trial.capped < max(1, trial._window.limit(trial.entered))
        fits(trial, entries)
        return room or not any(capped for _, capped in entries)

    patch.setattr(share._Trial, "fits", late)


def window_one_too_long(patch: pytest.MonkeyPatch) -> None:
    """Entries leave one too late."""
    trim = ShareWindow._trim

    def late(counter: ShareWindow) -> None:
        counter.window += 1
        trim(counter)
        counter.window -= 1

    patch.setattr(ShareWindow, "_trim", late)


def straddling_entries_leave_whole(patch: pytest.MonkeyPatch) -> None:
    """An entry on the window's edge is dropped at once instead of with the part that is outside."""

    def whole(counter: ShareWindow) -> None:
        while counter.inside > counter.window:
            size = counter._size[counter._oldest]
            counter.inside -= size
            counter.inside_capped -= size * counter._capped[counter._oldest]
            counter._oldest += 1

    patch.setattr(ShareWindow, "_trim", whole)


def void_leaves_instead(patch: pytest.MonkeyPatch) -> None:
    """A void on the capped network takes its entry out, so that the window reaches back to older ones."""
    patch.setattr(ShareWindow, "uncap", ShareWindow.leave)


def void_forgets_the_window(patch: pytest.MonkeyPatch) -> None:
    """A void turns the entry and keeps counting it."""

    def forgetful(counter: ShareWindow, position: int) -> None:
        counter._capped[position] = 0

    patch.setattr(ShareWindow, "uncap", forgetful)


def window_does_not_reach_back(patch: pytest.MonkeyPatch) -> None:
    """An entry that leaves takes its place in the window along."""
    patch.setattr(ShareWindow, "_reach_back", lambda self: None)


def maximum_of_full_windows_only(patch: pytest.MonkeyPatch) -> None:
    """The first W entries are left out of the maximum."""
    observe = ShareWindow._observe

    def later(counter: ShareWindow) -> None:
        if counter.inside == counter.window:
            observe(counter)

    patch.setattr(ShareWindow, "_observe", later)


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    limit_one_too_high,
    limit_rounded_up,
    no_prefix_limit,
    counted_late,
    window_one_too_long,
    straddling_entries_leave_whole,
    void_leaves_instead,
    void_forgets_the_window,
    window_does_not_reach_back,
    maximum_of_full_windows_only,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_bug_is_caught(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of getting the rule wrong makes the comparison fail."""
    mutant(monkeypatch)

    @given(caps, windows, sizes, steps)
    @settings(max_examples=2000, database=None, derandomize=True, phases=[Phase.generate])
    def compared(cap_bp: int, window: int, scale: str, story: list[Step]) -> None:
        play(cap_bp, window, scale, story)

    with pytest.raises((AssertionError, IndexError)):
        compared()


# -- the rule in single cases --------------------------------------------------------------------------------------------


def test_the_first_entry_goes_to_the_independent_side() -> None:
    """Sixty percent of one is none, of two one, of five three."""
    counter = ShareWindow(6000, 10)
    admitted = []
    for _ in range(10):
        capped = counter.admits([(1, True)])
        counter.enter(1, capped)
        admitted.append(capped)
    assert admitted == [False, True, False, True, True, False, True, False, True, True]
    assert counter.max_share_bp == 6000


def test_a_split_enters_its_independent_part_first() -> None:
    """One independent and one capped entry fit where the capped one alone does not."""
    counter = ShareWindow(6000, 10)
    assert not counter.admits([(1, True)])
    assert counter.admits([(1, False), (1, True)])
    assert not counter.admits([(1, True), (1, False)])


@pytest.mark.parametrize("size", [7, 10, 11, 1000])
def test_an_entry_larger_than_the_windows_room_never_fits(size: int) -> None:
    """Whatever came before: more than six of ten capped units cannot lie in the window."""
    counter = ShareWindow(6000, 10)
    for _ in range(30):
        counter.enter(5, False)
    assert counter.admits([(6, True)])
    assert not counter.admits([(size, True)])
    assert counter.admits([(size, False)])


def test_a_void_in_place_makes_room_and_stays_in_the_population() -> None:
    """The entry is independent from now on; the published maximum stays, the voided size is told."""
    counter = ShareWindow(5000, 4)
    for capped in (False, True, False, True):
        counter.enter(1, capped)
    assert not counter.admits([(1, False), (1, True), (1, True)])
    counter.uncap(3)
    assert counter.admits([(1, False), (1, True), (1, True)])
    assert (counter.inside, counter.inside_capped, counter.entered, counter.voided) == (4, 1, 4, 1)
    assert counter.max_share_bp == 5000
    counter.uncap(3)
    assert counter.voided == 1, "a second void of the same entry is none"


def test_an_entry_that_leaves_lets_the_window_reach_back() -> None:
    """What slid out comes in again, and the check of the new entry covers it."""
    counter = ShareWindow(5000, 4)
    for capped in (False, True, False, True, False, False):
        counter.enter(1, capped)
    assert (counter.inside, counter.inside_capped) == (4, 1)
    assert counter.admits([(1, True)])
    assert not counter.admits([(1, True), (1, True), (1, True)], leaving=[4])
    counter.leave(4)
    assert (counter.inside, counter.inside_capped) == (4, 2)


def cap(**changes: object) -> ShareCap:
    """A cap of 60 % of ten entries."""
    return ShareCap(**({"network": "AMZ", "cap_bp": 6000, "window": 10} | changes))  # type: ignore[arg-type]


def test_the_cap_holds_in_total_and_per_channel() -> None:
    """Two channels have counters of their own beside the total's; without `per_channel` there is the total only."""
    state = CapState(cap(), frozenset({0}))
    for channel in ("web", "web", "web", "shop"):
        state.enter(channel, 1, capped=channel == "shop")
    total, web = state.windows("web")
    assert (total.inside, total.inside_capped) == (4, 1)
    assert (web.inside, web.inside_capped) == (3, 0)
    shop = state.windows("shop")[1]
    assert total.admits([(1, True)]) and not shop.admits([(1, True)])
    only = CapState(cap(per_channel=False), frozenset({0}))
    only.enter("web", 1, capped=False)
    assert len(only.windows("web")) == 1


@pytest.mark.parametrize(
    ("measure", "size"), [("fulfillment_orders", 1), ("units", 7), ("value", 4200)], ids=["orders", "units", "value"]
)
def test_an_entrys_size_is_the_caps_measure(measure: str, size: int) -> None:
    """One, its units, or its value in minor units."""
    assert CapState(cap(measure=measure), frozenset()).size_of(7, 4200) == size


def test_a_part_worth_nothing_still_counts() -> None:
    """Gifts are entries of the smallest size, so that nothing passes a cap by value unseen."""
    assert CapState(cap(measure="value"), frozenset()).size_of(7, 0) == 1


# -- the price of room ---------------------------------------------------------------------------------------------------


@given(
    caps,
    st.integers(1, 1000),
    st.integers(0, 1000),
    st.integers(-200, 200),
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=120),
)
def test_the_bucket_is_bounded(
    cap_bp: int, window: int, burst_bp: int, rate: int, story: list[tuple[int, bool]]
) -> None:
    """Tokens stay between an empty and a full bucket of either sign, prices are never below zero, whatever happens."""
    bucket = TokenBucket(cap(cap_bp=cap_bp, window=window, bucket_burst_bp=burst_bp, bucket_rate_bp=rate))
    full = bucket.tokens
    for size, capped in story:
        bucket.enter(size, capped)
        assert -full <= bucket.tokens <= full
        assert bucket.price >= 0 and bucket.base >= 0


def test_a_full_bucket_costs_nothing_and_an_empty_one_its_price() -> None:
    """From full to empty the price rises from zero to about the cap's price, never falling on the way."""
    bucket = TokenBucket(cap(window=1000, price_micros=2_000_000))
    assert bucket.price == 0
    prices = []
    while bucket.tokens > 0:
        bucket.enter(1, True)
        prices.append(bucket.price)
    assert all(a <= b for a, b in pairwise(prices))
    assert 900_000 <= bucket.price <= 1_100_000, (
        "half the price where the bucket is empty, the other half is the slow part"
    )


def test_independent_entries_fill_the_bucket_again() -> None:
    """After a run of capped entries the price comes back to zero."""
    bucket = TokenBucket(cap(window=1000))
    for _ in range(40):
        bucket.enter(1, True)
    assert bucket.price > 0
    for _ in range(4000):
        bucket.enter(1, False)
    assert bucket.price == 0


def test_a_cap_without_a_price_never_asks_one() -> None:
    """The bare counter: what `compare` runs as its second arm."""
    bucket = TokenBucket(cap(price_micros=0))
    for _ in range(100):
        bucket.enter(1, True)
    assert bucket.price == 0
