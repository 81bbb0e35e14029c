"""Whatever happens, in whatever order: the books balance, nothing is sold twice, every unit is accounted for, and it all rebuilds."""

from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.engine import stories
from tests.engine.audit import Audit, audit
from tests.engine.memory_store import MemoryStore
from tests.engine.stories import Act
from tests.engine.worlds import DAY, MONDAY, Run, cap, loading, network, order, placing, receiving, sqlite
from tranship.core.errors import InputError, TranshipError
from tranship.core.ledger import Bucket, Ledger
from tranship.core.network import NetworkFile
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine import evolve, takeback
from tranship.engine.shard import RecordedIds, Shard, Submission
from tranship.engine.verify import verify
from tranship.routing import decide as routing
from tranship.routing.share import ShareWindow
from tranship.store.people import People, Vault


def new_shard(store: MemoryStore | None = None) -> Shard:
    """A shard in memory."""
    store = store or MemoryStore()
    return Shard(store, People(store, Vault(b"k" * 32)), RecordedIds())


def tell(shard: Shard, told: list[Submission], size: int) -> None:
    """Submit in batches of one size; only a refusal of what cannot be taken is allowed."""
    for at in range(0, len(told), size):
        for answer in shard.submit(told[at : at + size]):
            if answer.error is not None and not isinstance(answer.error, InputError):
                raise answer.error


def told_and_audited(document: NetworkFile, story: list[Act], told: list[Submission] | None = None) -> Shard:
    """Tell a story (as `told`, where it is told otherwise) one command at a time, reading the journal and the ledger after each."""
    shard = new_shard()
    reader, seen = Audit(shard.store), 0
    for submission in stories.submissions(document, story) if told is None else told:
        tell(shard, [submission], 1)
        for row in shard.store.journal(seen):
            reader.take(ev.decode(row.payload))
            seen = row.seq
        assert reader.problems == [], reader.problems
        assert shard.state.ledger.problems() == []
    assert reader.finish() == []
    balance = shard.state.ledger.balance
    held = {
        (s, n): int(balance[Bucket.RESERVED, s, n]) for s, n in zip(*balance[Bucket.RESERVED].nonzero(), strict=True)
    }
    assert held == {key: units for key, units in reader.reserved.items() if units}
    return shard


@given(stories.documents, stories.acts)
@settings(max_examples=250)
def test_every_story_ends_with_sound_books(document: NetworkFile, story: list[Act]) -> None:
    """After each command: balanced accounts, no shelf below zero, each line's units placed, parked or gone, caps held."""
    shard = told_and_audited(document, story)
    before = shard.hash()
    shard.rebuild()
    assert shard.hash() == before, "a rebuild from the journal gives another state"


@given(stories.documents, stories.acts)
def test_how_batches_are_cut_changes_nothing(document: NetworkFile, story: list[Act]) -> None:
    """One by one, by sevens, all at once: the same journal, byte for byte, and the same state."""
    told = stories.submissions(document, story)
    found = set()
    for size in (1, 7, 500):
        shard = new_shard()
        tell(shard, told, size)
        found.add((shard.chain, shard.hash(), shard.seq))
    assert len(found) == 1


@given(stories.documents, stories.acts)
@settings(max_examples=15)
def test_verify_calls_every_story_sound(document: NetworkFile, story: list[Act]) -> None:
    """On the real store: rebuilt, compared with the tables, and decided again, event by event."""
    with TemporaryDirectory() as folder:
        shard = sqlite(Path(folder))
        try:
            tell(shard, stories.submissions(document, story), 7)
            verdict = verify(shard.store, decide=True)
            assert verdict.problems == []
            assert verdict.hash == shard.hash()
            assert verdict.events == shard.seq
        finally:
            shard.store.close()


@given(stories.documents, stories.acts, st.integers(1, 40))
def test_a_restart_in_the_middle_changes_nothing(document: NetworkFile, story: list[Act], stop: int) -> None:
    """A shard opened anew on the same store goes on as if it had never stopped."""
    told = stories.submissions(document, story)
    whole, halves = new_shard(), MemoryStore()
    tell(whole, told, 3)
    tell(new_shard(halves), told[:stop], 3)
    again = new_shard(halves)
    tell(again, told, 3)
    assert (again.chain, again.hash()) == (whole.chain, whole.hash())


