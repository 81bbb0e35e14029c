"""One writer: answers after the commit, once per key; what fails leaves nothing, and takes nobody with it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.engine.memory_store import MemoryStore
from tests.engine.worlds import MONDAY, PL, Run, network, order, placing, receiving, sqlite
from tranship.core.errors import ConflictError, DamageError, InputError, InvariantError, TranshipError, UnavailableError
from tranship.core.ledger import Bucket
from tranship.core.order import Person
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine import shard as shard_module
from tranship.engine.shard import MOST_IN_BATCH, Submission, fingerprint

DISK_FULL = UnavailableError("the disk is full")


@pytest.fixture
def run() -> Run:
    """A run in memory with ten mugs at the 3PL."""
    made = Run()
    made.stock(PL, MUG=10)
    return made


def memory(run: Run) -> MemoryStore:
    """The store behind a run."""
    store = run.shard.store
    assert isinstance(store, MemoryStore)
    return store


# -- once per key --------------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_first_answers_bytes(run: Run) -> None:
    """Again in the next batch, again in the same one, again after a restart: nothing new happens."""
    asked = placing(order(1, ("MUG", 2)))
    first, second = run.shard.submit([asked, asked])
    rows, state = len(run.journal()), run.shard.hash()
    third = run.answer(asked)
    run.shard.rebuild()
    fourth = run.answer(asked)
    assert first.reply == second.reply == third.reply == fourth.reply
    assert [answer.repeated for answer in (first, second, third, fourth)] == [False, True, True, True]
    assert (len(run.journal()), run.shard.hash()) == (rows, state)
    assert run.shelf(PL, "MUG") == 8


def test_the_answer_says_where_it_ships_from_and_what_waits(run: Run) -> None:
    """JSON for the caller: status, fulfillment orders with days and cost, parked parts with reasons."""
    told = json.loads(run.answer(placing(order(1, ("MUG", 12), ("TEE", 1)))).reply)
    assert told["order"] == "test:1"
    assert told["status"] == "PROCESSING"
    (part,) = told["fulfillment_orders"]
    assert part == {
        "id": "test:1/1", "node": "PL-1", "units": 10, "ship_by": "2026-03-02", "deliver_by": "2026-03-04",
        "late": False, "cost_micros": 5_000_000,
    }  # fmt: skip
    assert told["parked"] == [{"id": "test:1/p1", "units": 3, "reason": "no_stock", "action": "park"}]


def test_the_same_key_with_other_content_is_a_conflict(run: Run) -> None:
    """The first stands; the second is refused and changes nothing."""
    run.submit(placing(order(1, ("MUG", 2))))
    before = run.shard.hash()
    changed = run.answer(placing(order(1, ("MUG", 3))))
    assert isinstance(changed.error, ConflictError)
    assert "order/test/1" in str(changed.error)
    assert not changed.reply
    assert run.shard.hash() == before


def test_a_conflict_inside_one_batch_is_seen_too(run: Run) -> None:
    """Both come before either is committed: the first is taken."""
    first, second = run.shard.submit([placing(order(1, ("MUG", 2))), placing(order(1, ("MUG", 3)))])
    assert first.error is None
    assert isinstance(second.error, ConflictError)


def test_content_that_nobody_stated_is_not_compared(run: Run) -> None:
    """A command without a fingerprint is the same command by its key alone."""
    tick = Submission("tick/1", cmd.Tick(MONDAY))
    assert run.answer(tick).reply == run.answer(Submission("tick/1", cmd.Tick(MONDAY + 1))).reply


def test_a_fingerprint_tells_parts_apart() -> None:
    """("ab", "c") is not ("a", "bc")."""
    assert len({fingerprint(b"ab", b"c"), fingerprint(b"a", b"bc"), fingerprint(b"abc")}) == 3


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (order(1, ("NOPE", 1)), "unknown SKU 'NOPE'"),
        (order(1, ("MUG", 0)), "quantity 0 is not between"),
        (order(1, ("MUG", 1_000_001)), "is not between 1 and 1000000"),
        (order(1), "1 to 2000 lines, found 0"),
        (order(1, *[("MUG", 1)] * 2001), "1 to 2000 lines, found 2001"),
        (order(1, ("MUG", 1), channel="fax"), "Known channels: web, shop, amazon"),
        (order(1, ("MUG", 1), currency="EUR"), "currency EUR"),
        (order("", ("MUG", 1)), "needs a source and a number"),
        (order(1, ("MUG", 1), deliver_by="soon"), "is not an ISO date"),
        (order(1, lines=(*order(1, ("MUG", 1)).lines, *order(1, ("TEE", 1)).lines)), "two lines have the same key"),
    ],
)
def test_an_order_that_cannot_be_taken_is_refused_with_where_and_why(run: Run, wrong: object, words: str) -> None:
    """InputError, nothing journaled, the key still free for the corrected order."""
    before = run.shard.hash()
    answer = run.answer(placing(wrong))  # type: ignore[arg-type]
    assert isinstance(answer.error, InputError)
    assert words in str(answer.error)
    assert run.shard.hash() == before
    assert run.answer(placing(order(1, ("MUG", 1)))).error is None


@pytest.mark.parametrize(
    "wrong",
    [
        cmd.ReceiveStock("r", 7, int(Bucket.SUPPLIER), (0,), (1,), MONDAY),
        cmd.ReceiveStock("r", -1, int(Bucket.SUPPLIER), (0,), (1,), MONDAY),
        cmd.ReceiveStock("r", 0, int(Bucket.SUPPLIER), (99,), (1,), MONDAY),
        cmd.ReceiveStock("r", 0, int(Bucket.SUPPLIER), (5,), (1,), MONDAY),
        cmd.ReceiveStock("r", 0, int(Bucket.SUPPLIER), (0,), (-1,), MONDAY),
        cmd.SwitchNode("NOPE", True, "", MONDAY),
        cmd.TakeBack("test:1", "1", 0, "C", MONDAY),
        cmd.TakeBack("test:1", "1", -2, "C", MONDAY),
    ],
    ids=["no-node", "negative-node", "no-sku", "bundle", "negative", "unknown-node", "nothing-back", "negative-back"],
)
def test_a_command_that_cannot_be_is_refused(run: Run, wrong: cmd.Command) -> None:
    """Nothing happens because of it."""
    run.place(1, ("MUG", 20))
    before = run.shard.hash()
    with pytest.raises(InputError):
        run.do(wrong)
    assert run.shard.hash() == before


def test_a_batch_has_a_limit() -> None:
    """More than fit in a transaction is the caller's mistake."""
    with pytest.raises(ValueError, match="at most 500"):
        Run().shard.submit([Submission("x", cmd.Tick(0))] * (MOST_IN_BATCH + 1))


