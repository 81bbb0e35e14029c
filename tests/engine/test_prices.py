"""Prices as journaled versions: brought in, used, replaced, refused, rebuilt and verified."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.price_books import DOLLAR, book, command, steady
from tests.engine.worlds import (
    AMZ,
    DAY,
    HOUR,
    MONDAY,
    NODES,
    OWN,
    PL,
    SKUS,
    TODAY,
    Run,
    cap,
    kinds,
    network,
    node,
    order,
    placing,
    sqlite,
)
from tranship.core.errors import InputError
from tranship.core.network import Node, Policy, Sku
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.explain import explain
from tranship.engine.pricebooks import price_books, solve_on
from tranship.engine.snapshots import HistoryLog, snapshot_of, solve_now
from tranship.engine.verify import verify
from tranship.routing.prices.model import PriceBook, encode
from tranship.store.sqlite import SqliteStore


def stocked(folder: Path | None = None, **changes: object) -> Run:
    """A run with plenty everywhere; Amazon is cheapest at 4, then 5, then 7."""
    run = Run(network(**changes), shard=sqlite(folder) if folder else None)
    for n in (AMZ, PL, OWN):
        run.stock(n, MUG=500, TEE=500, CAP=500)
    return run


def busy(run: Run, count: int = 200) -> Run:
    """Enough own orders for prices."""
    lines = [(("MUG", "TEE", "CAP")[i % 3], 1 + i % 2) for i in range(count)]
    orders = [order(f"b{i}", line, placed_at=MONDAY - DAY + i) for i, line in enumerate(lines)]
    answers = run.shard.submit([placing(one) for one in orders])
    assert not [answer.error for answer in answers if answer.error]
    return run


def test_a_book_is_an_event_with_its_document_beside_it():
    """Version, hash and reason are journaled; the answer names the version, and the next book is the next version."""
    run = stocked()
    first = command(book(run, {("MUG", AMZ): DOLLAR}))
    (event,) = run.do(first)
    assert event == ev.PricesSet(1, first.sha256, run.state.network_sha, "by hand", MONDAY)
    assert run.shard.store.document(first.sha256) == first.document
    (event,) = run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR}), MONDAY + HOUR))
    assert (event.version, run.state.price_version, run.state.prices.version) == (2, 2, 2)


def test_the_price_of_stock_sends_an_order_to_another_node():
    """Two dollars on a mug at Amazon's node: the 3PL, a dollar dearer, ships it; its own cost is what it charges."""
    run = stocked()
    assert run.place(1, ("MUG", 1)).parts[0].node == AMZ
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR})))
    decision = run.place(2, ("MUG", 1))
    assert (decision.parts[0].node, decision.parts[0].cost, decision.why.priced) == (PL, 5 * DOLLAR, 5 * DOLLAR)
    assert decision.why.prices == 1
    assert next((a.nodes, a.cost) for a in decision.why.alternatives) == ((AMZ,), 4 * DOLLAR)
    assert run.place(3, ("CAP", 1)).parts[0].node == AMZ


def test_a_price_below_the_gap_moves_nothing_and_costs_nothing():
    """Half a dollar is less than what the next node charges more: the order stays, at its card's cost."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): DOLLAR // 2})))
    decision = run.place(1, ("MUG", 1))
    assert (decision.parts[0].node, decision.parts[0].cost) == (AMZ, 4 * DOLLAR)
    assert decision.why.priced == 4 * DOLLAR + DOLLAR // 2


def test_a_bundle_is_charged_the_sum_of_its_parts():
    """A set of two mugs and a tee at 0.60 and 0.10 is charged 1.30: more than the dollar that the 3PL costs more."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): 600_000, ("TEE", AMZ): 100_000})))
    decision = run.place(1, ("SET", 1))
    assert (decision.parts[0].node, decision.parts[0].cost) == (PL, 5 * DOLLAR)
    run.do(command(book(run, {("MUG", AMZ): 400_000, ("TEE", AMZ): 100_000}), MONDAY + HOUR))
    decision = run.place(2, ("SET", 1))
    assert (decision.parts[0].node, decision.why.priced) == (AMZ, 4 * DOLLAR + 900_000)


def test_the_price_of_a_day_counts_on_the_day_that_the_node_would_ship():
    """Work of today is dear at Amazon's node: an order before the cut-off goes elsewhere, one after it ships there tomorrow."""
    run = stocked()
    run.do(command(book(run, days={(AMZ, TODAY): 2 * DOLLAR})))
    assert run.place(1, ("MUG", 1)).parts[0].node == PL
    later = run.place(2, ("MUG", 1), placed_at=MONDAY + 6 * HOUR)
    assert (later.parts[0].node, later.parts[0].ship_day) == (AMZ, TODAY + 1)


