"""Entries that change in place, against a recount of every prefix and every window, and a short-sighted check that it must catch."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tranship.core.network import FULL_BP
from tranship.routing import share
from tranship.routing.share import ShareWindow
from tranship.routing.share_change import Change, Standing, Stretch, matched

Entry = tuple[int, bool]
Step = tuple[str, int, bool, list[tuple[int, int, bool]]]
"""What happens: (enter | force | uncap | change, size or which entry, capped, what a change does: (what, which or size, capped))."""


class Row:
    """All entries as they stand; the window after each entry is read unit by unit."""

    def __init__(self, cap_bp: int, window: int) -> None:
        self.cap_bp, self.window = cap_bp, window
        self.entries: list[Entry] = []

    def windows(self) -> dict[int, list[tuple[int, bool]]]:
        """After each entry that has a size: (entry, capped) of each unit in the window."""
        units: list[tuple[int, bool]] = []
        found = {}
        for i, (size, capped) in enumerate(self.entries):
            units += [(i, capped)] * size
            if size:
                found[i] = units[-self.window :]
        return found

    def share_bp(self, units: list[tuple[int, bool]]) -> int:
        """Share of a window, rounded up."""
        return -(-sum(capped for _, capped in units) * FULL_BP // len(units))

    def changed(self, flips: list[Entry], leaving: list[int], entering: list[Entry]) -> tuple["Row", bool, int]:
        """The row with a change, whether the rule admits it, and the highest share among the windows that it touches."""
        after = Row(self.cap_bp, self.window)
        after.entries = [*self.entries, *entering]
        for position, capped in flips:
            after.entries[position] = (after.entries[position][0], capped)
        for position in leaving:
            after.entries[position] = (0, False)
        before = self.windows()
        touched = [units for end, units in after.windows().items() if units != before.get(end)]
        down = (
            not any(c for _, c in flips)
            and all(self.entries[p][1] for p in leaving)
            and not any(c for _, c in entering)
        )
        limits = [self.cap_bp * len(units) // FULL_BP for units in touched]
        sound = all(sum(c for _, c in units) <= limit for units, limit in zip(touched, limits, strict=True))
        return after, sound or down, max((after.share_bp(units) for units in touched), default=0)


changes = st.lists(
    st.tuples(st.sampled_from(["flip", "flip", "leave", "enter"]), st.integers(0, 200), st.booleans()),
    min_size=1,
    max_size=4,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["enter", "enter", "enter", "force", "uncap", "change", "change"]),
        st.integers(0, 200),
        st.booleans(),
        changes,
    ),
    min_size=2,
    max_size=50,
)
caps = st.sampled_from([0, 1, 2500, 5000, 6000, 6667, 9999, 10000])
windows = st.integers(1, 20)
sizes = st.sampled_from(["one", "some", "large"])


def play(cap_bp: int, window: int, scale: str, story: list[Step]) -> None:
    """Tell a story to counter and row; AssertionError where they differ in an answer, a count or a maximum."""
    counter, row = ShareWindow(cap_bp, window), Row(cap_bp, window)
    seen, forced = 0, False

    def size_of(number: int) -> int:
        return 1 if scale == "one" else number % 9 + 1 if scale == "some" else number % 9 * window // 4 + 1

    for what, number, capped, wanted in story:
        size = size_of(number)
        if what in {"enter", "force"}:
            if counter.admits([(size, capped)]) or what == "force":
                forced = forced or not counter.admits([(size, capped)])
                counter.enter(size, capped)
                row.entries.append((size, capped))
                seen = max(seen, row.share_bp(row.windows()[len(row.entries) - 1]))
        elif what == "uncap" and row.entries:
            position = number % len(row.entries)
            counter.uncap(position)
            row.entries[position] = (row.entries[position][0], False)
        elif row.entries:
            there = [i for i, (units, _) in enumerate(row.entries) if units]
            picked = {there[which % len(there)]: (how, side) for how, which, side in wanted if how != "enter" and there}
            flips = [(p, side) for p, (how, side) in picked.items() if how == "flip"]
            leaving = [p for p, (how, _) in picked.items() if how == "leave"]
            entering = [(size_of(which), side) for how, which, side in wanted if how == "enter"]
            after, admitted, highest = row.changed(flips, leaving, entering)
            assert counter.admits_change(flips, leaving, entering) is admitted
            if admitted:
                positions = counter.change(flips, leaving, entering)
                assert positions == list(range(len(row.entries), len(after.entries)))
                row, seen = after, max(seen, highest)
        held = [flag for units, flag in row.entries for _ in range(units)]
        assert (counter.inside, counter.inside_capped) == (len(held[-window:]), sum(held[-window:]))
        assert (counter.entered, counter.entered_capped) == (len(held), sum(held))
        assert counter.recount() == (counter.inside, counter.inside_capped)
        shares = [row.share_bp(units) for units in row.windows().values()]
        assert counter.highest_bp() == max(shares, default=0)
        assert counter.max_share_bp >= max(shares, default=0)
        assert forced or max(shares, default=0) <= cap_bp
        assert counter.max_share_bp == seen


@given(caps, windows, sizes, steps)
@settings(max_examples=300)
def test_a_change_is_admitted_where_every_window_allows_it(
    cap_bp: int, window: int, scale: str, story: list[Step]
) -> None:
    """Entries, breaches, voids and changes: answers, counts and maxima are those of a recount of all prefixes and windows."""
    play(cap_bp, window, scale, story)


def only_the_tail(patch: pytest.MonkeyPatch) -> None:
    """Looks at the window as it ends now, as the check for new entries does."""

    def sound(self: Stretch, cap_bp: int) -> bool:
        return bool((self.capped[-1:] <= cap_bp * self.inside[-1:] // FULL_BP).all())

    patch.setattr(Stretch, "sound", sound)


def only_full_windows(patch: pytest.MonkeyPatch) -> None:
    """Forgets the time before a window has passed."""

    def sound(self: Stretch, cap_bp: int) -> bool:
        full = self.inside == self.inside.max(initial=0)
        return bool((self.capped[full] <= cap_bp * self.inside[full] // FULL_BP).all())

    patch.setattr(Stretch, "sound", sound)


def starts_at_the_change(patch: pytest.MonkeyPatch) -> None:
    """Counts only from the first changed entry on: what lies before it in its window is not seen."""
    patch.setattr(ShareWindow, "_back", lambda self, first: first)


def stops_at_the_change(patch: pytest.MonkeyPatch) -> None:
    """Looks at the windows up to the last changed entry, not at those that it still lies in later."""
    patch.setattr(ShareWindow, "_ahead", lambda self, last: last + 1)


def lowering_is_never_asked(patch: pytest.MonkeyPatch) -> None:
    """Any change that lowers something is let through."""
    patch.setattr(share, "lowers", lambda change, _: any(not capped for _, capped in change.flips))


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    only_the_tail,
    only_full_windows,
    starts_at_the_change,
    stops_at_the_change,
    lowering_is_never_asked,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_short_sighted_check_is_seen(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each planted bug makes some story end with another answer or another count than the recount's."""
    mutant(monkeypatch)

    @given(caps, windows, sizes, steps)
    @settings(max_examples=500, database=None, derandomize=True, phases=[Phase.generate])
    def read(cap_bp: int, window: int, scale: str, story: list[Step]) -> None:
        play(cap_bp, window, scale, story)

    with pytest.raises((AssertionError, IndexError)):
        read()