# -- what fails ----------------------------------------------------------------------------------------------------------


def test_a_disk_that_fails_leaves_nothing_and_later_the_same_batch_goes_through(run: Run) -> None:
    """Everybody in the batch is told; state, journal and people are as before."""
    before, people = run.shard.hash(), dict(memory(run).people)
    asked = [placing(order(n, ("MUG", 2)), Person(ref=f"c{n}", name="Ada")) for n in (1, 2)]
    memory(run).fail_next = DISK_FULL
    answers = run.shard.submit(asked)
    assert [answer.error for answer in answers] == [DISK_FULL] * 2
    assert not any(answer.reply for answer in answers)
    again = run.shard.submit(asked)
    assert [answer.error for answer in again] == [None, None]
    assert not any(answer.repeated for answer in again)
    assert people == {}
    assert set(memory(run).people) == {"P1", "P2"}
    run.shard.rebuild()
    assert run.shard.hash() != before
    assert run.shelf(PL, "MUG") == 6


def test_a_store_that_refuses_the_books_is_believed(run: Run) -> None:
    """The database keeps the same balances: where it says that a shelf would go below zero, nothing is committed."""
    memory(run).fail_next = InvariantError("MUG at PL-1 would be -1")
    answers = run.shard.submit([placing(order(1, ("MUG", 2)))])
    assert isinstance(answers[0].error, InvariantError)
    assert run.shard.state.orders == {}
    assert run.answer(placing(order(1, ("MUG", 2)))).error is None