def test_no_interleaving_sells_a_unit_twice() -> None:
    """Three units, orders for five, a cancellation, a receipt and a tick, in every order there is."""
    document = network(caps=cap())
    orders = [placing(order(n, ("MUG", units))) for n, units in ((1, 2), (2, 2), (3, 1))]
    others = [
        Submission("cancel", cmd.TakeBack("test:1", "1", 1, "C", MONDAY)),
        receiving(document, "more", 1, MONDAY, MUG=1),
        Submission("tick", cmd.Tick(MONDAY + DAY)),
    ]
    for told in permutations([*orders, *others]):
        shard = new_shard()
        tell(shard, [loading(document), receiving(document, "first", 1, MUG=3), *told], 3)
        assert audit(shard.store) == []
        ledger = shard.state.ledger
        assert ledger.problems() == []
        wanted = 5 - (told.index(orders[0]) < told.index(others[0]))
        out = sum(part.units() for held in shard.state.orders.values() for part in held.parts.values())
        assert out == min(4, wanted), "every unit that is there goes to somebody who waits for it"


# -- the reading above must see an engine that is wrong ------------------------------------------------------------------


def ledger_without_a_floor(patch: pytest.MonkeyPatch) -> None:
    """Routing sees one unit more than there is, and the ledger lets it go below zero."""

    def move(ledger: Ledger, source: Bucket, target: Bucket, node: int, skus: list[int], quantities: list[int]) -> None:
        for sku, quantity in zip(skus, quantities, strict=True):
            ledger.balance[source, sku, node] -= quantity
            ledger.balance[target, sku, node] += quantity

    patch.setattr(Ledger, "move", move)
    patch.setattr(routing, "_drop_overlap", lambda *args: None)
    seen = routing.available
    patch.setattr(routing, "available", lambda *args: [[units + 1 for units in row] for row in seen(*args)])


def cap_one_too_high(patch: pytest.MonkeyPatch) -> None:
    """One more than the limit."""
    limit = ShareWindow.limit
    patch.setattr(ShareWindow, "limit", lambda window, size: limit(window, size) + 1)


def cap_without_channels(patch: pytest.MonkeyPatch) -> None:
    """Only the total is held against the limit."""
    prepare = routing._Chooser.__init__

    def total_only(chooser: routing._Chooser, *args: object) -> None:
        prepare(chooser, *args)  # type: ignore[arg-type]
        chooser.windows = [windows[:1] for windows in chooser.windows]

    patch.setattr(routing._Chooser, "__init__", total_only)


def voids_are_always_whole(patch: pytest.MonkeyPatch) -> None:
    """One unit taken back frees the place of the whole fulfillment order."""
    taken = takeback._taken

    def whole(*args: object) -> Iterator[tuple[ev.Event, int]]:
        for event, units in taken(*args):  # type: ignore[arg-type]
            yield (structs.replace(event, whole=True) if isinstance(event, ev.PartVoided) else event), units

    patch.setattr(takeback, "_taken", whole)


def units_forgotten_on_the_way(patch: pytest.MonkeyPatch) -> None:
    """What stays open after a split is neither parked nor cancelled."""
    patch.setattr(routing, "_rests", lambda *args: [])


def networks_limits_ignored(patch: pytest.MonkeyPatch) -> None:
    """A part is one fulfillment order, however large."""
    patch.setattr(routing, "_chunks", lambda facts, node, pieces: [pieces])


def capacity_without_end(patch: pytest.MonkeyPatch) -> None:
    """Nothing is booked: every order finds an empty day."""
    patch.setattr(evolve, "_book", lambda *args: None)


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    ledger_without_a_floor,
    cap_one_too_high,
    cap_without_channels,
    voids_are_always_whole,
    units_forgotten_on_the_way,
    networks_limits_ignored,
    capacity_without_end,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_bug_is_seen(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each planted bug makes some story end in unsound books."""
    mutant(monkeypatch)

    @given(stories.documents, stories.acts)
    @settings(max_examples=400, database=None, derandomize=True, phases=[Phase.generate])
    def read(document: NetworkFile, story: list[Act]) -> None:
        told_and_audited(document, story)

    with pytest.raises((AssertionError, TranshipError, IndexError)):
        read()


def test_a_run_of_one_command_at_a_time_is_a_story_too() -> None:
    """The helper of the other tests is held to the same books."""
    run = Run(network(caps=cap()))
    run.stock(0, MUG=3)
    run.place(1, ("MUG", 2))
    assert audit(run.shard.store) == []