def test_a_day_pushed_back_by_capacity_has_its_own_price():
    """Amazon's node is full today; its tomorrow is dear: the order leaves for the 3PL though tomorrow would be in time."""
    run = stocked(nodes=node(AMZ, capacity_units=2))
    run.place(1, ("MUG", 2))
    assert run.place(2, ("MUG", 1)).parts[0].node == AMZ
    run.do(command(book(run, days={(AMZ, TODAY + 1): 2 * DOLLAR})))
    assert run.place(3, ("MUG", 1)).parts[0].node == PL


def test_a_book_is_not_used_after_its_last_day():
    """Prices of futures that are over say nothing: decisions are as without, and name no version."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR}, until_day=TODAY)))
    assert run.place(1, ("MUG", 1)).why.prices == 1
    stale = run.place(2, ("MUG", 1), placed_at=MONDAY + DAY)
    assert (stale.parts[0].node, stale.why.prices) == (AMZ, 0)


def test_prices_can_be_switched_off_and_on_again():
    """Under a policy without prices a book is refused and the old one unused; back on, it is in force as before."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR})))
    run.load(network(policy=Policy(prices="off")))
    assert run.state.prices is None
    assert run.place(1, ("MUG", 1)).parts[0].node == AMZ
    with pytest.raises(InputError, match="switches prices off"):
        run.do(command(book(run)))
    run.load(network(), MONDAY + 1)
    assert run.place(2, ("MUG", 1)).parts[0].node == PL


def test_a_larger_network_keeps_the_prices_it_had():
    """A SKU and a node more: what had a price keeps it, what is new has none yet."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR})))
    nodes = (*NODES, Node("AMZ-2", "AMZ", "92408", "America/Los_Angeles", "amz"))
    run.load(network(nodes=nodes, skus=(*SKUS, Sku("PIN", 10))))
    assert run.state.prices.stock.shape == (len(SKUS) + 1, 4)
    assert run.state.prices.stock.sum() == 2 * DOLLAR
    assert run.place(1, ("MUG", 1)).parts[0].node == PL


def test_the_learned_price_of_room_and_the_buckets_own_meet_halfway():
    """The bucket's base becomes the mean of both; a cap that the book does not name keeps its base."""
    run = stocked(caps=cap(price_micros=4_000_000, window=1000))
    bucket = run.state.caps[0].bucket
    bucket.base = 1_000_000
    run.do(command(book(run, caps={"AMZ": 3_000_000})))
    assert bucket.base == 2_000_000
    run.do(command(book(run), MONDAY + 1))
    assert bucket.base == 2_000_000


REFUSED: dict[str, tuple[str, object]] = {
    "another network": ("another network document", lambda run: command(book(run, network="0" * 64))),
    "fewer SKUs": (
        "other SKUs or nodes",
        lambda run: command(msgspec.structs.replace(book(run), skus=len(run.state.skus) - 1)),
    ),
    "more nodes": ("other SKUs or nodes", lambda run: command(msgspec.structs.replace(book(run), nodes=4))),
    "a cap that is not there": ("has no cap", lambda run: command(book(run, caps={"PL": 1}))),
    "no book": ("not a price book", lambda run: setting_of(b"nonsense")),
    "cut bytes": ("not a price book", lambda run: setting_of(encode(book(run, {("MUG", AMZ): 1}))[:-9])),
    "another hash": ("not the one", lambda run: msgspec.structs.replace(command(book(run)), sha256="0" * 64)),
    "a cell outside": (
        "ascending positions",
        lambda run: command(msgspec.structs.replace(book(run), cells=b"\xff" * 8, micros=b"\x01" + b"\0" * 7)),
    ),
    "a negative price": (
        "not between",
        lambda run: command(msgspec.structs.replace(book(run), cells=b"\0" * 8, micros=b"\xff" * 8)),
    ),
    "a day of no node": (
        "does not cover",
        lambda run: command(msgspec.structs.replace(book(run), node_days=((9, TODAY, 1),))),
    ),
}


def setting_of(document: bytes) -> cmd.SetPrices:
    """A command around any bytes."""
    import hashlib

    return cmd.SetPrices(document, hashlib.sha256(document).hexdigest(), "by hand", MONDAY)