@pytest.mark.parametrize(
    "poison",
    [InvariantError("no"), DamageError("no"), KeyError("no"), AssertionError("no"), ZeroDivisionError(), TypeError("no"),
     RuntimeError("no"), RecursionError("no")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_poison_command_takes_nobody_with_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, poison: Exception, place: int
) -> None:
    """Whatever a command breaks, wherever it stands in a batch: the others are carried out, it alone is refused."""
    execute, runs = shard_module.execute, shard_module.quick_runs  # type: ignore[attr-defined]

    def poisoned(state: object, command: cmd.Command) -> Iterator[ev.Event]:
        for event in execute(state, command):  # type: ignore[arg-type]
            yield event
            if isinstance(command, cmd.PlaceOrder) and command.order.number == "bad":
                raise poison

    def poisoned_runs(state: object, commands: Sequence[cmd.Command]) -> Iterator[list[list[ev.Event]]]:
        for made in runs(state, commands):  # type: ignore[arg-type]
            if any(isinstance(events[0], ev.OrderAccepted) and events[0].order.number == "bad" for events in made):
                raise poison
            yield made

    monkeypatch.setattr(shard_module, "execute", poisoned)
    monkeypatch.setattr(shard_module, "quick_runs", poisoned_runs)
    asked = [placing(order(n, ("MUG", 1)), Person(ref=f"c{n}", email="a@example.com")) for n in range(6)]
    asked.insert(place, placing(order("bad", ("MUG", 1)), Person(ref="bad")))
    answers = run.shard.submit(asked)
    assert [answer.error is None for answer in answers] == [i != place for i in range(7)]
    assert isinstance(answers[place].error, TranshipError)
    assert sorted(run.state.orders) == [f"test:{n}" for n in range(6)]
    assert run.shelf(PL, "MUG") == 4
    held = {n: run.held(n).order.person_id for n in range(6)}
    assert held == {n: f"P{n + 1}" for n in range(6)}
    for n, person_id in held.items():
        assert run.shard.people.read(person_id) == Person(ref=f"c{n}", email="a@example.com")
    before = run.shard.hash()
    run.shard.rebuild()
    assert run.shard.hash() == before


def test_a_refusal_of_the_first_event_takes_back_the_person_too(run: Run) -> None:
    """Who ordered what cannot be taken is nobody yet, and gets the next number when they come again."""
    run.answer(placing(order(1, ("NOPE", 1)), Person(ref="ada")))
    assert memory(run).people == {}
    run.submit(placing(order(2, ("MUG", 1)), Person(ref="bob")))
    run.submit(placing(order(3, ("MUG", 1)), Person(ref="ada")))
    assert [run.held(n).order.person_id for n in (2, 3)] == ["P1", "P2"]


def test_a_state_ahead_of_the_disk_is_thrown_away(run: Run) -> None:
    """Even an interruption in the middle of a commit: the next batch starts from the journal."""
    memory(run).fail_next = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        run.shard.submit([placing(order(1, ("MUG", 10)))])
    assert run.place(2, ("MUG", 10)).parts
    assert list(run.state.orders) == ["test:2"]


# -- people and ids ------------------------------------------------------------------------------------------------------


def test_people_are_numbered_by_first_appearance_and_found_again(run: Run) -> None:
    """One customer, one id; the same reference of another source is somebody else; guests are never the same."""
    ada, bob, guest = Person(ref="ada"), Person(ref="bob"), Person(name="Guest")
    for n, person in enumerate([ada, bob, ada, guest, guest]):
        run.submit(placing(order(n, ("MUG", 1)), person))
    other = placing(order(9, ("MUG", 1), source="shopify"), ada)
    run.submit(other)
    ids = [run.held(n).order.person_id for n in range(5)]
    assert ids == ["P1", "P2", "P1", "P3", "P4"]
    assert run.state.orders["shopify:9"].order.person_id == "P5"
    assert run.shard.people.read("P1") == ada


def test_personal_data_is_in_no_event(run: Run) -> None:
    """The journal has an id, a ZIP and a state; name, street and the customer's own reference are sealed elsewhere."""
    person = Person("ref-0815", "Ada Lovelace", "12 Engine Way", "London", "+44 20 1234", "ada@example.com")
    run.submit(placing(order(1, ("MUG", 1)), person))
    journal = b"".join(row.payload for row in run.journal())
    for word in ("ref-0815", "Lovelace", "Engine", "London", "1234", "ada@"):
        assert word.encode() not in journal
    assert b"P1" in journal


def test_an_email_stands_for_a_reference_that_is_missing(run: Run) -> None:
    """Who orders twice with one e-mail address is one person."""
    for n in (1, 2):
        run.submit(placing(order(n, ("MUG", 1)), Person(email="ada@example.com", name=f"Ada {n}")))
    assert {run.held(n).order.person_id for n in (1, 2)} == {"P1"}


# -- rebuilding ----------------------------------------------------------------------------------------------------------


def test_a_shard_on_disk_opens_as_it_was_left(tmp_path: Path) -> None:
    """Another process: the same state, people found again, keys still known."""
    document = network()
    run = Run(document, shard=sqlite(tmp_path))
    run.stock(PL, MUG=10)
    run.submit(placing(order(1, ("MUG", 2)), Person(ref="ada")))
    before = (run.shard.seq, run.shard.chain, run.shard.hash())
    run.shard.store.close()
    again = sqlite(tmp_path)
    assert (again.seq, again.chain, again.hash()) == before
    assert again.submit([placing(order(1, ("MUG", 2)), Person(ref="ada"))])[0].repeated
    again.submit([receiving(document, "more", PL, MUG=1), placing(order(2, ("MUG", 1)), Person(ref="ada"))])
    assert again.state.orders["test:2"].order.person_id == "P1"
    again.store.close()


def test_a_journal_with_a_gap_or_another_chain_is_not_opened(run: Run) -> None:
    """The first bad row is named; nothing is built on it."""
    run.place(1, ("MUG", 2))
    rows = memory(run).rows
    whole = list(rows)
    del rows[1]
    with pytest.raises(DamageError, match="journal row 2 is missing: the next one found is 3"):
        run.shard.rebuild()
    payload = whole[2].payload
    rows[:] = [*whole[:2], whole[2]._replace(payload=payload[:-1] + bytes([payload[-1] ^ 1])), *whole[3:]]
    with pytest.raises(DamageError, match=r"journal row 3 \(accepted, key order/test/1\)"):
        run.shard.rebuild()


def test_progress_is_told_while_a_long_journal_is_read() -> None:
    """Every so many rows, with how far it is."""
    run = Run()
    run.shard.submit([Submission(f"t{n}", cmd.Tick(MONDAY)) for n in range(500)])
    for batch in range(1, 11):
        run.shard.submit([Submission(f"t{batch}/{n}", cmd.Tick(MONDAY)) for n in range(500)])
    told: list[int] = []
    run.shard.rebuild(told.append)
    assert told == [5000]


@pytest.mark.parametrize(
    "bad",
    [
        {"number": "joe@x.example"},
        {"source": "a:b"},
        {"source": "a/b"},
    ],
)
def test_names_that_would_stand_in_ids_and_logs_are_refused_without_being_repeated(
    run: Run, bad: dict[str, str]
) -> None:
    """An e-mail in a number's place, a separator in a source: an error that does not echo them, and nothing journaled."""
    taken = msgspec.structs.replace(order(1, ("MUG", 1)), **bad)
    before = run.shard.seq
    (answer,) = run.shard.submit([Submission("order/odd", cmd.PlaceOrder(taken, MONDAY))])
    assert isinstance(answer.error, InputError)
    assert not any(value in str(answer.error) for value in bad.values())
    assert run.shard.seq == before


def test_nobody_brings_a_person_id_along(run: Run) -> None:
    """It could be an e-mail, and it would be journaled: the engine gives person ids, from the person that is sent."""
    taken = msgspec.structs.replace(order(1, ("MUG", 1)), person_id="joe@x.example")
    (answer,) = run.shard.submit([Submission("order/odd", cmd.PlaceOrder(taken, MONDAY))])
    assert isinstance(answer.error, InputError)
    assert "joe" not in str(answer.error)