entries = st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=5)


@given(entries, entries, entries)
def test_places_are_given_once_and_sizes_add_up(own: list[Entry], spare: list[Entry], new: list[Entry]) -> None:
    """Each old entry is kept, turned or leaves; each new one has a place of its size or is entered; void places never leave."""
    held = [(i, size, capped) for i, (size, capped) in enumerate(own)]
    void = [(len(own) + i, size, False) for i, (size, _) in enumerate(spare)]
    change, places = matched(Standing(held, void), new)
    kept = [place for place in places if place >= 0]
    assert len(set(kept)) == len(kept)
    assert sorted([*(p for p in kept if p < len(own)), *change.leaving]) == list(range(len(own)))
    before = {p: (size, capped) for p, size, capped in [*held, *void]}
    for (size, capped), place in zip(new, places, strict=True):
        if place >= 0:
            assert before[place][0] == size
            assert ((place, capped) in change.flips) is (before[place][1] is not capped)
    assert change.entering == [entry for entry, place in zip(new, places, strict=True) if place < 0]
    assert len(change.flips) == len({p for p, _ in change.flips})


def test_two_changes_are_one() -> None:
    """What two orders change in one counter is asked and done at once."""
    both = Change([(1, True)], [2], [(1, False)]).with_more(Change([(3, False)]))
    assert both == Change([(1, True), (3, False)], [2], [(1, False)])


def test_an_exchange_of_sides_needs_no_room() -> None:
    """A full window: one entry may go to the capped side where another, older one leaves it in the same step, and only then."""
    counter = ShareWindow(5000, 4)
    for capped in (False, True, False, True, False, True):
        counter.enter(1, capped)
    assert not counter.admits_change([(4, True)])
    assert counter.admits_change([(4, True), (3, False)])
    assert not counter.admits_change([(4, True), (5, False)])  # the window before entry 5 would hold three of four
    counter.change([(4, True), (3, False)])
    assert [counter.entry(i)[1] for i in range(6)] == [False, True, False, False, True, True]
