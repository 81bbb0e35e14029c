"""The unit ledger against books kept in a dictionary."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tranship.core.errors import InvariantError
from tranship.core.ledger import OUTSIDE, SHELF, Bucket, Ledger, merged

buckets = st.sampled_from(list(Bucket))
units = st.integers(-1, 12)


class Books(RuleBasedStateMachine):
    """Any moves in any order: the ledger says what a dictionary says, and what it refuses it leaves alone."""

    def __init__(self) -> None:
        super().__init__()
        self.skus, self.nodes = 3, 2
        self.ledger = Ledger(self.skus, self.nodes)
        self.model: Counter[tuple[Bucket, int, int]] = Counter()

    @rule(node=st.integers(0, 1), pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), max_size=7))
    def receive(self, node: int, pairs: list[tuple[int, int]]) -> None:
        """Units come in from outside, which never runs dry."""
        self._move(Bucket.SUPPLIER, Bucket.FULFILLABLE, node, pairs)

    @rule(
        ways=st.lists(buckets, min_size=2, max_size=2, unique=True),
        node=st.integers(0, 1),
        pairs=st.lists(st.tuples(st.integers(0, 2), units), max_size=9),
    )
    def move(self, ways: list[Bucket], node: int, pairs: list[tuple[int, int]]) -> None:
        """Up to nine lines (both ways of adding up), also of one SKU twice, also below zero."""
        self._move(*ways, node, pairs)

    @rule(skus=st.integers(0, 2), nodes=st.integers(0, 2))
    def grow(self, skus: int, nodes: int) -> None:
        """Room for more; what is there stays where it is."""
        self.skus, self.nodes = self.skus + skus, self.nodes + nodes
        self.ledger.grow(self.skus, self.nodes)
        assert self.ledger.balance.shape == (len(Bucket), self.skus, self.nodes)

    def _move(self, source: Bucket, target: Bucket, node: int, pairs: list[tuple[int, int]]) -> None:
        trial = self.model.copy()
        fits = all(quantity >= 0 for _, quantity in pairs)
        for sku, quantity in pairs:
            trial[source, sku, node] -= quantity
        fits = fits and (source in OUTSIDE or all(trial[source, sku, node] >= 0 for sku, _ in pairs))
        for sku, quantity in pairs:
            trial[target, sku, node] += quantity
        before = self.ledger.balance.copy()
        skus, quantities = [sku for sku, _ in pairs], [quantity for _, quantity in pairs]
        if fits:
            self.ledger.move(source, target, node, skus, quantities)
            self.model = trial
        else:
            with pytest.raises(InvariantError, match=source.name):
                self.ledger.move(source, target, node, skus, quantities)
            assert (self.ledger.balance == before).all(), "a refused move changed something"

    @invariant()
    def says_what_the_dictionary_says(self) -> None:
        """Every account equals the model, no shelf is below zero, all sums are zero."""
        assert self.ledger.problems() == []
        for (bucket, sku, node), held in self.model.items():
            assert self.ledger.balance[bucket, sku, node] == held
        assert sum(self.ledger.totals().values()) == 0
        assert all(self.ledger.balance[bucket].min() >= 0 for bucket in SHELF)


TestBooks = Books.TestCase


@pytest.mark.parametrize("lines", [1, 4, 5, 9])
def test_a_move_that_fails_at_its_last_line_changes_nothing(lines: int) -> None:
    """All or nothing, in the way for few lines as in the way for many."""
    ledger = Ledger(lines, 1)
    ledger.move(Bucket.OPENING, Bucket.FULFILLABLE, 0, list(range(lines)), [5] * (lines - 1) + [1])
    before = ledger.balance.copy()
    with pytest.raises(InvariantError, match=f"SKU #{lines - 1} at node #0 holds 1, cannot give 2"):
        ledger.move(Bucket.FULFILLABLE, Bucket.RESERVED, 0, list(range(lines)), [2] * lines)
    assert (ledger.balance == before).all()


@pytest.mark.parametrize("lines", [2, 5])
def test_one_sku_twice_in_a_move_counts_twice(lines: int) -> None:
    """Three and three of five units are refused, whatever the number of lines."""
    ledger = Ledger(1, 1)
    ledger.move(Bucket.OPENING, Bucket.FULFILLABLE, 0, [0], [5])
    with pytest.raises(InvariantError):
        ledger.move(Bucket.FULFILLABLE, Bucket.RESERVED, 0, [0] * lines, [3] * 2 + [0] * (lines - 2))
    assert ledger.fulfillable[0, 0] == 5


def test_problems_name_what_is_wrong() -> None:
    """A shelf below zero and an account that appeared from nowhere are found, with bucket, SKU and node."""
    ledger = Ledger(3, 2)
    ledger.balance[Bucket.RESERVED, 2, 1] = -4
    ledger.balance[Bucket.LOST, 0, 0] = 1
    found = "\n".join(ledger.problems())
    assert "RESERVED of SKU #2 at node #1 is -4" in found
    assert "SKU #2 at node #1 sum to -4" in found
    assert "SKU #0 at node #0 sum to 1" in found


def test_a_ledger_never_shrinks() -> None:
    """Positions in use keep their meaning: fewer SKUs or nodes are refused."""
    ledger = Ledger(3, 2)
    for skus, nodes in ((2, 2), (3, 1)):
        with pytest.raises(InvariantError, match="never shrinks"):
            ledger.grow(skus, nodes)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9))))
def test_merged_adds_up_and_keeps_the_order_of_first_appearance(pairs: list[tuple[int, int]]) -> None:
    """Sums per SKU, first seen first."""
    found = merged(pairs)
    assert list(found) == list(dict.fromkeys(sku for sku, _ in pairs))
    assert all(found[sku] == sum(q for s, q in pairs if s == sku) for sku in found)