@pytest.mark.parametrize("case", REFUSED, ids=lambda name: name.replace(" ", "-"))
def test_a_book_that_does_not_fit_is_refused_and_nothing_changes(case: str) -> None:
    """Damaged, foreign or made for other positions: InputError, no event, the book before stays in force."""
    run = stocked()
    run.do(command(book(run, {("MUG", AMZ): 5})))
    before, rows = run.shard.hash(), len(run.journal())
    words, make = REFUSED[case]
    with pytest.raises(InputError, match=words):
        run.do(make(run))  # type: ignore[operator]
    assert (run.shard.hash(), len(run.journal()), run.state.prices.version) == (before, rows, 1)


def priced_run(folder: Path) -> Run:
    """A run on disk with two books, a stale stretch, a network change and orders all along."""
    run = Run(network(caps=cap(price_micros=1_000_000, measure="units", window=40)), shard=sqlite(folder))
    for n in (AMZ, PL, OWN):
        run.stock(n, MUG=30, TEE=30, CAP=30)
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR}, {(PL, TODAY): DOLLAR}, {"AMZ": 400_000})))
    for i in range(12):
        run.place(f"a{i}", ("MUG", 1 + i % 3), ("TEE", 1))
    run.load(network(caps=cap(price_micros=1_000_000, measure="units", window=40), skus=(*SKUS, Sku("PIN", 10))))
    run.do(command(book(run, {("TEE", PL): DOLLAR}, until_day=TODAY + 1), MONDAY + HOUR))
    for i in range(8):
        run.place(f"c{i}", ("TEE", 2), ("SET", 1), placed_at=MONDAY + HOUR + i * DAY // 3)
    run.tick(MONDAY + 4 * DAY)
    return run


def test_a_rebuild_has_the_same_prices_and_verify_decides_everything_alike(tmp_path: Path) -> None:
    """Reopened from the journal: the same hash, tables and versions; every decision under every version is taken again alike."""
    run = priced_run(tmp_path / "run")
    before, stock = run.shard.hash(), run.state.prices.stock.copy()
    run.shard.store.close()
    again = sqlite(tmp_path / "run")
    assert again.hash() == before
    assert (again.state.prices.stock == stock).all()
    assert again.state.price_version == 2
    again.store.close()
    store = SqliteStore.open(tmp_path / "run", create=False, read_only=True)
    verdict = verify(store, decide=True)
    assert verdict.problems == []
    assert verdict.hash == before
    store.close()


def test_explain_tells_the_version_and_what_the_prices_added(tmp_path: Path) -> None:
    """The story of an order that prices moved names the book, the price at its node, and at the node it was kept from."""
    run = stocked(tmp_path / "run")
    run.do(command(book(run, {("MUG", AMZ): 2 * DOLLAR, ("MUG", PL): 100_000}, {(PL, TODAY): 20_000})))
    run.place(1, ("MUG", 1))
    decision = explain(run.shard.store, "test:1").decisions[0]
    assert decision.prices == (
        "price book 1 of 2026-03-02 15:00 UTC (by hand)",
        "PL-1: stock 0.1000, work of 2026-03-02 0.0200 USD",
        "instead AMZ-1: stock 2.0000 USD",
        "instead OWN-1: stock 0.0000 USD",
    )
    assert all(part.adds_up for part in decision.parts)


def test_a_run_without_prices_explains_none(tmp_path: Path) -> None:
    """No book, no words about one."""
    run = stocked(tmp_path / "run")
    run.place(1, ("MUG", 1))
    assert explain(run.shard.store, "test:1").decisions[0].prices == ()
    assert price_books(run.shard.store) == []


# -- making them ------------------------------------------------------------------------------------------------------


def test_too_few_own_orders_make_no_book_at_all():
    """The cold start: below 200 orders there is no snapshot, so decisions stay as they are without prices."""
    run = busy(stocked(), 199)
    assert snapshot_of(run.state, HistoryLog(), MONDAY, "schedule") is None
    with pytest.raises(InputError, match="199 own orders"):
        solve_on(run.shard, steady)
    run.place("one more", ("MUG", 1))
    assert solve_now(run.state, HistoryLog(), MONDAY, "schedule", steady) is not None


def test_a_snapshot_holds_history_newest_first_and_the_shelves_as_they_are():
    """Columns of own orders line up with what was placed; stock is what may still be promised; closed nodes are not allowed."""
    run = busy(stocked(caps=cap(window=1000)))
    run.place("last", ("SET", 2, 700), ("CAP", 1, 300), channel="amazon", placed_at=MONDAY)
    run.switch("OWN-1", True)
    log = HistoryLog()
    snapshot = snapshot_of(run.state, log, MONDAY, "stock")
    history = snapshot.history
    assert (len(history), history.at[0], history.zip3[0], history.residential[0]) == (201, MONDAY, 100, 1)
    assert snapshot.channels[history.channel[0]] == "amazon"
    assert snapshot.tables.services[history.service[0]] == "ground"
    assert history.start[:3].tolist() == [0, 2, 3]
    rows = [
        (run.document.skus[s].code, int(q), int(v))
        for s, q, v in zip(history.sku, history.qty, history.value_minor, strict=True)
    ]
    assert rows[:3] == [("SET", 2, 700), ("CAP", 1, 300), ("TEE", 2, 1000)]
    assert history.start[-1] == len(history.sku)
    assert (snapshot.stock == run.state.ledger.fulfillable).all()
    assert snapshot.stock is not run.state.ledger.fulfillable
    assert snapshot.allowed[:, OWN].sum() == 0
    assert snapshot.caps[0].channels == ("web", "shop")
    assert snapshot.bundles == {5: [(0, 2), (1, 1)]}
    run.place("newer", ("TEE", 1), placed_at=MONDAY + 1)
    once_more, anew = (snapshot_of(run.state, held, MONDAY + 1, "stock").history for held in (log, HistoryLog()))
    assert once_more.sku.tolist() == anew.sku.tolist()
    assert once_more.at.tolist() == anew.at.tolist() == [MONDAY + 1, *history.at.tolist()]


def test_the_log_of_history_keeps_the_newest_orders_only():
    """A limit on memory: of more orders than it may hold, the newest stay, with their lines."""
    run = busy(stocked(), 260)
    log = HistoryLog(most=50)
    for _ in range(3):
        history = snapshot_of(run.state, log, MONDAY, "schedule").history
        assert len(history) == 50
        full = snapshot_of(run.state, HistoryLog(), MONDAY, "schedule").history
        assert history.at.tolist() == full.at.tolist()[:50]
        assert history.sku.tolist() == full.sku.tolist()[: int(full.start[50])]
        for i in range(60):
            run.place(f"m{len(run.state.orders)}", ("MUG", 1), ("TEE", 1 + i % 3), placed_at=MONDAY)


def test_the_same_state_makes_the_same_book_and_another_position_another_seed():
    """A book is a function of the run's position: two runs of the same commands bring in the same bytes."""
    first, second = (solve_now(busy(stocked()).state, HistoryLog(), MONDAY, "schedule", steady) for _ in range(2))
    assert first == second
    run = busy(stocked())
    run.switch("OWN-1", True)
    run.switch("OWN-1", False)
    assert solve_now(run.state, HistoryLog(), MONDAY, "schedule", steady) != first


def test_prices_of_a_stopped_run_are_solved_and_shown(tmp_path: Path) -> None:
    """By hand: the next version, its highest prices by SKU and node, its price of room, and how many shelves have one."""
    run = busy(stocked(tmp_path / "run", caps=cap(window=1000)))
    made = solve_on(run.shard, steady)
    assert (made.version, made.reason, made.making.orders_seen) == (1, "by hand", 200)
    assert made.highest[0].micros >= made.highest[-1].micros > 0
    assert (made.room[0].network, made.room[0].measure, made.room[0].micros) == ("AMZ", "fulfillment_orders", 200_000)
    assert made.cells <= made.possible == len(SKUS) * 3
    solve_on(run.shard, steady)
    assert [shown.version for shown in price_books(run.shard.store)] == [2, 1]
    assert [shown.version for shown in price_books(run.shard.store, 1)] == [2]
    assert kinds(run.events()).count("prices") == 2


def test_a_solver_that_returns_no_book_is_refused():
    """In this process too, what comes back must be a price book."""
    run = busy(stocked())
    with pytest.raises(InputError, match="returned str"):
        solve_now(run.state, HistoryLog(), MONDAY, "schedule", lambda _: "nonsense")  # type: ignore[arg-type,return-value]


def test_a_price_book_reads_back_as_it_was_written():
    """The same book gives the same bytes."""
    run = stocked()
    made = book(run, {("MUG", AMZ): 5, ("CAP", OWN): 7}, {(PL, TODAY): 9}, {"AMZ": 3})
    assert msgspec.msgpack.decode(encode(made), type=PriceBook) == made
    assert encode(made) == encode(book(run, {("CAP", OWN): 7, ("MUG", AMZ): 5}, {(PL, TODAY): 9}, {"AMZ": 3}))
